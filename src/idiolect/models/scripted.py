"""A deterministic model that stands in for a remote one: no weights, no network, the same answer to the same question.

The answer follows from the prompt, the seed and the candidate's index. Candidates differ as a person notices: short or
long, plain or warm, prose or a list, certain or hedging.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from threading import Event

import numpy as np

from idiolect.models import wire
from idiolect.models.pieces import Pieces
from idiolect.models.protocol import OnCompletion, Request
from idiolect.models.scripted_json import asked_schema, fitted
from idiolect.schema import Completion

TOKEN = re.compile(r"\s*\S+|\s+")
WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True)
class Style:
    """A way to answer: sentences with {topic} in them, of which a few are taken between an opening and a close."""

    name: str
    opening: str
    sentences: tuple[str, ...]
    close: str
    joint: str = " "


STYLES = (
    Style("short", "Start with {topic}.", ("Keep it simple.", "One step is enough.", "Do the first thing today."), ""),
    Style(
        "long",
        "There are several sides to {topic}, and each of them deserves a careful look before anything is decided.",
        (
            "The first consideration is what has been tried before, because experience narrows the sensible choices.",
            "A second consideration is the time available, since a plan which ignores the calendar seldom survives it.",
            "It also matters who else is affected, and whether they would describe {topic} in the same terms.",
            "Finally, the cost of a mistake should be weighed against the cost of waiting for more information.",
        ),
        "Taken together, these considerations lead to a measured and gradual approach.",
    ),
    Style(
        "list",
        "## {topic}\n",
        ("- Write down what you want.", "- Pick 3 options for {topic}.", "- Compare cost and time.", "- Try the best."),
        "- Review it after 1 week.",
        joint="\n",
    ),
    Style(
        "warm",
        "What a lovely question! I'm so glad you asked about {topic}.",
        ("You're already doing great.", "Be kind to yourself on the way.", "We can work this out together, my friend!"),
        "Wishing you all the best! 😊",
    ),
    Style(
        "formal",
        "With regard to {topic}, the following is recommended.",
        (
            "The relevant requirements should be established beforehand.",
            "Subsequently, the alternatives are to be evaluated against these criteria.",
            "Documentation of the decision is advisable.",
        ),
        "Further particulars can be provided upon request.",
    ),
    Style(
        "hedging",
        "It may depend, but perhaps {topic} could be approached slowly.",
        ("I might be wrong here.", "It seems that people often disagree.", "Possibly a small trial would help."),
        "That said, I am not entirely sure.",
    ),
    Style(
        "examples",
        "Think of {topic} with a case in mind.",
        (
            "For example, Ana spent 20 minutes a day on it and was done in 2 weeks.",
            "For instance, a baker tests one loaf before baking 50.",
            "Such as with a map: first the coast, then the roads.",
        ),
        "Now try it with an example of your own.",
    ),
    Style(
        "playful",
        "Ha, {topic}! My favourite excuse to procrastinate.",
        ("Plot twist: the hard part is starting.", "Bring snacks!", "If all else fails, blame the cat."),
        "What could possibly go wrong? 😄",
    ),
)


class Scripted:
    """The shipped scripted model. It honours `n`, `max_tokens`, `stop` and `seed`, and streams word by word."""

    is_metered = False
    max_bias_entries = 0  # it has no tokens whose weight could be moved
    context: int | None = None  # it reads prompts of any length

    def __init__(self, name: str = "scripted") -> None:
        self.name = name

    @property
    def fingerprint(self) -> str:
        """The name and a sha256 of the styles."""
        return f"scripted:{hashlib.sha256(repr(STYLES).encode()).hexdigest()}"

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        """Return n completions in order, in n different styles as far as there are that many."""
        wire.check(request, n)
        done = []
        for index in range(n):
            wire.go_on(stop)
            done.append(self._completion(request, index))
            if on_completion:
                on_completion(index, done[-1])
        return done

    def stream(self, request: Request) -> Pieces:
        """One completion, word by word."""
        wire.check(request)
        whole = self._completion(request, 0)
        return Pieces(chain[str | Completion](tokens(whole.text), [whole]), lambda: None)

    def count_tokens(self, text: str) -> int:
        """Words with the space before them."""
        return len(tokens(text))

    def close(self) -> None:
        """There is nothing to free."""

    def _completion(self, request: Request, index: int) -> Completion:
        sampling = request.sampling
        text = answer(request, index)
        cuts = [at for at in (text.find(stop) for stop in sampling.stop if stop) if at >= 0]
        kept = tokens(text[: min(cuts)] if cuts else text)
        return Completion(
            text="".join(kept[: sampling.max_tokens]),
            finish_reason="length" if len(kept) > sampling.max_tokens else "stop",
            prompt_tokens=sum(len(tokens(message.text)) for message in request.messages),
            completion_tokens=min(len(kept), sampling.max_tokens),
        )


def tokens(text: str) -> list[str]:
    """Words with the space before them; joined they are the text again."""
    return TOKEN.findall(text)


def answer(request: Request, index: int) -> str:
    """The whole answer to a request, before `stop` and `max_tokens`."""
    schema = asked_schema(request.extra.get("response_format"))
    if schema is not None:
        return fitted(schema, topic(request))
    asked = "\n".join(f"{message.role}: {message.text}" for message in request.messages)
    order = _chance(request.sampling.seed, asked).permutation(len(STYLES))
    style = STYLES[order[index % len(STYLES)]]
    draw = _chance(request.sampling.seed, asked, index)
    count = draw.integers(len(style.sentences) - 1, len(style.sentences), endpoint=True)
    middle = [style.sentences[at] for at in draw.permutation(len(style.sentences))[:count]]
    parts = [style.opening, *middle, style.close]
    return style.joint.join(part for part in parts if part).replace("{topic}", topic(request))


def topic(request: Request) -> str:
    """What the newest user turn is about: its longest words, in their order."""
    newest = next((message.text for message in reversed(request.messages) if message.role == "user"), "")
    words = list(dict.fromkeys(word.lower() for word in WORD.findall(newest)))
    longest = sorted(words, key=lambda word: (-len(word), words.index(word)))[:2]
    return " ".join(word for word in words if word in longest) or "this"


def _chance(*of: object) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(of).encode()).digest()))
