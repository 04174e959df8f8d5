"""The shop adviser: what it ranks by, what it leaves out, what it asks and says, and what it makes of broken files."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from examples.shop.adviser import QUESTIONS, Adviser
from examples.shop.bench import Shop, run, scored
from examples.shop.catalogue import CATALOGUE, Catalogue, Item, ItemNotFound
from examples.shop.features import ItemSpace
from examples.shop.notebook import Notebook, Pick
from examples.shop.opening import opened
from examples.shop.words import WAYS, Teller
from examples.shop.writer import written

from idiolect.errors import DataError, FeatureMismatch, WeightsError
from idiolect.memory.extraction import told
from serving import assistant_in

FLATTERY = ("great choice", "excellent", "you have", "your taste", "perfect", "amazing", "clever", "lovely of you", "!")


@pytest.fixture(scope="module")
def adviser() -> Adviser:
    return opened()


def picks_of(adviser: Adviser, wanted: str, count: int) -> list[Pick]:
    """Somebody who always takes what is of this material."""
    items = adviser.catalogue.items
    own = [item.id for item in items if item.material == wanted]
    others = [item.id for item in items if item.department == "chairs" and item.material != wanted]
    return [Pick(shown=(one, other), chosen=one) for one, other in zip(own[:count], others, strict=False)]


def test_the_catalogue_is_what_its_writer_writes_with_counts_of_what_was_sold() -> None:
    catalogue, blank = Catalogue.load(), written()
    assert len(catalogue.items) >= 300
    assert len({item.text for item in catalogue.items}) > 0.95 * len(catalogue.items)
    assert [item.model_copy(update={"sold": 0}) for item in catalogue.items] == list(blank.items)
    assert sum(item.sold for item in catalogue.items) > 1000
    assert any(item.paid for item in catalogue.items)


def test_no_item_that_is_paid_for_stands_above_a_better_match(adviser: Adviser) -> None:
    rng, picks = np.random.default_rng(0), picks_of(adviser, "rattan", 3)
    before, items = adviser.ranked(picks), adviser.catalogue.items
    for _ in range(5):
        catalogue = Catalogue([item.model_copy(update={"paid": bool(rng.random() < 0.5)}) for item in items])
        again = Adviser(catalogue, adviser.space, adviser.reward, adviser.compliance).ranked(picks)
        assert [each.item.id for each in again.advice] == [each.item.id for each in before.advice]
        assert all(one.score >= other.score for one, other in pairwise(again.advice))


def test_of_two_equal_items_the_one_nobody_pays_for_stands_first(adviser: Adviser) -> None:
    one = adviser.catalogue.items[0]
    twins = Catalogue([one.model_copy(update={"id": "a", "paid": True}), one.model_copy(update={"id": "b"})])
    space = ItemSpace(adviser.space.names, adviser.space.phi[[0, 0]], adviser.space.vectors[[0, 0]], "twins")
    ranking = Adviser(twins, space, adviser.reward, adviser.compliance).ranked([])
    assert [each.item.id for each in ranking.advice] == ["b", "a"]


def test_picks_of_one_material_raise_what_is_made_of_it(adviser: Adviser) -> None:
    def mean_place(picks: list[Pick]) -> float:
        ranked = adviser.ranked(picks, department="chairs").advice
        return float(np.mean([at for at, each in enumerate(ranked) if each.item.material == "rattan"]))

    assert mean_place(picks_of(adviser, "rattan", 6)) < mean_place([]) - 5


def test_the_reasons_with_all_else_add_up_to_the_score(adviser: Adviser) -> None:
    picks = picks_of(adviser, "oak", 4)
    belief, within = adviser.belief(picks), adviser.catalogue.within("lamps")
    phi = adviser.space.phi[within]
    parts = (phi - phi.mean(axis=0)) * adviser.reward.weights(belief)[0]
    by_id = {adviser.catalogue.items[at].id: parts[row] for row, at in enumerate(within)}
    for each in adviser.ranked(picks, department="lamps").advice:
        own = by_id[each.item.id]
        assert each.score == pytest.approx(own.sum())
        assert all(np.isclose(own, reason.adds).any() for reason in (*each.reasons, *each.against))


@pytest.mark.parametrize(
    ("words", "declared"),
    [
        ("I hate leather.", "leather"),
        ("I have a nut allergy.", "nuts"),
        ("I'm allergic to wool.", "wool"),
        ("I never buy anything made of oak.", "oak"),
        ("I'm lactose intolerant.", "milk"),
        ("I have coeliac disease.", "gluten"),
    ],
)
def test_what_declares_something_that_must_be_avoided_is_left_out_and_nothing_else(
    adviser: Adviser, words: str, declared: str
) -> None:
    ranking = adviser.ranked([], told(words))
    breaks = {item.id for item in adviser.catalogue.items if declared in item.declared.lower()}
    assert {item for each in ranking.left_out for item in each.items} == breaks != set()
    assert breaks.isdisjoint(each.item.id for each in ranking.advice)


def test_a_vegan_is_advised_vegan_things_alone(adviser: Adviser) -> None:
    ranking = adviser.ranked([], told("I'm vegan."))
    assert ranking.advice
    assert all("Vegan." in each.item.declared for each in ranking.advice)


def test_a_wish_moves_items_and_is_named_as_a_reason(adviser: Adviser) -> None:
    ranking = adviser.ranked([], told("I like cork."), department="bags")
    plain = [each.item.material for each in adviser.ranked([], department="bags").advice]
    wished = [each.item.material for each in ranking.advice]
    assert wished.index("cork") <= plain.index("cork")
    cork = next(each for each in ranking.advice if each.item.material == "cork")
    assert any("I like cork" in reason.words for reason in cork.reasons)


def test_a_question_that_tells_nothing_is_not_asked(adviser: Adviser) -> None:
    one = adviser.catalogue.items[0]
    twins = Catalogue([one.model_copy(update={"id": "a"}), one.model_copy(update={"id": "b"})])
    space = ItemSpace(adviser.space.names, adviser.space.phi[[0, 0]], adviser.space.vectors[[0, 0]], "twins")
    alike = Adviser(twins, space, adviser.reward, adviser.compliance)
    assert alike.question([], np.random.default_rng(0)) is None
    assert alike.doubt([], [0, 1]) is None


def test_the_interview_asks_about_two_things_of_one_kind_that_it_has_not_asked_about(adviser: Adviser) -> None:
    picks, items = list[Pick](), adviser.catalogue.items
    for number in range(QUESTIONS):
        asked = adviser.question(picks, np.random.default_rng(number))
        assert asked is not None
        one, other = (items[at] for at in asked)
        assert one.department == other.department
        assert not {one.id, other.id} & {item for pick in picks for item in pick.shown}
        picks.append(Pick(shown=(one.id, other.id), chosen=one.id))


def test_questions_in_vain_make_it_ask_less(adviser: Adviser) -> None:
    first = adviser.catalogue.within("shoes")[:5]
    ids = [item.id for item in adviser.catalogue.items[60:140]]
    vain = [Pick(shown=(one, other)) for one, other in zip(ids[::2], ids[1::2], strict=True)]
    assert adviser.doubt([], first) is not None
    assert adviser.doubt(vain, first) is None


def test_every_way_of_telling_says_the_same_facts_and_flatters_nobody(adviser: Adviser) -> None:
    for each in adviser.ranked(picks_of(adviser, "steel", 4)).advice[::30]:
        for way in WAYS.values():
            text = way(each)
            assert each.item.name in text
            assert f"{each.item.price_eur:.2f}" in text
            assert all(reason.words in text for reason in each.against)
            assert not any(praise in text.lower() for praise in FLATTERY)


def test_who_wants_it_short_is_told_in_fewer_words(adviser: Adviser, tmp_path: Path) -> None:
    advice = adviser.ranked([]).advice[0]
    with assistant_in(tmp_path) as assistant:
        assistant.say("long", "Longer, more detailed answers, please.")
        assistant.say("short", "Shorter answers, please.")
        long, short = (Teller(assistant).told(user, advice).text for user in ("long", "short"))
    assert len(short) < len(long)


# --- the figure ----------------------------------------------------------------------------------------------------


def test_a_ranking_by_the_truth_is_perfect_and_its_reverse_finds_nothing() -> None:
    truth = np.random.default_rng(0).normal(size=80)
    assert scored(truth, truth) == pytest.approx((1.0, 1.0))
    assert scored(-truth, truth) == (0.0, 0.0)


def test_ten_picks_beat_every_row_without_personalization_and_none_are_no_worse_than_sales(
    adviser: Adviser,
) -> None:
    figures = run(Shop.of(adviser), 24, seed=3, kinds=["usual"]).metrics
    assert figures["usual/gain@10"].value >= 1.3
    assert figures["usual/gain@10"].low > 1.0
    assert figures["usual/ndcg above popularity@0"].high > 0
    assert figures["usual/adviser/ndcg@10"].value > figures["usual/nearest by attributes, and popular/ndcg@10"].value


# --- bad input -----------------------------------------------------------------------------------------------------


def test_an_empty_catalogue_has_nothing_to_rank(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="holds 0 items"):
        Catalogue.load(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="there is no catalogue at"):
        Catalogue.load(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": "a"}', "line 2 .*field department"),
        ('{"id": "a", ', "line 2 .* is no item"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_line_that_is_no_item_is_told_with_its_place(tmp_path: Path, line: str, reason: str) -> None:
    first = CATALOGUE.read_text(encoding="utf-8").splitlines()[0]
    path = tmp_path / "bad.jsonl"
    path.write_bytes(f"{first}\n{line}\n".encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=reason):
        Catalogue.load(path)


def test_an_id_stands_for_one_item() -> None:
    item = Item.model_validate(json.loads(CATALOGUE.read_text(encoding="utf-8").splitlines()[0]))
    with pytest.raises(DataError, match="more than once"):
        Catalogue([item, item])


def test_a_prior_of_another_catalogue_is_refused_and_a_broken_one_is_told(tmp_path: Path) -> None:
    for name in ("catalogue.jsonl", "catalogue.vectors.safetensors", "catalogue.prior.safetensors"):
        (tmp_path / name).write_bytes(CATALOGUE.with_name(name).read_bytes())
    path = tmp_path / "catalogue.jsonl"
    changed = path.read_text(encoding="utf-8").replace('"sturdy":5', '"sturdy":4', 1)
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(FeatureMismatch, match="fitted on another catalogue"):
        opened(path)
    whole = (tmp_path / "catalogue.prior.safetensors").read_bytes()
    (tmp_path / "catalogue.prior.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="cut short"):
        opened(path)
    (tmp_path / "catalogue.prior.safetensors").unlink()
    with pytest.raises(WeightsError, match="no prior over tastes"):
        opened(path)
    (tmp_path / "catalogue.vectors.safetensors").write_bytes(b"short")
    with pytest.raises(WeightsError, match="cut short"):
        opened(path)


def test_a_damaged_notebook_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "picks.jsonl"
    Notebook(path).add("ana", Pick(shown=("a", "b"), chosen="a"))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"user": "ana", "pick"')
    with pytest.raises(DataError, match=r"line 2 .* cannot be read as a pick"):
        Notebook(path)


def test_a_person_nobody_knows_is_advised_as_everybody_is(adviser: Adviser, tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "picks.jsonl")
    notebook.add("ana", picks_of(adviser, "rattan", 1)[0])
    assert adviser.ranked(notebook.picks("stranger")) == adviser.ranked([])


def test_what_the_shop_does_not_have_is_told(adviser: Adviser) -> None:
    with pytest.raises(ItemNotFound, match="nothing with the id"):
        adviser.belief([Pick(shown=("bags-01", "no-such-thing"), chosen="bags-01")])
    with pytest.raises(ItemNotFound, match="there are: bags"):
        adviser.ranked([], department="cars")
    assert adviser.ranked([], most_eur=0.5).advice == ()


def test_forgetting_somebody_leaves_no_line_of_them(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "picks.jsonl")
    for user in ("ana", "bea", "ana"):
        notebook.add(user, Pick(shown=("a", "b"), chosen="a"))
    assert notebook.forget("ana") == 2
    assert "ana" not in (tmp_path / "picks.jsonl").read_text(encoding="utf-8")
    assert len(Notebook(tmp_path / "picks.jsonl").picks("bea")) == 1


def test_the_command_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("", encoding="utf-8")
    command = [sys.executable, "-m", "examples.shop", "bench", "--catalogue", str(tmp_path / "none.jsonl")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1], env={**os.environ}
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.strip().splitlines()[-1].startswith("shop: the catalogue holds 0 items")
