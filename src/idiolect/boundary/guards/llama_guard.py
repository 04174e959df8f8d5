"""Llama Guard 3 (Inan et al., 2023, arXiv 2312.06674; model card in meta-llama/PurpleLlama, Llama-Guard3/8B).

    risk = P(unsafe) / (P(safe) + P(unsafe))   at the reply's first word; 0 or SAID where nobody tells the odds

The prompt, its task and its fourteen hazards, is the model's own chat template, which vLLM, Ollama, llama-server and
hosted endpoints apply to the conversation: sent as text it would stand in the prompt twice. The role of the last
message says what is judged. The reply's first line reads `safe` or `unsafe`, its second the hazards, as in `S1,S10`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from idiolect.boundary.guards.endpoint import SAID, Endpoint, share
from idiolect.boundary.guards.protocol import shortened, spoken
from idiolect.errors import NoStructure
from idiolect.schema import Message

HAZARDS: Final = {
    "S1": "violence",  # violent crimes
    "S2": "crime",  # non-violent crimes
    "S3": "harassment",  # sex-related crimes
    "S4": "sexual-minors",
    "S5": "disinformation",  # defamation
    "S6": "medical",  # specialised advice: answered with care
    "S7": "privacy",
    "S9": "weapons",
    "S10": "hate",
    "S11": "self-harm",
    "S12": "sexual-content",
    "S13": "disinformation",  # elections
    "S14": "malware",  # code interpreter abuse
}  # S8, intellectual property, is no category of the policy
UNNAMED: Final = "crime"  # where the reply names no hazard
REPLY: Final = re.compile(r"\s*(safe|unsafe)\b(.*)", re.IGNORECASE | re.DOTALL)


class LlamaGuard:
    """Of what a reply names, each hazard has the reply's risk."""

    name = "llama-guard"
    categories = frozenset({*HAZARDS.values(), UNNAMED})

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def risks(self, turns: Sequence[Message], answer: str | None) -> Mapping[str, float]:
        """One chat completion. Raises ModelError, and NoStructure for a reply of another form."""
        said = [{"role": each.role, "content": each.text} for each in spoken(turns)]
        if answer is not None:
            said.append({"role": "assistant", "content": shortened(answer)})
        reply = self._endpoint.chat(said, tokens=40)
        verdict = REPLY.match(reply.text)
        if verdict is None:
            raise NoStructure(
                f"{self._endpoint.model} answered {reply.text[:40]!r}, neither safe nor unsafe: is it a Llama Guard?"
            )
        is_unsafe = verdict[1].lower() == "unsafe"
        risk = share(reply.odds, "unsafe", "safe")
        if risk is None:
            risk = SAID if is_unsafe else 0.0
        hazards = re.findall(r"S\d+", verdict[2])
        named = {HAZARDS[each] for each in hazards if each in HAZARDS}
        return dict.fromkeys(named if hazards else {UNNAMED}, risk)
