from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import DataError, WeightsError
from idiolect.features.space import PreferenceSpace
from idiolect.generation.fit_token_values import end_of_turn, fit
from idiolect.generation.kl_cap import KLMeter
from idiolect.generation.protocol import Host, Person
from idiolect.generation.token_samples import Sample, read_samples
from idiolect.generation.token_value_table import About, Contexts, TokenValueTable
from idiolect.generation.token_values import (
    CLAMP,
    SURE,
    TokenValues,
    Unfit,
    centred,
    covariance,
    reliable,
    sureness,
)
from idiolect.models.protocol import Request
from idiolect.models.scripted import Scripted
from idiolect.models.starter import SHA256
from idiolect.schema import Array, Message

ASKED = Request((Message(role="user", content="Hello?"),))
NAMES = ("length", "warmth")
ROWS, CONTEXTS, KEPT = 40, 30, 8


def about(**changed: object) -> About:
    known = {"fingerprint": "f", "space": "s", "names": NAMES, "answers": 9, "prompts": 3, "ridge": 1.0}
    return About.model_validate({**known, "correlation": {}, **changed})


def table(seed: int = 0) -> TokenValueTable:
    """40 tokens with ids 0, 2, 4, ...; two attributes; 30 contexts of the 8 likeliest tokens, some without a row."""
    chance = np.random.default_rng(seed)
    frequency = chance.dirichlet(np.ones(ROWS)) * 0.9
    drawn = -np.sort(-chance.dirichlet(np.ones(KEPT + 1), CONTEXTS), axis=1)[:, :KEPT]
    ids = np.array([chance.choice(2 * ROWS, KEPT, replace=False) for _ in range(CONTEXTS)])
    return TokenValueTable(
        tokens=np.arange(0, 2 * ROWS, 2, dtype=np.int32),
        values=chance.normal(size=(ROWS, 2)) * 0.1,
        frequency=frequency,
        contexts=Contexts(ids.astype(np.int32), np.log(drawn)),
        about=about(),
    )


def person(*mean: float, sd: float = 0.0, evidence: int = 1) -> Person:
    return Person((), np.array(mean), np.full(len(mean), sd), NAMES[: len(mean)], evidence)


def test_a_mean_of_nought_leaves_the_request_as_it_is() -> None:
    assert TokenValues(table(), 999).prepare(ASKED, person(0.0, 0.0)).request is ASKED


def test_without_evidence_the_request_is_as_it_is() -> None:
    assert TokenValues(table(), 999).prepare(ASKED, person(1.0, 1.0, evidence=0)).request is ASKED


@pytest.mark.parametrize(("kl_budget", "max_strength"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_strength_of_nought_leaves_the_request_as_it_is(kl_budget: float, max_strength: float) -> None:
    values = TokenValues(table(), 999, kl_budget=kl_budget, max_strength=max_strength)
    assert values.prepare(ASKED, person(1.0, 1.0)).request is ASKED


def test_opposite_tastes_have_opposite_vectors_where_neither_is_capped() -> None:
    values = TokenValues(table(), 999, kl_budget=99.0, max_strength=1.0)
    one, other = values.bias(np.array([1.0, -2.0])), values.bias(np.array([-1.0, 2.0]))
    assert one.entries == {token: -value for token, value in other.entries.items()}
    assert one.strength == other.strength == 1.0


def test_a_token_that_makes_answers_longer_is_likelier_for_who_likes_them_long() -> None:
    known = table()
    entries = TokenValues(known, 999).bias(np.array([1.0, 0.0])).entries
    best, worst = known.values[:, 0].argmax(), known.values[:, 0].argmin()
    assert entries[int(known.tokens[best])] > 0 > entries[int(known.tokens[worst])]


@pytest.mark.parametrize("budget", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_the_kl_to_the_plain_model_stays_within_the_budget_and_uses_it(budget: float, seed: int) -> None:
    bias = TokenValues(table(seed), 999, kl_budget=budget, max_strength=1e6).bias(np.array([1.0, 0.5]))
    assert bias.kl <= budget
    largest = max(abs(value) for value in bias.entries.values())
    assert largest <= CLAMP
    assert bias.kl > 0.99 * budget or largest > 0.99 * CLAMP


def test_the_kl_grows_with_the_strength() -> None:
    known = table()
    meter, direction = KLMeter.of(known), centred(known.values[:, 0], known.frequency)
    kls = [meter.kl(beta * direction) for beta in np.linspace(0, 30, 40)]
    assert kls[0] == pytest.approx(0.0, abs=1e-12)
    assert all(np.diff(kls) > 0)


def test_the_kl_is_that_of_two_distributions_written_out() -> None:
    """Tokens 0, 2 and 4 have probability .5, .3 and .2 (the tail), and the tail's tokens share a bias of 1."""
    known = TokenValueTable(
        tokens=np.array([0, 2, 4], dtype=np.int32),
        values=np.zeros((3, 2)),
        frequency=np.array([0.0, 0.0, 1.0]),
        contexts=Contexts(np.array([[0, 2]], dtype=np.int32), np.log([[0.5, 0.3]])),
        about=about(),
    )
    plain, bias = np.array([0.5, 0.3, 0.2]), np.array([-1.0, 2.0, 1.0])
    biased = plain * np.exp(bias) / (plain @ np.exp(bias))
    assert KLMeter.of(known).kl(bias) == pytest.approx(biased @ np.log(biased / plain))


def test_shifting_every_value_changes_nothing() -> None:
    known = table()
    shifted = replace(known, values=known.values + 0.7)
    taste = np.array([1.0, 1.0])
    assert TokenValues(shifted, 999).bias(taste).entries == pytest.approx(TokenValues(known, 999).bias(taste).entries)


def test_an_unsure_taste_counts_less_than_a_sure_one_of_the_same_mean() -> None:
    shrunk = reliable(np.array([1.0, 1.0, -1.0]), np.array([0.0, 1.0, 3.0]))
    assert shrunk == pytest.approx([1.0, np.sqrt(1 / 2), -np.sqrt(1 / 10)])


def test_a_step_whose_gain_may_be_nought_takes_a_share_of_the_budget_and_a_sure_one_all() -> None:
    one, step = np.array([1.0, 0.0]), np.array([2.0, 0.0])
    assert sureness(one, np.array([1.0, 9.0]), step) == pytest.approx((1 / SURE) ** 2)  # one sd from nought
    assert sureness(one, np.array([0.1, 9.0]), step) == 1.0
    assert sureness(one, np.zeros(2), step) == 1.0
    assert sureness(-one, np.array([1.0, 9.0]), step) == 0.0


def test_what_one_choice_told_moves_the_model_less_than_what_is_sure() -> None:
    values = TokenValues(table(), 999, kl_budget=0.02, max_strength=1e6)
    unsure, sure = (values.prepare(ASKED, person(0.2, 0.1, sd=sd)).request.logit_bias or {} for sd in (0.33, 0.05))
    assert 0 < max(map(abs, unsure.values())) < 0.9 * max(map(abs, sure.values()))


def test_the_spread_of_token_values_is_that_over_the_plain_models_tokens() -> None:
    known = table()
    drawn = np.random.default_rng(0).choice(ROWS, 400_000, p=known.frequency / known.frequency.sum())
    assert covariance(known) == pytest.approx(np.cov(known.values[drawn].T), abs=1e-4)


def test_an_engine_with_few_entries_gets_those_that_matter_most() -> None:
    few = TokenValues(table(), 5).bias(np.array([1.0, 0.5])).entries
    assert len(few) == 5


def test_what_the_client_biased_itself_stays() -> None:
    request = replace(ASKED, logit_bias={0: -100.0, 777: 3.0})
    bias = TokenValues(table(), 999).prepare(request, person(1.0, 1.0)).request.logit_bias
    assert bias is not None
    assert (bias[0], bias[777]) == (-100.0, 3.0)
    assert len(bias) > 10


def test_the_vector_does_not_depend_on_what_else_is_believed_nor_on_its_order() -> None:
    values = TokenValues(table(), 999)
    more = Person((), np.array([9.0, 0.5, 1.0]), np.zeros(3), ("emoji", "warmth", "length"), 1)
    assert values.prepare(ASKED, more) == values.prepare(ASKED, person(1.0, 0.5))


def test_beliefs_without_an_attribute_of_the_table_are_noted() -> None:
    prepared = TokenValues(table(), 999).prepare(ASKED, person(1.0))
    assert prepared.request is ASKED
    assert "'warmth'" in prepared.notes[0]


def test_a_model_that_takes_no_biases_is_noted() -> None:
    prepared = TokenValues(table(), 0).prepare(ASKED, person(1.0, 1.0))
    assert prepared.request is ASKED
    assert "takes no biases" in prepared.notes[0]


@pytest.mark.parametrize(
    ("changed", "said"), [({}, "none for the model scripted"), ({"fingerprint": "own"}, "another version")]
)
def test_a_table_of_another_model_or_space_is_noted_and_not_used(
    tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    model, file = Scripted(), tmp_path / "values.safetensors"
    fingerprint = model.fingerprint if changed else "f"
    replace(table(), about=about(fingerprint=fingerprint)).save(file)
    host = Host(model, "newer", "system", token_values=file)
    prepared = TokenValues.open(host).prepare(ASKED, person(1.0, 1.0))
    assert not TokenValues.fits(host)
    assert prepared.request is ASKED
    assert said in prepared.notes[0]
    assert "fit-token-values" in prepared.notes[0]


def test_what_is_remembered_between_turns_can_be_dropped() -> None:
    values = TokenValues(table(), 999)
    first = values.prepare(ASKED, person(1.0, 0.5))
    values.forget()
    assert values.prepare(ASKED, person(1.0, 0.5)) == first


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    file, known = tmp_path / "values.safetensors", table()
    known.save(file)
    read = TokenValueTable.load(file)
    assert read.about == known.about
    assert read.tokens.tolist() == known.tokens.tolist()
    assert read.values == pytest.approx(known.values, rel=1e-3, abs=1e-5)
    assert read.frequency == pytest.approx(known.frequency, rel=1e-6)
    assert read.contexts.logprobs == pytest.approx(known.contexts.logprobs, rel=1e-2)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_file_that_was_cut_short_is_told(tmp_path: Path, kept: int) -> None:
    file = tmp_path / "values.safetensors"
    table().save(file)
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="fit it anew"):
        TokenValueTable.load(file)


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="there is no file"):
        TokenValueTable.load(tmp_path / "none.safetensors")


def test_arrays_that_do_not_belong_together_are_told(tmp_path: Path) -> None:
    file = tmp_path / "values.safetensors"
    replace(table(), values=np.zeros((3, 2))).save(file)
    with pytest.raises(WeightsError, match="do not belong together"):
        TokenValueTable.load(file)


# --- the fit --------------------------------------------------------------------------------------------------------

WORDS = {0: " perhaps", 1: " stone", 2: " definitely", 3: "!", 4: " river", 5: " walks"}


def spell(tokens: list[int] | tuple[int, ...]) -> list[str]:
    return [WORDS[token] for token in tokens]


def samples(prompts: int = 12, answers: int = 6) -> list[Sample]:
    """Answers of words drawn from six, and a context that is far from sure."""
    chance = np.random.default_rng(0)
    drawn = []
    for prompt in range(prompts):
        for _ in range(answers):
            ids = tuple(int(token) for token in chance.choice(6, size=30, p=chance.dirichlet(np.ones(6))))
            drawn.append(Sample(prompt=f"{prompt}", text="".join(WORDS[token] for token in ids), ids=ids))
    likeliest = tuple((token, float(np.log(1 / 64))) for token in range(64))
    return [*drawn, Sample(prompt="0", text="", ids=(), top=(likeliest,))]


def fitted() -> TokenValueTable:
    return fit(samples(), PreferenceSpace.shipped(), None, "f", lambda tokens: spell(tuple(tokens)))


def value(known: TokenValueTable, token: int, attribute: str) -> float:
    return float(known.values[token, known.about.names.index(attribute)])


def test_the_fit_finds_the_tokens_of_an_attribute() -> None:
    known = fitted()
    others = [1, 2, 4, 5]
    assert value(known, 0, "hedging") > max(value(known, token, "hedging") for token in others)
    assert value(known, 3, "exclamations") > max(value(known, token, "exclamations") for token in others)
    assert known.about.correlation["hedging"] > 0.3


def test_the_fit_without_an_embedder_knows_the_named_attributes_alone() -> None:
    known = fitted()
    assert known.about.names == PreferenceSpace.shipped().names[: PreferenceSpace.shipped().attributes]
    assert known.values.shape == (6, PreferenceSpace.shipped().attributes)


def test_the_frequencies_are_shares_of_all_tokens() -> None:
    assert fitted().frequency.sum() == pytest.approx(1.0)


def test_the_same_answers_in_another_order_give_the_same_values() -> None:
    turned = sorted(samples(), key=lambda sample: sample.ids)
    other = fit(turned, PreferenceSpace.shipped(), None, "f", lambda tokens: spell(tuple(tokens)))
    assert other.values == pytest.approx(fitted().values, abs=1e-9)


def test_ending_costs_an_answer_what_would_still_have_come() -> None:
    """Token 5 ends every answer of odd length: 10 to 20 words shorter than the others, which were cut."""
    ended = [
        sample.model_copy(
            update={"ids": (*sample.ids[: 10 + row % 10], 6), "text": "".join(spell(sample.ids[: 10 + row % 10]))}
        )
        if row % 2
        else sample
        for row, sample in enumerate(samples()[:-1])
    ]
    words = {**WORDS, 6: ""}
    space = PreferenceSpace.shipped()
    known = fit([*ended, samples()[-1]], space, None, "f", lambda tokens: [words[token] for token in tokens])
    assert end_of_turn(ended) == 6
    assert end_of_turn(samples()[:-1]) is None
    assert value(known, 6, "length") < min(value(known, token, "length") for token in range(6)) - 0.2


def test_too_few_answers_are_told() -> None:
    with pytest.raises(DataError, match="at least 20"):
        fit(samples(2, 2), PreferenceSpace.shipped(), None, "f", lambda tokens: spell(tuple(tokens)))


def test_samples_that_do_not_tell_the_likeliest_tokens_are_told() -> None:
    with pytest.raises(DataError, match="likeliest"):
        fit(samples()[:-1], PreferenceSpace.shipped(), None, "f", lambda tokens: spell(tuple(tokens)))


def test_a_line_that_is_no_sample_is_told_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text('{"prompt": "a", "text": "b", "ids": [1]}\n{"prompt": "a"}\n')
    with pytest.raises(DataError, match="line 2"):
        read_samples(file)


# --- what ships -----------------------------------------------------------------------------------------------------


def shipped() -> TokenValues:
    class Starter(Scripted):
        """The starter's name on a model that needs no weights."""

        max_bias_entries = 49_152

        @property
        def fingerprint(self) -> str:
            return SHA256

    host = Host(Starter(), PreferenceSpace.shipped().version, "system")
    return TokenValues.open(host)


def test_the_shipped_table_is_of_the_starter_and_of_the_shipped_space() -> None:
    assert not isinstance(shipped().table, Unfit)


def test_the_shipped_table_predicts_most_attributes_on_prompts_left_out() -> None:
    known = shipped().table
    assert isinstance(known, TokenValueTable)
    named = [known.about.correlation[name] for name in known.about.names if not name.startswith("embedding")]
    assert np.mean(named) > 0.6


@pytest.mark.parametrize("attribute", ["exclamations", "hedging", "you", "list_items"])
def test_a_shipped_taste_and_its_opposite_pull_apart(attribute: str) -> None:
    values = shipped()
    assert isinstance(values.table, TokenValueTable)
    taste: Array = np.zeros(len(values.table.about.names))
    taste[values.table.about.names.index(attribute)] = 1.5
    liked, disliked = values.bias(taste).entries, values.bias(-taste).entries
    both = sorted(liked.keys() & disliked.keys())
    assert np.corrcoef([liked[token] for token in both], [disliked[token] for token in both])[0, 1] < -0.9
