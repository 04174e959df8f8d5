"""Whether what a person once said of other things finds its way into answers: recall must not narrow the topic."""

from collections.abc import Iterator, Sequence

import numpy as np

from idiolect.evaluation.diversity.answering import Scene
from idiolect.evaluation.diversity.measures import mentions
from idiolect.evaluation.diversity.texts import read_tastes
from idiolect.evaluation.pools import Draws
from idiolect.evaluation.protocol import Case, Rows
from idiolect.evaluation.runs import code_version
from idiolect.generation import Host, compose
from idiolect.generation.protocol import Person
from idiolect.memory.extraction import extract
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recollection import Recollection
from idiolect.memory.store import open_store
from idiolect.schema import Preference, Statement

NOTHING = np.zeros(0)


def recall_cases(scene: Scene) -> Iterator[Case]:
    """A case for each question: what is recalled, and how many answers mention one of the tastes."""
    tastes = read_tastes()
    words = [word for taste in tastes for word in taste.words]
    recalled = _recalled(scene, [taste.text for taste in tastes])
    told = _told(scene, recalled)
    for at, question in enumerate(scene.questions):
        plain = _share(scene.plain[at], words)
        scores = {
            "recalled": float(bool(recalled[at])),
            "recalled_pairs": len(recalled[at]) / len(tastes),
            "mentions_plain": plain,
            "mentions": _share(told[at], words) if at in told else plain,  # nothing recalled: the very same request
        }
        yield Case(id=f"question/{question.text}", group=question.text, scores=scores, choice="")


def _recalled(scene: Scene, said: Sequence[str]) -> list[list[Preference]]:
    """Of each question, of one person who has said all of it."""
    store = open_store("sqlite://")
    try:
        person, recollection = store.user("person-1"), Recollection(scene.embedder)
        with person.transaction() as transaction:
            for text in said:
                transaction.append(Statement(text=text, source="conversation", slots=extract(text)))
        recollection.prepare(person)
        found = [recollection.recall(person, each.text, RecallSettings(turns=0)) for each in scene.questions]
        return [[each.preference for each in recalled.preferences] for recalled in found]
    finally:
        store.close()


def _told(scene: Scene, recalled: Sequence[Sequence[Preference]]) -> dict[int, Draws]:
    """Answers to the questions for which something is recalled, as many as there are plain ones."""
    places = [at for at, found in enumerate(recalled) if found]
    author = scene.author
    generation = compose(("profile",), Host(author.model, scene.space.version, author.system))
    ids = [f"{scene.questions[at].text}/{'; '.join(each.text for each in recalled[at])}" for at in places]
    key = {**author.key, "code": code_version("generation")}

    def write(index: int) -> Draws:
        at = places[index]
        plain = author.request(scene.questions[at].text, "told", ids[index])
        known = Person(recalled[at], NOTHING, NOTHING, (), 0)
        return author.write(generation.prepare(plain, known).request, len(scene.plain[at].answers))

    return dict(zip(places, scene.run.rows(Rows("told", Draws, key, ids), write), strict=True))


def _share(drawn: Draws, words: Sequence[str]) -> float:
    return float(np.mean([mentions(text, words) for text in drawn.texts]))
