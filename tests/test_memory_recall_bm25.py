import random
from collections import Counter
from math import log

import numpy as np
import pytest

from idiolect.errors import NotFound
from idiolect.memory.recall.bm25 import BM25
from idiolect.memory.recall.words import stems, words


def slow_scores(documents: list[list[str] | None], query: list[str], k1: float, b: float) -> list[float]:
    """The formula, term by term and document by document."""
    held = [document for document in documents if document is not None]
    mean = sum(len(document) for document in held) / len(held)
    found = []
    for document in documents:
        score = 0.0
        for term in query if document is not None else ():
            count = Counter(document)[term]
            having = sum(term in other for other in held)
            idf = log(1 + (len(held) - having + 0.5) / (having + 0.5))
            score += idf * count * (k1 + 1) / (count + k1 * (1 - b + b * len(document or ()) / mean))
        found.append(score)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_the_formula_after_any_additions_and_removals(seed: int) -> None:
    chance, index = random.Random(seed), BM25(k1=1.5, b=0.6)
    documents: list[list[str] | None] = []
    for step in range(120):
        documents.append([f"w{chance.randrange(30)}" for _ in range(chance.randrange(12))])
        assert index.add(documents[-1] or []) == step
        gone = chance.randrange(len(documents))
        if step % 3 == 0 and documents[gone] is not None:
            index.remove(gone)
            documents[gone] = None
    query = [f"w{chance.randrange(35)}" for _ in range(8)]
    assert index.scores(query) == pytest.approx(slow_scores(documents, query, 1.5, 0.6), rel=1e-4)
    assert len(index) == sum(document is not None for document in documents)


def test_an_index_that_lost_a_document_is_as_if_it_had_never_come() -> None:
    with_it, without = BM25(), BM25()
    for index in (with_it, without):
        index.add(stems("quiet hotels by the sea"))
    with_it.remove(with_it.add(stems("sea food of all sorts")))
    query = stems("a quiet place by the sea for food")
    assert with_it.scores(query)[0] == without.scores(query)[0]
    assert with_it.idf("food") == without.idf("food")


def test_a_document_can_be_removed_once() -> None:
    index = BM25()
    place = index.add(["a"])
    index.remove(place)
    with pytest.raises(NotFound, match="place 0"):
        index.remove(place)


def test_an_empty_index_scores_nothing() -> None:
    assert BM25().scores(["a"]).shape == (0,)
    index = BM25()
    index.remove(index.add(["a"]))
    assert index.scores(["a"]).tolist() == [0.0]


def test_no_document_scores_more_than_the_most() -> None:
    index = BM25()
    for text in ("tea tea tea tea", "coffee", "tea and coffee"):
        index.add(stems(text))
    assert 0 < float(np.max(index.scores(["tea", "coffe"]))) < index.most(["tea", "coffe"])


def test_words_lose_case_accents_and_possessives() -> None:
    assert words("Zoë’s CAFÉ: don't, 3 o'clock") == ["zoe", "cafe", "don't", "3", "o'clock"]


def test_stems_leave_out_words_that_say_nothing() -> None:
    assert stems("I am running to the cities") == ["run", "citi"]
