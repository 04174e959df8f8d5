"""The embedder: unit vectors in order, long texts in windows, and nothing kept of what is to be forgotten."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import UnknownMethod, WeightsError
from idiolect.features.embedder import open_embedder
from idiolect.features.minilm import MiniLM, check_weights, cut, weights_folder

TEXTS = ["A cat sleeps on the mat.", "Stocks fell sharply on Monday.", "", "😀 日本語"]
LONG = " ".join(f"Sentence number {i} speaks of rivers, lamps and trade." for i in range(60))


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def pieces(text: str) -> list[tuple[int, int]]:
    """One piece for each word."""
    starts = [i for i, sign in enumerate(text) if sign != " " and (i == 0 or text[i - 1] == " ")]
    return [(start, (text + " ").index(" ", start)) for start in starts]


def test_an_embedder_that_nobody_knows_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(UnknownMethod, match="minilm, none"):
        open_embedder("word2vec")


def test_none_is_no_embedder() -> None:
    assert open_embedder("none") is None


def test_every_text_has_a_unit_row_even_an_empty_one(minilm: MiniLM) -> None:
    rows = minilm.embed(TEXTS)
    assert rows.shape == (4, minilm.dim)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)
    assert minilm.embed([]).shape == (0, minilm.dim)


def test_every_length_gives_what_sentence_transformers_gives() -> None:
    from sentence_transformers import SentenceTransformer

    lengths = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)
    texts = [*TEXTS, "Ünïcödé, naïve café; snake_case & C++?!", *(" ".join(LONG.split()[:words]) for words in lengths)]
    reference = SentenceTransformer(str(weights_folder()), device="cpu", local_files_only=True)
    theirs = reference.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    together, alone = MiniLM().embed(texts), np.concatenate([MiniLM().embed([text]) for text in texts])
    assert np.vecdot(together, theirs).min() > 0.99999
    assert np.vecdot(alone, theirs).min() > 0.99999


def test_rows_stand_in_the_order_of_the_texts(minilm: MiniLM) -> None:
    fresh = MiniLM().embed([*TEXTS[::-1], TEXTS[0]])
    assert fresh[:4] == pytest.approx(minilm.embed(TEXTS)[::-1], abs=1e-5)
    assert np.array_equal(fresh[4], fresh[3])


def test_like_texts_lie_closer_than_unlike_ones(minilm: MiniLM) -> None:
    cat, stocks, kitten = minilm.embed([TEXTS[0], TEXTS[1], "A kitten is asleep on the rug."])
    assert cat @ kitten > cat @ stocks + 0.3


def test_a_long_text_is_the_mean_of_its_windows(minilm: MiniLM) -> None:
    windows = minilm.windows(LONG)
    assert len(windows) > 1
    assert np.linalg.norm(windows, axis=1) == pytest.approx(1, abs=1e-6)
    mean = windows.mean(axis=0)
    assert minilm.embed([LONG])[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-9)


def test_the_end_of_a_long_text_counts(minilm: MiniLM) -> None:
    whole, other, dragon = minilm.embed([LONG, LONG + " And then the dragon ate the princess." * 60, "The dragon ate."])
    assert other @ dragon > whole @ dragon + 0.1


def test_a_short_text_has_one_window(minilm: MiniLM) -> None:
    assert np.array_equal(minilm.windows(TEXTS[0])[0], minilm.windows(TEXTS[0]).mean(axis=0))
    assert len(minilm.windows("")) == 1


def test_windows_are_of_equal_size_and_lose_nothing() -> None:
    text = " ".join("abcdefghij")
    assert cut(text, pieces, most=4) == ["a b c ", "d e f ", "g h i j"]
    assert cut(text, pieces, most=5) == ["a b c d e ", "f g h i j"]
    assert cut("a b", pieces, most=4) == ["a b"]


def test_a_forgotten_text_leaves_nothing_behind() -> None:
    embedder = MiniLM()
    embedder.embed(TEXTS)
    embedder.forget([TEXTS[0], "never seen"])
    assert [embedder.keeps(text) for text in TEXTS] == [False, True, True, True]
    embedder.forget(TEXTS)
    assert not any(map(embedder.keeps, TEXTS))


def test_no_more_texts_are_kept_than_said_and_the_oldest_go_first() -> None:
    embedder = MiniLM(kept=2)
    embedder.embed(["one"])
    embedder.embed(["two"])
    embedder.embed(["one"])
    embedder.embed(["three"])
    assert [embedder.keeps(text) for text in ("one", "two", "three")] == [True, False, True]


def test_many_threads_get_what_one_would(minilm: MiniLM) -> None:
    texts = [f"The {thing} is red." for thing in ("lamp", "tree", "road", "cup")]
    expected = minilm.embed(texts)
    shared = MiniLM()
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda i: shared.embed([texts[i % 4]])[0], range(16)))
    assert np.array(rows) == pytest.approx(np.tile(expected, (4, 1)), abs=1e-5)


def test_weights_of_another_sha256_are_refused(tmp_path: Path) -> None:
    check_weights(weights_folder() / "model.safetensors")
    with pytest.raises(WeightsError, match="missing"):
        check_weights(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(WeightsError, match="sha256"):
        check_weights(tmp_path / "model.safetensors")
