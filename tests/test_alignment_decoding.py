"""Decoders: the identities and limits that hold of each, on logits by hand and on a tiny open model."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from idiolect.alignment.decoding import DECODING, compose
from idiolect.alignment.decoding.args import OfText
from idiolect.alignment.decoding.autoregressive import guided
from idiolect.alignment.decoding.blend import Blend
from idiolect.alignment.decoding.context_steering import Amulet, ContextSteering, LinearAlignment, amulet_strength
from idiolect.alignment.decoding.mod import Power
from idiolect.alignment.decoding.pad import Guided
from idiolect.alignment.decoding.protocol import Context, Decoding, adding, mixing
from idiolect.alignment.decoding.top_k import TopK
from idiolect.features.space import PreferenceSpace
from idiolect.generation import Host, Person
from idiolect.models import WhiteBox, WhiteBoxSettings, open_model
from idiolect.models.inside import Inside, Step
from idiolect.models.protocol import Request
from idiolect.models.white_box.tiny import save_tiny
from idiolect.schema import Array, Sampling, as_messages

V = 50
SPACE = PreferenceSpace.shipped()
SYSTEM = "Be helpful."


def said(contexts: int, seed: int = 0) -> Tensor:
    """Logits (contexts, 3, V)."""
    return torch.randn(contexts, 3, V, generator=torch.Generator().manual_seed(seed)) * 2


def p(logits: Tensor) -> Array:
    return np.asarray(logits.double().softmax(-1).numpy())


def step(logits: Tensor, written: Sequence[Sequence[int]] = ((), (), ())) -> Step:
    return Step(logits, torch.zeros(*logits.shape[:2], 4), written)


class Likes:
    """A scorer that likes one token, and counts how often it was called."""

    def __init__(self, token: int, calls: list[int]) -> None:
        self.token = token
        self.calls = calls

    def scores(self, _: Step, tokens: Tensor) -> Tensor:
        self.calls.append(tokens.numel())
        return (tokens == self.token).float()


# --- context steering, linear alignment, Amulet ----------------------------------------------------------------------


def test_steering_by_nought_is_the_answer_with_the_profile_and_by_minus_one_the_one_without() -> None:
    both = said(2)
    assert p(Blend((1.0, 0.0)).mixed(both)) == pytest.approx(p(both[0]))
    assert p(Blend((0.0, 1.0)).mixed(both)) == pytest.approx(p(both[1]))


def test_a_profile_that_changes_nothing_is_not_amplified() -> None:
    same = said(1).expand(2, -1, -1)
    for strength in (-1.0, 0.0, 3.0):
        assert p(Blend((1 + strength, -strength)).mixed(same)) == pytest.approx(p(same[0]), abs=1e-6)


def test_one_context_of_several_by_lambda_plus_one_is_the_single_form_by_lambda() -> None:
    with_profile, plain = said(2)
    single = Blend((1 + 0.7, -0.7)).mixed(torch.stack([with_profile, plain]))
    several = plain.log_softmax(-1) + 1.7 * (with_profile.log_softmax(-1) - plain.log_softmax(-1))
    assert p(single) == pytest.approx(p(several), abs=1e-6)


def amulet_by_its_loop(preferred: Array, plain: Array, rounds: int, eta: float, alpha: float, lam: float) -> Array:
    """Log-probabilities (V,) -> (V,), the sixty rounds as they are written down."""
    policy, utilities = preferred, np.zeros_like(preferred)
    for t in range(1, rounds + 1):
        utilities = utilities + alpha * (policy - plain)
        policy = (lam * preferred + utilities / t + policy / (eta * t)) / (lam + 1 / (eta * t))
        policy = policy - np.logaddexp.reduce(policy)
    return policy


@pytest.mark.parametrize(("rounds", "alpha", "lam"), [(60, 2.0, 2.0), (5, 2.0, 2.0), (30, 1.0, 2.0), (0, 2.0, 2.0)])
def test_amulets_rounds_are_one_number(rounds: int, alpha: float, lam: float) -> None:
    both = said(2).double().log_softmax(-1)
    strength = amulet_strength(rounds, 10.0, alpha, lam)
    closed = Blend((1 + strength, -strength)).mixed(both).log_softmax(-1)[0].numpy()
    loop = amulet_by_its_loop(both[0, 0].numpy(), both[1, 0].numpy(), rounds, 10.0, alpha, lam)
    assert np.abs(closed - loop).max() < 1e-6


def test_the_strengths_of_amulet_are_those_of_its_recursion() -> None:
    assert [round(amulet_strength(rounds), 3) for rounds in (1, 5, 10, 20, 60)] == [0.952, 2.251, 2.898, 3.567, 4.649]
    assert amulet_strength(20_000, alpha=1.0) == pytest.approx(1.0, abs=0.01)  # alpha / (lambda - alpha)


def test_only_tokens_of_the_nucleus_come() -> None:
    both = said(2)
    kept = p(Blend((3.0, -2.0), 0.5).mixed(both))[0]
    order = np.argsort(-p(both[0])[0])
    fewest = int(np.searchsorted(np.cumsum(p(both[0])[0][order]), 0.5)) + 1
    assert set(np.flatnonzero(kept)) == set(order[:fewest])


# --- MOD and autoregressive rewards ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [Blend, lambda w: Power(w, 1.0), lambda w: Power(w, 0.5)])
def test_mod_of_one_expert_is_that_expert_and_of_equal_ones_any_of_them(how: object) -> None:
    assert callable(how)
    several = said(3)
    assert p(how((0.0, 1.0, 0.0)).mixed(several)) == pytest.approx(p(several[1]), abs=1e-6)
    same = said(1).expand(3, -1, -1)
    assert p(how((0.2, 0.3, 0.5)).mixed(same)) == pytest.approx(p(same[0]), abs=1e-6)
    turned = how((0.3, 0.5, 0.2)).mixed(several[[1, 2, 0]])
    assert p(turned) == pytest.approx(p(how((0.2, 0.3, 0.5)).mixed(several)), abs=1e-6)


def test_the_power_mean_goes_to_the_geometric_one_and_stays_below_the_arithmetic_one() -> None:
    several, w = said(2), (0.4, 0.6)
    assert p(Power(w, 1e-3).mixed(several)) == pytest.approx(p(Blend(w).mixed(several)), abs=1e-3)
    harmonic = Power(w, 1.0).mixed(several).exp()
    geometric = Blend(w).mixed(several.log_softmax(-1)).exp()
    arithmetic = (several.softmax(-1) * torch.tensor(w)[:, None, None]).sum(0)
    assert (harmonic <= geometric + 1e-6).all()
    assert (geometric <= arithmetic + 1e-6).all()


def test_an_expert_of_weight_nought_is_left_out_even_where_it_is_broken() -> None:
    several = said(2)
    several[1] = float("nan")
    assert p(Blend((1.0, 0.0)).mixed(several)) == pytest.approx(p(several[0]))
    assert p(Power((1.0, 0.0), 1.0).mixed(several)) == pytest.approx(p(several[0]), abs=1e-6)


def test_autoregressive_rewards_of_weight_nought_are_the_base_and_of_weight_one_mod() -> None:
    several = said(3)
    assert p(guided([0.0, 0.0], 1.0).mixed(several)) == pytest.approx(p(several[0]))
    assert p(guided([0.4, 0.6], 1.0).mixed(several)) == pytest.approx(p(Blend((0.4, 0.6)).mixed(several[1:])), abs=1e-6)
    uniform = torch.stack([several[0], several[0] + 3.0])  # an expert whose reward is the same of every token
    assert p(guided([2.0], 1.0).mixed(uniform)) == pytest.approx(p(several[0]), abs=1e-6)


# --- ARGS and PAD ----------------------------------------------------------------------------------------------------


def test_re_scoring_by_weight_nought_or_among_one_is_greedy() -> None:
    logits = said(1)
    likeliest = logits[0].argmax(-1)
    for addition in (TopK(Likes(7, []), 0.0), TopK(Likes(7, []), 9.0, k=1)):
        assert (addition.added(logits[0], step(logits)).argmax(-1) == likeliest).all()


def test_all_continuations_of_all_answers_are_scored_in_one_call() -> None:
    calls: list[int] = []
    logits = said(1)
    TopK(Likes(7, calls), 1.0, k=10).added(logits[0], step(logits))
    assert calls == [30]


def test_a_token_outside_the_likeliest_never_comes_whatever_it_is_worth() -> None:
    logits = said(1)
    last = int(logits[0, 0].argmin())
    assert TopK(Likes(last, []), 1e6).added(logits[0], step(logits))[0, last] == -torch.inf


def test_a_reward_of_texts_reads_what_is_written_with_each_token_that_may_come() -> None:
    read: list[str] = []

    def texts(ids: Sequence[Sequence[int]]) -> list[str]:
        read.extend(" ".join(map(str, row)) for row in ids)
        return read

    scorer = OfText(texts, lambda rows: np.array([float(row.endswith("9")) for row in rows]))
    found = scorer.scores(step(said(1), ((1,), (2, 3), ())), torch.tensor([[8, 9], [9, 8], [8, 8]]))
    assert read == ["1 8", "1 9", "2 3 9", "2 3 8", "8", "8"]
    assert found.tolist() == [[-0.5, 0.5], [0.5, -0.5], [0.0, 0.0]]


def test_pad_goes_from_the_base_to_the_guide_on_the_likeliest_of_the_base() -> None:
    both = said(2)
    tokens = both[0].topk(10).indices
    assert (Guided(0.0).mixed(both).argmax(-1) == both[0].argmax(-1)).all()
    guide = tokens.gather(-1, both[1].gather(-1, tokens).argmax(-1, keepdim=True))[:, 0]
    assert (Guided(1.0).mixed(both).argmax(-1) == guide).all()
    same = said(1).expand(2, -1, -1)
    for weight in (0.5, 3.0):
        assert (Guided(weight).mixed(same).argmax(-1) == same[0].argmax(-1)).all()


# --- how they compose, and what they do to a request -----------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    opened = open_model(f"transformers:{folder}", white_box=WhiteBoxSettings(rows=8, dtype="float32", device="cpu"))
    assert isinstance(opened, WhiteBox)
    yield opened
    opened.close()


def asked(text: str = "Hello.", inside: Inside | None = None) -> Request:
    drawn = Sampling(max_tokens=10, seed=3, temperature=1)
    return Request(as_messages(text), drawn, inside=inside or Inside())


def somebody(sure: bool = True) -> Person:
    mean = np.zeros(SPACE.dim)
    if sure:
        mean[[0, SPACE.names.index("warmth")]] = (-2.0, 2.0)
    return Person([], mean, np.full(SPACE.dim, 0.3), SPACE.names, evidence=int(sure) * 9)


def host(model: WhiteBox) -> Host:
    return Host(model, SPACE.version, SYSTEM)


@pytest.mark.parametrize("name", sorted(DECODING))  # being registered is being tested
def test_of_somebody_unknown_the_request_stays_as_it_is(name: str, model: WhiteBox) -> None:
    assert compose([name], host(model)).prepare(asked(), somebody(sure=False)).request == asked()


@pytest.mark.parametrize("name", sorted(DECODING))
def test_a_model_that_only_takes_text_is_asked_as_it_was_and_told_why(name: str) -> None:
    closed = open_model("scripted")
    method = compose([name], Host(closed, SPACE.version, SYSTEM))
    prepared = method.prepare(asked(), somebody())
    assert prepared.request == asked()
    assert len(prepared.notes) == 1
    assert closed.complete(prepared.request)[0].text


@pytest.mark.parametrize(
    ("method", "strength"),
    [(ContextSteering, 1.5), (LinearAlignment, 2.0), (Amulet, amulet_strength())],
)
def test_a_preset_puts_the_profile_into_the_request_and_the_request_beside_it(
    method: type[ContextSteering], strength: float, model: WhiteBox
) -> None:
    prepared = method.open(host(model)).prepare(asked(), somebody())
    inside = prepared.request.inside
    assert inside.beside == (asked().messages,)
    assert "friendly" in prepared.request.messages[0].text or "warm" in prepared.request.messages[0].text
    assert inside.decoder == Decoding(Blend((1 + strength, -strength), 0.95))
    assert len(model.complete(prepared.request, 3)) == 3


def test_steering_by_minus_one_writes_what_the_plain_request_gets(model: WhiteBox) -> None:
    class Undone(ContextSteering):
        strength = -1.0
        nucleus = 1.0

    prepared = Undone.open(host(model)).prepare(asked(), somebody())
    assert [each.text for each in model.complete(prepared.request, 3)] == [
        each.text for each in model.complete(asked(), 3)
    ]


def test_what_is_told_beside_the_request_counts_as_told(model: WhiteBox) -> None:
    prepared = compose(["pad"], host(model)).prepare(asked(), somebody())
    assert prepared.request.messages == asked().messages
    assert prepared.is_told


def test_additions_follow_the_mixture_whichever_was_named_first(model: WhiteBox) -> None:
    methods = [["context-steering", "args"], ["args", "context-steering"]]
    first, second = (compose(names, host(model)).prepare(asked(), somebody()).request for names in methods)
    for request in (first, second):
        assert isinstance(request.inside.decoder, Decoding)
        assert request.inside.decoder.mixing == Blend((2.5, -1.5), 0.95)
        assert len(request.inside.decoder.additions) == 1
    assert model.complete(first)[0].text == model.complete(second)[0].text


def test_a_second_mixture_is_left_out_and_said_to_be() -> None:
    once = mixing(asked(), [Context(as_messages("Hi."))], Blend((0.5, 0.5)), "once").request
    twice = mixing(once, [Context(as_messages("Ho."))], Blend((0.5, 0.5)), "twice")
    assert twice.request == once
    assert "left out" in twice.notes[0]


def test_a_bias_comes_after_what_a_decoder_did(model: WhiteBox) -> None:
    first, second = model.tokenize("a")[0], model.tokenize("b")[0]

    class OneOfTwo:
        def added(self, logits: Tensor, _: Step) -> Tensor:
            return torch.full_like(logits, -torch.inf).index_fill(1, torch.tensor([first, second]), 0.0)

    assert set(model.complete(adding(asked(), OneOfTwo()))[0].text) == {"a", "b"}
    assert set(model.complete(replace(adding(asked(), OneOfTwo()), logit_bias={first: -50.0}))[0].text) == {"b"}
