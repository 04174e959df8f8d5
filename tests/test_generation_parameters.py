"""A person's LoRA: its training, its file, and mixtures of several, on a model of two tiny layers."""

import math
from collections.abc import Iterator, Sequence
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
from idiolect.generation.parameters.inner.training import Trained, centred, liking, tangents
from idiolect.generation.parameters.lora_file import WEIGHTS, Combine, Factors, Lora, mixed
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


def gaps(network: Loaded, lora: Lora, texts: Sequence[Text]) -> list[float]:
    """h of each text's first answer less that of its second."""
    found = []
    with torch.no_grad():
        for text in texts:
            before = logprobs(network.module, text)
            with added(network.module, matrices_of(lora, network.module), lora.scale):
                h = logprobs(network.module, text) - before
            found.append(float(h[0] - h[1]))
    return found


def trained_on(network: Loaded, texts: Sequence[Text], settings: LoraSettings = FAST) -> Trained:
    return tangents(network.module, texts, settings).fitted(liking(texts), settings)


def test_an_adapter_without_b_is_the_model_as_it_is(model: WhiteBox, network: Loaded, tmp_path: Path) -> None:
    lora = trained_on(network, pairs()).lora
    still = Lora({name: Factors(each.a, 0 * each.b) for name, each in lora.factors.items()}, lora.scale)
    still.save(tmp_path, "tiny")
    assert gaps(network, still, pairs()) == [0] * 8
    assert said(model, tmp_path) == said(model, None)


def test_preferred_answers_become_likelier_than_the_others_on_prompts_never_seen(network: Loaded) -> None:
    trained = trained_on(network, pairs(10))
    assert trained.has_learnt
    assert trained.accuracy == 1
    new = [replace(text, prompt=[0, 40 + at]) for at, text in enumerate(pairs(4))]
    assert min(gaps(network, trained.lora, new)) > 0


def test_turning_what_is_liked_turns_the_adapter(network: Loaded) -> None:
    seen = tangents(network.module, pairs(), FAST)
    there, back = (seen.fitted(sign * liking(pairs()), FAST).lora for sign in (1, -1))
    name = "model.layers.1.self_attn.v_proj"
    assert there.delta(name) == pytest.approx(-back.delta(name))
    assert max(gaps(network, back, pairs())) < 0


def test_what_is_foretold_is_what_a_small_adapter_does(network: Loaded) -> None:
    """The kernel's prediction against the network itself: h = g . B."""
    small = FAST.model_copy(update={"strength": 1e-3})
    seen = tangents(network.module, pairs(), small)
    lora = seen.fitted(liking(pairs()), small).lora
    g = {name: each.reshape(8, 2, *each.shape[1:]) for name, each in seen.gradients.items()}
    foretold = sum(np.einsum("pok,ok->p", g[name][:, 0] - g[name][:, 1], each.b) for name, each in lora.factors.items())
    assert gaps(network, lora, pairs()) == pytest.approx(list(np.asarray(foretold)), rel=0.05, abs=1e-5)


def test_no_other_change_of_this_size_fits_what_is_liked_better(network: Loaded) -> None:
    """min over B of |G B - v|^2 + ridge |B|^2, solved by the kernel: any step from it is worse."""
    texts = [replace(text, liked=(float(at % 3), float(at % 2))) for at, text in enumerate(pairs())]
    seen = tangents(network.module, texts, FAST)
    lora, v = seen.fitted(liking(texts), FAST).lora, centred(liking(texts), seen.prompts)
    trace = {name: float((each**2).sum()) for name, each in seen.gradients.items()}
    whitened = np.concatenate(  # each matrix in the measure of its own kernel
        [
            each.reshape(16, -1) * (16 / (trace[name] * len(seen.gradients))) ** 0.5
            for name, each in seen.gradients.items()
        ],
        axis=1,
    )
    b = np.linalg.solve(whitened.T @ whitened + FAST.ridge * np.eye(whitened.shape[1]), whitened.T @ v)
    parts = np.split(b, np.cumsum([each[0].size for each in seen.gradients.values()])[:-1])
    for part, (name, each) in zip(parts, lora.factors.items(), strict=True):
        straight = part * (16 / (trace[name] * len(seen.gradients))) ** 0.5
        cosine = straight @ each.b.ravel() / np.linalg.norm(straight) / np.linalg.norm(each.b)
        assert cosine == pytest.approx(1, abs=1e-3), name


def test_of_three_answers_the_one_liked_most_gains_most(network: Loaded) -> None:
    texts = [Text([0, 10 + at, 11], [[66] * 6, [91] * 6, [40] * 6], (0.0, -1.0, 2.0)) for at in range(8)]
    lora = trained_on(network, texts).lora
    with torch.no_grad():
        before = logprobs(network.module, texts[0])
        with added(network.module, matrices_of(lora, network.module), lora.scale):
            h = logprobs(network.module, texts[0]) - before
    assert h[2] > h[0] > h[1]


def test_only_the_upper_layers_are_changed_where_it_is_asked(network: Loaded) -> None:
    half = trained_on(network, pairs(), FAST.model_copy(update={"upper": 0.5})).lora
    assert {name.split(".")[2] for name in half.factors} == {"1"}


def test_one_network_says_the_same_of_answers_together_and_alone(network: Loaded) -> None:
    text = pairs(1)[0]
    with torch.no_grad():
        alone = [float(logprobs(network.module, Text(text.prompt, [answer]))[0]) for answer in text.answers]
        assert logprobs(network.module, text).tolist() == pytest.approx(alone, abs=1e-4)


def test_equal_evidence_gives_equal_weights_and_another_seed_others(network: Loaded) -> None:
    one, two = (trained_on(network, pairs()).lora for _ in range(2))
    other = trained_on(network, pairs(), FAST.model_copy(update={"seed": 1})).lora
    name = "model.layers.1.self_attn.v_proj"
    assert (one.factors[name].b == two.factors[name].b).all()
    assert (one.factors[name].b != other.factors[name].b).any()


def test_choices_that_contradict_each_other_foretell_nothing(network: Loaded) -> None:
    turned = [text if at < 5 else Text(text.prompt, text.answers[::-1]) for at, text in enumerate(pairs(10))]
    assert not trained_on(network, turned).has_learnt


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
    lora = trained_on(network, pairs()).lora
    half = Lora(lora.factors, lora.scale / 2)
    matrices = matrices_of(lora, network.module)
    gates = {name: torch.zeros(a.shape[1]) for name, (a, _) in matrices.items()}
    with torch.no_grad():
        with added(network.module, matrices, lora.scale, gates):
            gated = logprobs(network.module, pairs(1)[0])
        with added(network.module, matrices_of(half, network.module), half.scale):
            assert gated.tolist() == pytest.approx(logprobs(network.module, pairs(1)[0]).tolist(), abs=1e-4)


def test_pieces_of_a_sharer_suit_someone_like_them_best_on_the_whole(network: Loaded) -> None:
    gate = GateSettings(rate=0.02, epochs=4)
    worlds = [[Text([0, 10 + at], [[letter] * 6, [40] * 6]) for at in range(6)] for letter in (66, 91)]
    before = {name: weights.clone() for name, weights in network.module.named_parameters()}
    loras = [trained_on(network, world).lora for world in worlds]
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
        tangents(network.module, pairs(), LoraSettings(modules=("w_q",)))
