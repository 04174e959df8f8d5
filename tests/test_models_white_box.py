"""The open model: what is changed inside, on a model of two tiny layers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from idiolect.errors import BadInput, UnknownModel, WeightsError
from idiolect.models import Request, WhiteBox, WhiteBoxSettings, open_model
from idiolect.models.inside import Inside, Step
from idiolect.models.white_box.tiny import save_tiny
from idiolect.models.wire import seed_of
from idiolect.schema import Array, Message, Sampling, as_messages


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[WhiteBox]:
    opened = open_model(f"transformers:{folder}", white_box=WhiteBoxSettings(rows=6, dtype="float32", device="cpu"))
    assert isinstance(opened, WhiteBox)
    yield opened
    opened.close()


def asking(text: str = "Good morning.", inside: Inside = Inside(), **sampling: object) -> Request:  # noqa: B008 - frozen
    drawn = Sampling.model_validate({"max_tokens": 12, "seed": 3, "temperature": 1} | sampling)
    return Request(as_messages(text), drawn, extra={"logprobs": True}, inside=inside)


def texts(model: WhiteBox, request: Request, n: int = 1) -> list[str]:
    return [each.text for each in model.complete(request, n)]


class Second:
    """Draws from what the second context says."""

    def logits(self, step: Step) -> Tensor:
        assert len(step.written) == step.said.shape[1]
        return step.said[1]


def lora(folder: Path, model: WhiteBox, seed: int, *, scale: float = 1.0) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model.name.removeprefix("transformers:"))
    torch.manual_seed(seed)
    adapted = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            weight.data.mul_(scale)
    adapted.save_pretrained(str(folder))
    return folder


def test_what_is_read_once_or_in_parts_says_the_same(model: WhiteBox) -> None:
    model.forget()
    first = texts(model, asking("A long beginning, and then one more question."), 2)
    again = texts(model, asking("A long beginning, and then one more question."), 2)
    other = texts(model, asking("A long beginning, and then something else."), 2)
    assert again == first
    model.forget()
    assert texts(model, asking("A long beginning, and then something else."), 2) == other


def test_a_batch_of_many_says_what_each_alone_says(model: WhiteBox) -> None:
    from concurrent.futures import ThreadPoolExecutor

    prompts = ["One.", "A second prompt that is longer.", "Third?", "And the fourth of them is the longest by far."]
    alone = [texts(model, asking(prompt), 2) for prompt in prompts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda prompt: texts(model, asking(prompt), 2), prompts))
    assert together == alone


def test_neighbouring_seeds_share_no_candidate() -> None:
    from idiolect.models.white_box.inner.answers import Job, Writing

    jobs = [Job(asking(seed=seed), 6, [[1]], [], 12) for seed in (3, 4, 5)]
    chances = [Writing.begin(job, index).chance.initial_seed() for job in jobs for index in range(job.n)]
    assert len(set(chances)) == len(chances)
    assert chances[:6] == [seed_of(jobs[0].request.sampling, index) for index in range(6)]


def test_more_candidates_than_rows_wait_for_their_turn(model: WhiteBox) -> None:
    assert texts(model, asking(), 14)[:6] == texts(model, asking(), 6)


def test_the_likelihood_told_is_the_plain_models(model: WhiteBox) -> None:
    plain = model.complete(asking(temperature=0))[0]
    vector = np.full(model.width, 3.0)
    steered = model.complete(asking(inside=Inside(steering={1: vector}), temperature=0))[0]
    assert plain.mean_logprob is not None and steered.mean_logprob is not None
    assert steered.text != plain.text
    assert steered.mean_logprob < plain.mean_logprob


def test_a_likelihood_is_the_same_counted_on_the_way_and_read_afterwards(model: WhiteBox) -> None:
    nothing = Inside(steering={0: np.zeros(model.width)})
    counted, read = model.complete(asking())[0], model.complete(asking(inside=nothing))[0]
    assert read.mean_logprob == pytest.approx(counted.mean_logprob, abs=1e-4)


def test_steering_by_nothing_changes_nothing(model: WhiteBox) -> None:
    nothing = Inside(steering={0: np.zeros(model.width)})
    assert texts(model, asking(inside=nothing), 3) == texts(model, asking(), 3)


def test_rows_of_one_batch_are_each_steered_for_themselves(model: WhiteBox) -> None:
    from concurrent.futures import ThreadPoolExecutor

    rng = np.random.default_rng(1)
    insides = [Inside(steering={0: rng.normal(size=model.width)}) for _ in range(3)]
    alone = [texts(model, asking(inside=each)) for each in insides]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda each: texts(model, asking(inside=each)), insides)) == alone
    assert len({each[0] for each in alone}) == 3


def test_a_soft_prompt_of_words_is_those_words(model: WhiteBox) -> None:
    with model.alone() as network:
        table = network.embedding_table()
    words = Message(role="system", content="x")
    told = model.prompt_ids([words, *as_messages("Hello.")])
    rest = model.prompt_ids(as_messages("Hello."))
    assert told[-len(rest) :] == rest
    soft: Array = table[told[: -len(rest)]]
    by_words = Request((words, *as_messages("Hello.")), Sampling(max_tokens=12, seed=3, temperature=1))
    assert texts(model, asking("Hello.", Inside(soft_prompt=soft))) == texts(model, by_words)


def test_a_decoder_draws_from_any_of_the_contexts(model: WhiteBox) -> None:
    other = as_messages("Something else entirely.")
    both = Inside(beside=(other,), decoder=Second())
    assert texts(model, asking("Hello.", both), 3) == texts(model, asking("Something else entirely."), 3)


def test_contexts_of_one_answer_may_each_have_an_adapter(model: WhiteBox, tmp_path: Path) -> None:
    adapter = lora(tmp_path / "one", model, 0, scale=8)
    hello = as_messages("Hello.")
    both = Inside(beside=(hello,), adapters_beside=(adapter,), decoder=Second())
    assert texts(model, asking("Hello.", both), 3) == texts(model, asking("Hello.", Inside(adapter=adapter)), 3)


def test_a_decoder_works_for_candidates_that_wait_for_their_turn(model: WhiteBox) -> None:
    both = Inside(beside=(as_messages("Something else entirely."),), decoder=Second())
    assert texts(model, asking("Hello.", both), 8)[:3] == texts(model, asking("Hello.", both), 3)


def test_what_the_logits_are_made_from_makes_them(model: WhiteBox) -> None:
    with model.alone() as network:
        table = network.embedding_table()  # this model's head is the same

    class Remade:
        def logits(self, step: Step) -> Tensor:
            again = step.hidden[0].double() @ step.hidden.new_tensor(table.T).double()
            assert again.numpy() == pytest.approx(step.said[0].double().numpy(), abs=1e-4)
            return step.said[0]

    assert texts(model, asking("Hello.", Inside(decoder=Remade())), 2) == texts(model, asking("Hello."), 2)


def test_an_adapter_changes_its_own_rows_alone(model: WhiteBox, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    folders = [lora(tmp_path / str(seed), model, seed, scale=8) for seed in range(2)]
    insides = [Inside(), *(Inside(adapter=folder) for folder in folders)]
    plain = texts(model, asking())
    alone = [texts(model, asking(inside=each)) for each in insides]
    assert alone[0] == plain
    assert len({each[0] for each in alone}) == 3
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda each: texts(model, asking(inside=each)), insides)) == alone


def test_an_adapter_trained_anew_is_read_anew(model: WhiteBox, tmp_path: Path) -> None:
    first = texts(model, asking(inside=Inside(adapter=lora(tmp_path / "a", model, 0, scale=8))))
    assert texts(model, asking(inside=Inside(adapter=lora(tmp_path / "a", model, 1, scale=8)))) != first


def test_adapters_beyond_the_limit_make_room_for_each_other(folder: Path, tmp_path: Path) -> None:
    model = WhiteBox(f"transformers:{folder}", settings=WhiteBoxSettings(adapters=2, dtype="float32", device="cpu"))
    folders = [lora(tmp_path / str(seed), model, seed, scale=8) for seed in range(4)]
    first = [texts(model, asking(inside=Inside(adapter=each))) for each in folders]
    assert [texts(model, asking(inside=Inside(adapter=each))) for each in folders] == first
    with model.alone() as network:
        assert network.adapters.model is not None
        assert len(network.adapters.model.peft_config) == 2
    model.forget()
    assert texts(model, asking(inside=Inside(adapter=folders[0]))) == first[0]
    model.close()


def test_an_adapter_of_another_model_is_refused_by_name(model: WhiteBox, tmp_path: Path) -> None:
    wide = WhiteBox(f"transformers:{save_tiny(tmp_path / 'wide', width=64)}")
    other = lora(tmp_path / "other", wide, 0)
    wide.close()
    with pytest.raises(WeightsError, match="does not fit this model"):
        model.complete(asking(inside=Inside(adapter=other)))
    with pytest.raises(WeightsError, match="no adapter"):
        model.complete(asking(inside=Inside(adapter=tmp_path / "nowhere")))
    assert model.complete(asking())[0].text


def test_vectors_of_another_model_are_refused(model: WhiteBox) -> None:
    with pytest.raises(BadInput, match="layer 9"):
        model.complete(asking(inside=Inside(steering={9: np.zeros(model.width)})))
    with pytest.raises(BadInput, match="soft prompt"):
        model.complete(asking(inside=Inside(soft_prompt=np.zeros((2, 7)))))
    with pytest.raises(BadInput, match="not finite"):
        model.complete(asking(inside=Inside(steering={0: np.full(model.width, np.nan)})))


def test_engines_that_only_take_text_say_so() -> None:
    with pytest.raises(BadInput, match="transformers:starter"):
        open_model("scripted").complete(asking(inside=Inside(steering={0: np.zeros(3)})))


def test_what_is_no_model_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="no folder"):
        open_model("transformers:./nothing-here")
    with pytest.raises(WeightsError, match=r"config\.json"):
        open_model(f"transformers:{tmp_path}")


def test_a_prompt_longer_than_the_context_is_refused_with_both_lengths(folder: Path) -> None:
    small = WhiteBox(f"transformers:{folder}", settings=WhiteBoxSettings(context=64))
    with pytest.raises(BadInput, match="context holds 64"):
        small.complete(asking("word " * 40))
    assert small.complete(asking("Hi.", max_tokens=500))[0].completion_tokens <= 64
    small.close()


ENDS = """
import sys, threading, time
from idiolect.models import Request, WhiteBox
from idiolect.schema import Sampling, as_messages
for is_closed in (True, False):
    model = WhiteBox("transformers:" + sys.argv[1])
    request = Request(as_messages("Good morning."), Sampling(max_tokens=100))
    writes = threading.Event()
    def write():
        for _ in model.stream(request):
            writes.set()
    threading.Thread(target=write, daemon=True).start()
    writes.wait()
    if is_closed:
        model.close()
"""


def test_a_process_that_ends_while_a_model_writes_ends_in_peace(folder: Path) -> None:
    asked = [sys.executable, "-c", ENDS, str(folder)]
    ended = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=300)
    assert (ended.returncode, "terminate" in ended.stderr) == (0, False), ended.stderr
