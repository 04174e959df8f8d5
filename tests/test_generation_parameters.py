"""A person's LoRA: its training, its file, and mixtures of several, on a model of two tiny layers."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import cast

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from adapting import FAST, chance_lora, choices, tiny, workshop
from idiolect.errors import BadInput, Stopped, WeightsError
from idiolect.generation.parameters.evidence import examples_of
from idiolect.generation.parameters.inner.gates import gates_of, scores
from idiolect.generation.parameters.inner.patched import Text, added, logprobs, matrices_of, watched
from idiolect.generation.parameters.inner.training import Course
from idiolect.generation.parameters.lora_file import WEIGHTS, Combine, Lora, mixed
from idiolect.generation.parameters.pieces import chosen, put_together
from idiolect.generation.parameters.settings import GateSettings, LoraSettings, PieceSettings
from idiolect.generation.parameters.training import Workshop, train
from idiolect.memory.store import Store, open_store
from idiolect.models import Request, WhiteBox
from idiolect.models.inside import Inside
from idiolect.models.white_box.weights import Loaded
from idiolect.schema import Edit, Interviewed, Sampling, as_messages
from lives import record

BOTH: tuple[Combine, ...] = ("product", "factors")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    opened = tiny(tmp_path_factory.mktemp("models") / "tiny")
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "me.db")) as opened:
        yield opened


@pytest.fixture
def shop(model: WhiteBox, tmp_path: Path) -> Workshop:
    return workshop(model, tmp_path / "adapters")


@pytest.fixture(scope="module")
def network(model: WhiteBox) -> Loaded:
    return workshop(model, Path("nowhere")).network()


def pairs(count: int = 8) -> list[Text]:
    """Answers of `a` are preferred to answers of `z`."""
    return [Text([0, 10 + at, 11], [[66] * 6 + [1], [91] * 5 + [1]]) for at in range(count)]


def said(model: WhiteBox, adapter: Path | None) -> str:
    drawn = Sampling(max_tokens=12, seed=3, temperature=1)
    return model.complete(Request(as_messages("Hello."), drawn, inside=Inside(adapter=adapter)))[0].text


def test_no_steps_are_the_model_as_it_is(shop: Workshop, store: Store, model: WhiteBox) -> None:
    choices(store.user("ana"))
    still = replace(shop, lora=FAST.model_copy(update={"epochs": 0, "held_out": 0}))
    adapter = train(store.user("ana"), still)
    assert np.abs(Lora.load(adapter.path).delta("model.layers.0.self_attn.q_proj")).max() == 0
    assert said(model, adapter.path) == said(model, None)


def test_the_loss_begins_at_ln_2_and_the_preferred_answers_become_likelier(network: Loaded) -> None:
    trained = Course(network.module, pairs(10), FAST).run()
    assert trained.held[0] == pytest.approx(math.log(2))
    assert trained.has_learnt
    assert trained.accuracy == 1
    text = pairs(1)[0]
    with torch.no_grad():
        before = logprobs(network.module, text)
        with added(network.module, matrices_of(trained.lora, network.module), trained.lora.scale):
            after = logprobs(network.module, text)
    assert after[0] - before[0] > after[1] - before[1]


def test_the_gradient_raises_the_preferred_answer_and_lowers_the_other(network: Loaded) -> None:
    only_pairs = FAST.model_copy(update={"words": 0.0})
    course = Course(network.module, pairs(1), only_pairs)
    for name, (a, b) in course.matrices.items():
        assert not b.any(), name
        assert (a.abs() <= a.shape[1] ** -0.5).all()
    margin, _ = course.losses(pairs(1)[0])
    assert float(margin.detach()) == 0
    torch.autograd.backward(-torch.nn.functional.logsigmoid(margin))
    with torch.no_grad():
        for _, b in course.matrices.values():
            assert b.grad is not None
            b.data.sub_(0.01 * b.grad)
    assert float(course.losses(pairs(1)[0])[0].detach()) > 0


def test_one_network_says_the_same_of_answers_together_and_alone(network: Loaded) -> None:
    text = pairs(1)[0]
    with torch.no_grad():
        alone = [float(logprobs(network.module, Text(text.prompt, [answer]))[0]) for answer in text.answers]
        assert logprobs(network.module, text).tolist() == pytest.approx(alone, abs=1e-4)


def test_equal_evidence_gives_equal_weights_and_another_seed_others(network: Loaded) -> None:
    one, two = (Course(network.module, pairs(), FAST).run().lora for _ in range(2))
    other = Course(network.module, pairs(), FAST.model_copy(update={"seed": 1})).run().lora
    name = "model.layers.1.self_attn.v_proj"
    assert (one.factors[name].b == two.factors[name].b).all()
    assert (one.factors[name].b != other.factors[name].b).any()


def test_training_ends_early_where_what_is_held_out_gets_worse(network: Loaded) -> None:
    swapped = [Text(text.prompt, text.answers[::-1]) for text in pairs(10)]
    order = np.random.default_rng(0).permutation(10)
    mixed_up = [pairs(10)[at] if at in order[:2] else swapped[at] for at in range(10)]  # held out: the contrary
    trained = Course(network.module, mixed_up, FAST.model_copy(update={"epochs": 6})).run()
    assert not trained.has_learnt
    assert len(trained.held) == 2
    assert all(not each.b.any() for each in trained.lora.factors.values())


def test_a_training_that_is_stopped_keeps_nothing(shop: Workshop, store: Store) -> None:
    choices(store.user("ana"))
    stop = Event()
    stop.set()
    with pytest.raises(Stopped, match="nothing of it is kept"):
        train(store.user("ana"), shop, stop)
    assert shop.registry.adapters() == []


def test_few_choices_are_refused_with_the_number_that_is_needed(shop: Workshop, store: Store) -> None:
    choices(store.user("ana"), 3)
    with pytest.raises(BadInput, match=r"made 3 choices.* needs 4.*profile\+token-values"):
        train(store.user("ana"), shop)
    with pytest.raises(BadInput, match="made 0 choices"):
        train(store.user("nobody"), shop)


def test_choices_that_foretell_nothing_give_no_adapter(shop: Workshop, store: Store) -> None:
    ana = store.user("ana")
    choices(ana, 5, "same words", "same words")
    with pytest.raises(BadInput, match="do not foretell"):
        train(ana, shop)


def test_choices_edits_and_the_interview_are_learnt_from(store: Store) -> None:
    ana = store.user("ana")
    choices(ana, 1)
    record(ana, Edit(id="evt-edit", candidate="ana0-1", text="mine"))
    record(ana, Interviewed(id="evt-asked", question="q", prompt="Which?", answers=("this", "that"), chosen=1))
    record(ana, Interviewed(id="evt-neither", question="r", prompt="Which?", answers=("this", "that")))
    found = [(each.prompt, each.chosen, each.rejected) for each in examples_of(ana)]
    assert found == [("Say 0.", "aaaa 0", "zzzz 0"), ("Say 0.", "mine", "zzzz 0"), ("Which?", "that", "this")]


def test_the_engine_serves_what_was_trained(shop: Workshop, store: Store, model: WhiteBox, network: Loaded) -> None:
    ana = store.user("ana")
    choices(ana)
    adapter = train(ana, shop)
    lora = Lora.load(adapter.path)
    text = shop.texts(examples_of(ana))[0]
    with torch.no_grad(), added(network.module, matrices_of(lora, network.module), lora.scale):
        here = float(logprobs(network.module, Text(text.prompt, text.answers[:1]))[0])
    with model.alone() as open_network, torch.inference_mode():
        name = open_network.adapters.name(adapter.path)
        served = open_network.adapters.model
        assert served is not None
        served.set_adapter(name)
        there = float(logprobs(cast("PreTrainedModel", served), Text(text.prompt, text.answers[:1]))[0])
        open_network.forget()
    assert there == pytest.approx(here, abs=1e-3)
    (adapter.path.parent / "strong").mkdir()
    Lora(lora.factors, 30 * lora.scale).save(adapter.path.parent / "strong", "any")
    assert said(model, adapter.path.parent / "strong") != said(model, None)


def test_a_file_says_what_was_saved(tmp_path: Path) -> None:
    lora = chance_lora(0)
    lora.save(tmp_path, "any")
    again = Lora.load(tmp_path)
    assert again.scale == lora.scale
    assert again.delta("one") == pytest.approx(lora.delta("one"), abs=1e-2)  # float16
    weights = tmp_path / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-20])
    with pytest.raises(WeightsError, match="cut short"):
        Lora.load(tmp_path)


@pytest.mark.parametrize("combine", BOTH)
def test_one_expert_is_itself_and_one_hot_is_the_expert(combine: Combine) -> None:
    one, two = chance_lora(1), chance_lora(2)
    for mixture, expert in ((mixed([one], [1.0], combine), one), (mixed([one, two], [0.0, 1.0], combine), two)):
        assert mixture.rank == expert.rank
        assert mixture.delta("two") == pytest.approx(expert.delta("two"))


@pytest.mark.parametrize("combine", BOTH)
def test_any_mixture_of_equal_experts_is_the_expert(combine: Combine) -> None:
    expert = chance_lora(1)
    assert mixed([expert] * 3, [0.2, 0.5, 0.3], combine).delta("one") == pytest.approx(expert.delta("one"), abs=1e-5)


def test_a_product_is_the_mean_change_and_factors_have_cross_terms() -> None:
    one, two = chance_lora(1), chance_lora(2)
    mean = 0.25 * one.delta("one") + 0.75 * two.delta("one")
    exact, crossed = mixed([one, two], [0.25, 0.75]), mixed([one, two], [0.25, 0.75], "factors")
    assert exact.delta("one") == pytest.approx(mean, abs=1e-5)
    assert (exact.rank, crossed.rank) == (4, 2)
    assert np.abs(crossed.delta("one") - mean).max() > 0.01


@pytest.mark.parametrize("weights", [[0.5, 0.6], [1.5, -0.5], [1.0]])
def test_weights_of_a_mixture_sum_to_one(weights: list[float]) -> None:
    with pytest.raises(BadInput, match="sum to 1"):
        mixed([chance_lora(1), chance_lora(2)], weights)


def test_loras_of_other_modules_are_not_mixed() -> None:
    with pytest.raises(BadInput, match="different modules"):
        mixed([chance_lora(1), chance_lora(2, ("one",))], [0.5, 0.5])


@pytest.mark.parametrize("combine", BOTH)
def test_a_pool_of_one_sharer_gives_their_adapter(combine: Combine) -> None:
    sharer = chance_lora(1)
    picked = {module: chosen(np.array([0.3]), PieceSettings()) for module in sharer.factors}
    assert all(each == {0: 1.0} for each in picked.values())
    assert put_together([sharer], picked, combine).delta("one") == pytest.approx(sharer.delta("one"))


def test_the_best_pieces_are_taken_by_the_softmax_of_their_scores() -> None:
    picked = chosen(np.array([0.0, 2.0, 1.0]), PieceSettings(k=2, temperature=0.5))
    assert list(picked) == [1, 2]
    assert picked[1] == pytest.approx(1 / (1 + math.exp(-2)))
    assert sum(picked.values()) == pytest.approx(1)


def test_a_gate_that_is_closed_halves_what_a_piece_reads(network: Loaded) -> None:
    lora = Course(network.module, pairs(), FAST).run().lora
    half = Lora(lora.factors, lora.scale / 2)
    matrices = matrices_of(lora, network.module)
    gates = {name: torch.zeros(a.shape[1]) for name, (a, _) in matrices.items()}
    with torch.no_grad():
        with added(network.module, matrices, lora.scale, gates):
            gated = logprobs(network.module, pairs(1)[0])
        with added(network.module, matrices_of(half, network.module), half.scale):
            assert gated.tolist() == pytest.approx(logprobs(network.module, pairs(1)[0]).tolist(), abs=1e-4)


def test_pieces_of_a_sharer_suit_someone_like_them_best_on_the_whole(network: Loaded) -> None:
    settings, gate = (
        FAST.model_copy(update={"words": 1.0, "epochs": 4, "held_out": 0}),
        GateSettings(rate=0.02, epochs=4),
    )
    worlds = [[Text([0, 10 + at], [[letter] * 6, [40] * 6]) for at in range(6)] for letter in (66, 91)]
    before = {name: weights.clone() for name, weights in network.module.named_parameters()}
    loras = [Course(network.module, world, settings).run().lora for world in worlds]
    gates = [gates_of(network.module, lora, world, gate) for lora, world in zip(loras, worlds, strict=True)]
    for own, world in enumerate(worlds):
        found = scores(network.module, gates, world)
        assert np.mean([each[own] - each[1 - own] for each in found.values()]) > 0
    assert all((before[name] == weights).all() for name, weights in network.module.named_parameters())


def test_a_score_is_the_mean_likeness_of_what_is_read_and_the_gate(network: Loaded) -> None:
    read, name = list[torch.Tensor](), "model.layers.0.self_attn.v_proj"
    text = Text([0, 12], [[66, 67, 68]])
    with torch.no_grad(), watched(network.module, [name], lambda _, x: read.append(x)):
        logprobs(network.module, text)
    x = read[0][0, 2:].double().numpy()
    gate = np.linspace(-1, 2, x.shape[1])
    likeness = ((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)) @ ((gate - gate.mean()) / gate.std())
    found = scores(network.module, [{name: gate}], [text])[name]
    assert found == pytest.approx([likeness.mean() / x.shape[1] ** 0.5], rel=1e-3)


def test_matrices_that_a_model_lacks_are_named(network: Loaded) -> None:
    with pytest.raises(BadInput, match="no matrices named w_q"):
        Course(network.module, pairs(), LoraSettings(modules=("w_q",)))
