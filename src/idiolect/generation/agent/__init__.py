"""Agents: workflows that write with a prepared request, where a generation method only prepares it. Listed by name."""

from idiolect.generation.agent.protocol import Desk, Workflow
from idiolect.generation.agent.revising import Reviser

__all__ = ["AGENTS", "Desk", "Workflow"]

AGENTS: dict[str, type[Workflow]] = {"agent": Reviser}
