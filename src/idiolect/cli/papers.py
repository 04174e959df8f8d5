"""The page of methods and papers: of each registry every name, the first sentence of its file, links to the papers."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping

from idiolect.alignment.decoding import CHOOSERS, DECODING, WRITERS
from idiolect.generation import GENERATION
from idiolect.generation.agent import AGENTS
from idiolect.reward import PERSONAL

ROOMS: Mapping[str, Mapping[str, Callable[..., object]]] = {
    "Personal rewards": PERSONAL,
    "Personal generation": {**GENERATION, **AGENTS},
    "Alignment while an answer is written": DECODING
    | {name: each for name, each in WRITERS.items() if name not in AGENTS},
    "Choice among several answers": CHOOSERS,
}
ARXIV = re.compile(r"(?:arXiv )?\b(\d{4}\.\d{5})\b")


def papers_page() -> list[str]:
    """Lines of Markdown."""
    lines = [
        "# Methods and papers",
        "",
        "Every method by its name, and the papers it is built from. The framework is that of *A Survey on Personalized",
        f"Alignment* ({_linked('arXiv 2503.17003')}). What differs from a paper stands at the head of its file.",
    ]
    for room, registry in ROOMS.items():
        lines += ["", f"## {room}", "", "| name | what it is |", "| --- | --- |"]
        lines += list(_rows(registry))
    return lines


def _rows(registry: Mapping[str, Callable[..., object]]) -> Iterator[str]:
    for name, method in registry.items():
        told = sys.modules[method.__module__].__doc__ or ""
        yield f"| `{name}` | {_linked(_first_sentence(told)).replace('|', chr(92) + '|')} |"


def _first_sentence(told: str) -> str:
    """Up to a full stop at a line's end, or the paragraph's."""
    paragraph = told.strip().split("\n\n")[0]
    return " ".join(re.split(r"(?<=\.)\n", paragraph)[0].split())


def _linked(text: str) -> str:
    return ARXIV.sub(r"[arXiv \1](https://arxiv.org/abs/\1)", text)
