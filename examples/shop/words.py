"""How the advice is put: several true ways to say the same, of which the person's reward for answers chooses one.

Every way is made of the catalogue's facts and the adviser's reasons: none praises the person, and none leaves out what
speaks against an item. So a taste can choose the form alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from examples.shop.adviser import Advice
from idiolect.assistant import Assistant
from idiolect.schema import Noun


class Told(Noun):
    """What is said of the first item, and by which way."""

    way: str
    text: str


@dataclass(frozen=True)
class Teller:
    """Chooses by what is known of how the person likes answers, wherever they said it."""

    assistant: Assistant

    def told(self, user: str, advice: Advice) -> Told:
        """The way that suits the person most; of equals the shortest."""
        texts = {name: way(advice) for name, way in WAYS.items()}
        learner = self.assistant.learner
        belief = learner.belief(self.assistant.store.user(user))
        scores = learner.reward.score(belief, learner.phi(list(texts.values()))).mean
        best = list(texts)[int(np.argmax(np.round(scores, 9)))]
        return Told(way=best, text=texts[best])


def _brief(advice: Advice) -> str:
    item = advice.item
    return f"{item.name}, {_price(advice)}. {_sentence(_for(advice))}{_but(advice)}"


def _full(advice: Advice) -> str:
    item = advice.item
    told = f" Customers wrote: {' '.join(f'“{each}”' for each in item.reviews)}" if item.reviews else ""
    return (
        f"From what you picked and said, I would look at {item.name} first. It costs {_price(advice)}, and "
        f"{item.rating:.1f} of 5 is what customers gave it. {item.text} {_sentence(_for(advice))}{_but(advice)}{told}"
    )


def _listed(advice: Advice) -> str:
    item = advice.item
    lines = [f"{item.name}", f"- Price: {_price(advice)}", f"- Rating: {item.rating:.1f} of 5"]
    lines += [f"- For it: {each.words}" for each in advice.reasons]
    lines += [f"- Against it: {each.words}" for each in advice.against]
    return "\n".join([*lines, f"- {item.declared}"])


def _weighing(advice: Advice) -> str:
    item = advice.item
    doubt = "I am fairly sure of this" if advice.score > 1.6 * advice.sd else "I may well be wrong about this"
    return (
        f"I would perhaps begin with {item.name} at {_price(advice)}. {_sentence(_for(advice))}{_but(advice)} "
        f"{doubt}: what you pick next will tell."
    )


WAYS: dict[str, Callable[[Advice], str]] = {
    "brief": _brief,
    "listed": _listed,
    "weighing": _weighing,
    "full": _full,
}


def _price(advice: Advice) -> str:
    return f"€ {advice.item.price_eur:.2f}"


def _for(advice: Advice) -> str:
    if not advice.reasons:
        return "it stands here by what customers in general choose"
    return f"it stands first for these reasons: {'; '.join(each.words for each in advice.reasons)}"


def _but(advice: Advice) -> str:
    return f" Against it: {advice.against[0].words}." if advice.against else ""


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
