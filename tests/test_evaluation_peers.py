"""Other memory systems do what the comparison asks of them. Each is an extra that `make setup` leaves out."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import MissingExtra
from idiolect.evaluation.harness import recompute, run_bench
from idiolect.evaluation.peers import PEERS
from idiolect.evaluation.peers.ours import Ours
from idiolect.evaluation.statistics import ratio_of_medians
from idiolect.features.embedder import Embedder, open_embedder

HAS_MEM0 = find_spec("mem0") is not None


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    found = open_embedder("minilm")
    assert found is not None
    return found


def test_our_side_finds_what_it_was_told_whenever_it_was_embedded(tmp_path: Path, embedder: Embedder) -> None:
    ours = Ours(tmp_path, embedder)
    ours.add("I can't stand crowded museums.")
    ours.hear("I love quiet museums.")
    assert ours.search("Which museums would you recommend?") == 2
    ours.close()


def test_medians_are_held_against_each_other() -> None:
    figure = ratio_of_medians(np.array([6.0, 6.0, 600.0]), np.full(3, 2.0))
    assert (figure.value, figure.low, figure.high) == (3.0, 3.0, 300.0)


if HAS_MEM0:  # not a skipped test: a machine without it, as `make setup` makes them, has nothing to compare with

    @pytest.mark.parametrize("name", sorted(PEERS))
    def test_a_peer_finds_what_it_was_told(name: str, tmp_path: Path, embedder: Embedder) -> None:
        peer = PEERS[name](tmp_path, embedder)
        peer.add("I can't stand crowded museums.")
        assert peer.search("Which museums would you recommend?") == 1
        peer.close()

    def test_both_sides_are_timed_and_the_figures_follow_from_the_cases(tmp_path: Path) -> None:
        predictions, small = tmp_path / "cases.jsonl", {"statements": "10", "rounds": "5", "resamples": "100"}
        report = run_bench("peers", None, None, predictions, small, False, tmp_path)
        assert recompute("peers", predictions, small) == report.metrics
        assert {"times_faster/add@p50", "times_faster/search@p50", "our_hear_ms@p50", "load"} <= set(report.metrics)

else:

    def test_a_peer_that_is_not_installed_says_how_to_install_it(tmp_path: Path, embedder: Embedder) -> None:
        with pytest.raises(MissingExtra, match="idiolect\\[peers\\]"):
            PEERS["mem0"](tmp_path, embedder)
