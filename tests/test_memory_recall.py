from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from idiolect.errors import DataError, FeatureMismatch, NotFound, WeightsError
from idiolect.memory.recall import Gate, Memories, RecallSettings, from_int8, recall
from idiolect.memory.recall.texts import recall_texts, recalled_lines
from idiolect.schema import Preference

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ALL = RecallSettings(gated=False, most=20)


def said(identifier: str, text: str, **fields: object) -> Preference:
    known = {"id": identifier, "kind": "topic", "text": text, "at": NOW - timedelta(days=1)}
    return Preference.model_validate(known | fields)


def unit(*values: float) -> np.ndarray:
    row = np.zeros(384, np.float32)
    row[: len(values)] = values
    return row / np.linalg.norm(row)


def held(*preferences: Preference) -> Memories:
    memories = Memories()
    for preference in preferences:
        memories.add(preference)
    return memories


def test_without_an_embedding_a_shared_word_decides() -> None:
    memories = held(said("a", "I love quiet hotels."), said("b", "I hate olives."), said("c", "I collect stamps."))
    found = recall("Which hotels are nice in Rome?", None, memories, NOW)
    assert found.ids == ("a",)
    assert "no embedding" in found.notes[0]


def test_nothing_is_recalled_from_an_empty_memory() -> None:
    assert recall("Where to eat?", unit(1), Memories(), NOW).preferences == ()


def test_style_bears_on_every_prompt_unless_its_scope_excludes_it() -> None:
    everywhere = said("a", "Keep it short.", kind="style", attribute="length")
    scoped = said("b", "In emails, be formal.", kind="style", attribute="formality", scope="in emails")
    memories = held(everywhere, scoped, said("c", "I like tea."))
    assert recall("Solve x + 1 = 2.", None, memories, NOW).ids == ("a",)
    assert set(recall("Draft two emails to my landlord.", None, memories, NOW).ids) == {"a", "b"}


def test_what_no_longer_holds_or_is_not_held_is_never_recalled() -> None:
    memories = held(
        said("over", "I like tea.", until=NOW - timedelta(hours=1)),
        said("proposed", "I like tea.", status="proposed"),
        said("held", "I like tea.", until=NOW + timedelta(hours=1)),
    )
    assert recall("tea", None, memories, NOW, ALL).ids == ("held",)


def test_what_may_not_leave_the_machine_stays_out_of_a_remote_prompt() -> None:
    memories = held(
        said("local", "I like tea.", local_only=True),
        said("health", "I have a tea allergy.", sensitive="health"),
        said("free", "I like tea too."),
    )
    remote = ALL.model_copy(update={"remote_model": True})
    assert recall("tea", None, memories, NOW, remote).ids == ("free",)
    allowed = remote.model_copy(update={"sensitive_to_remote": True})
    assert set(recall("tea", None, memories, NOW, allowed).ids) == {"health", "free"}
    assert len(recall("tea", None, memories, NOW, ALL).ids) == 3


def test_imports_fill_at_most_half() -> None:
    imports = [said(f"import-{n}", "I like tea.", origin="import", source="an export") for n in range(6)]
    own = [said(f"own-{n}", "I like tea a lot, at home.") for n in range(6)]
    found = recall("tea", None, held(*imports, *own), NOW, RecallSettings(gated=False, most=6)).ids
    assert len(found) == 6
    assert sum(identifier.startswith("import") for identifier in found) == 3


def test_the_budget_of_tokens_is_kept() -> None:
    memories = held(*(said(f"p{n}", "tea " * 40) for n in range(5)))  # 40 tokens each
    assert len(recall("tea", None, memories, NOW, ALL.model_copy(update={"tokens": 100})).ids) == 2


def test_of_equals_the_newer_and_the_surer_come_first_and_a_pin_does_not_age() -> None:
    old = NOW - timedelta(days=3000)
    memories = held(said("old", "I like tea.", at=old), said("new", "I like tea."))
    assert recall("tea", None, memories, NOW, ALL).ids == ("new", "old")
    memories = held(said("unsure", "I like tea.", confidence=0.4), said("sure", "I like tea."))
    assert recall("tea", None, memories, NOW, ALL).ids == ("sure", "unsure")
    pinned = recall("tea", None, held(said("old", "I like tea.", at=old, pinned=True)), NOW, ALL).preferences[0]
    assert pinned.parts.recency == pytest.approx(1.0)


def test_a_score_is_the_product_of_its_parts() -> None:
    memories = Memories()
    memories.add(said("a", "I like tea when I travel.", confidence=0.5, scope="when I travel"), unit(1, 2), unit(3, 1))
    found = recall("tea for my travels", unit(1, 1), memories, NOW, ALL).preferences[0]
    parts = found.parts
    assert parts.scope is not None
    step = 1 / 127  # of the largest number of a vector, in which the others are held
    assert parts.cosine == pytest.approx(float(unit(1, 2) @ unit(1, 1)), abs=step / 2)
    assert found.score == pytest.approx(parts.bears * parts.scope * parts.confidence * parts.recency, rel=1e-4)


def test_what_was_removed_leaves_nothing_behind() -> None:
    memories, alone = Memories(), Memories()
    for memory in (memories, alone):
        memory.add(said("stays", "I like green tea."), unit(1, 1))
    for number in range(300):
        memories.add(said(f"goes-{number}", "I like zanzibar."), unit(1, 0.1 * number))
    for number in range(300):
        memories.remove(f"goes-{number}")
    assert len(memories) == 1
    assert "goes-7" not in memories
    assert len(memories.columns) < 100  # the rest has moved together
    assert memories.statements.words.idf("zanzibar") == alone.statements.words.idf("zanzibar")
    ours, theirs = (recall("tea", unit(1, 1), memory, NOW, ALL).preferences for memory in (memories, alone))
    assert ours == theirs
    with pytest.raises(NotFound, match="goes-7"):
        memories.remove("goes-7")


def test_a_statement_of_the_same_id_takes_the_place_of_the_other() -> None:
    memories = held(said("a", "I like coffee."))
    memories.add(said("a", "I like tea."))
    assert len(memories) == 1
    assert recall("coffee or tea", None, memories, NOW, ALL).preferences[0].preference.text == "I like tea."


def test_many_statements_are_scored_as_one_by_one() -> None:
    rng, memories = np.random.default_rng(0), Memories()
    rows = rng.normal(size=(70, 384))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for number, row in enumerate(rows):
        memories.add(said(f"p{number}", "something"), row)
    everything = RecallSettings(gated=False, most=70, tokens=10_000)
    together = {
        each.preference.id: each.parts.bears for each in recall("q", rows[0], memories, NOW, everything).preferences
    }
    for number in (0, 33, 69):
        alone = Memories()
        alone.add(said("x", "something"), rows[number])
        assert recall("q", rows[0], alone, NOW, ALL).preferences[0].parts.bears == pytest.approx(
            together[f"p{number}"], rel=1e-3
        )


def test_a_vector_of_another_width_is_refused() -> None:
    with pytest.raises(FeatureMismatch, match="384"):
        Memories().add(said("a", "I like tea."), np.ones(3))
    memories = held(said("a", "I like tea."))
    with pytest.raises(FeatureMismatch, match="fit-gate"):
        recall("tea", np.ones(3), memories, NOW)


def test_whole_numbers_with_a_scale_give_the_vector_back() -> None:
    row = unit(0.3, -0.5, 0.8)
    scale = float(np.abs(row).max() / 127)
    assert from_int8(np.rint(row / scale).astype(np.int8), scale) @ row > 0.999


def test_a_gate_survives_the_disk(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "gate.safetensors"
    Gate.shipped().save(path)
    again = Gate.load(path)
    assert again.about == Gate.shipped().about
    assert np.array_equal(again.profile(unit(1, 2)), Gate.shipped().profile(unit(1, 2)))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="fit-gate"):
        Gate.load(path)
    with pytest.raises(WeightsError, match="no recall gate"):
        Gate.load(path.with_name("missing"))


def test_lines_of_a_file_are_answered_in_order_and_bad_ones_are_named() -> None:
    good = b'{"query": "Which tea?", "memories": ["I love green tea.", "Keep it short.", "I own a boat."]}'
    line = next(recalled_lines([good, b"\n"], None))
    assert '"memory": 0' in line
    assert '"memory": 1' in line
    assert '"memory": 2' not in line
    with pytest.raises(DataError, match="line 2"):
        list(recalled_lines([good, b'{"query": 3}'], None))


def test_no_memories_give_no_scores() -> None:
    found, scores = recall_texts("Which tea?", [], None)
    assert found.preferences == ()
    assert scores.shape == (0,)


def test_the_gate_knows_what_belongs_together_without_a_shared_word() -> None:
    embedder = pytest.importorskip("idiolect.features.minilm").MiniLM()
    memories = ["I can't stand films with ghosts.", "I'm allergic to cats.", "I'm vegan.", "I get seasick."]
    for query, right in (
        ("Any spooky movie for tonight?", 0),
        ("Which pet suits a small flat?", 1),
        ("Where shall we have dinner?", 2),
        ("How do I get to the island, by ferry?", 3),
    ):
        assert right in [int(each) for each in recall_texts(query, memories, embedder)[0].ids], query
    for query in ("What is the square root of 1764?", "Why does my SQL query return no rows?"):
        assert recall_texts(query, memories, embedder)[0].ids == (), query
