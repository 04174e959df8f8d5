"""Guard models behind any endpoint, each in its own prompt form, and any chat model as a judge.

`guard = "llama-guard:http://127.0.0.1:8000/v1/llama-guard-3"` names the guard, the address up to `/v1`, and the model;
several are parted by commas. `judge` alone is the model that answers; `moderation` alone is OpenAI's.
"""

import os
from collections.abc import Callable, Mapping
from typing import Final

from idiolect.boundary.guards.endpoint import Endpoint
from idiolect.boundary.guards.judge import Judge
from idiolect.boundary.guards.llama_guard import LlamaGuard
from idiolect.boundary.guards.moderation import Moderation
from idiolect.boundary.guards.protocol import Guard
from idiolect.boundary.guards.screen import Fails, GuardScreen
from idiolect.boundary.guards.shield_gemma import ShieldGemma
from idiolect.boundary.policy import Policy
from idiolect.errors import SettingsError
from idiolect.models import OPENAI, open_model
from idiolect.models.protocol import Model
from idiolect.settings import Settings

__all__ = ["GUARDS", "Fails", "Guard", "GuardScreen", "open_guards"]

GUARDS: Final[Mapping[str, Callable[[Endpoint], Guard]]] = {
    LlamaGuard.name: LlamaGuard,
    ShieldGemma.name: ShieldGemma,
    Moderation.name: Moderation,
}
MODERATION: Final = "omni-moderation-latest"
VERSION: Final = "/v1/"


def open_guards(settings: Settings, policy: Policy, model: Callable[[], Model]) -> list[GuardScreen]:
    """The guards that the settings name, in their order; `model` is the one that answers. Raises SettingsError."""
    named = [each.strip() for each in (settings.guard or "").split(",") if each.strip()]
    return [GuardScreen(_guard(each, settings, policy, model), policy, settings.guard_fails) for each in named]


def _guard(text: str, settings: Settings, policy: Policy, model: Callable[[], Model]) -> Guard:
    kind, _, where = text.partition(":")
    key = settings.guard_key.get_secret_value() if settings.guard_key else None
    if kind == Judge.name:
        if not where:
            return Judge(model, policy)
        base_url, name = _address(text, where)
        opened = open_model(name, base_url=base_url, api_key=key, timeout_s=settings.guard_timeout_s)
        return Judge(lambda: opened, policy)
    if kind not in GUARDS:
        known = ", ".join((*GUARDS, Judge.name))
        raise SettingsError(f"no guard named {kind!r} in the setting 'guard'; there are: {known}")
    if kind == Moderation.name and not where:
        base_url, name = OPENAI, MODERATION
        key = key or os.environ.get("OPENAI_API_KEY")
    else:
        base_url, name = _address(text, where)
    return GUARDS[kind](Endpoint(base_url, name, key, settings.guard_timeout_s))


def _address(text: str, where: str) -> tuple[str, str]:
    address, version, name = where.partition(VERSION)
    if not version or not name or "://" not in address:
        raise SettingsError(f"the guard {text!r} needs the form {text.partition(':')[0]}:http://HOST:PORT/v1/MODEL")
    return f"{address}{VERSION.rstrip('/')}", name
