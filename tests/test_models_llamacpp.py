"""llama.cpp in process, on the real starter model."""

import threading
from collections.abc import Iterator, Mapping
from itertools import pairwise

import httpx
import pytest
from pydantic import JsonValue

from idiolect.errors import BadInput, ModelError, Stopped
from idiolect.models import LlamaCppSettings, Request
from idiolect.models.llamacpp import LlamaCpp
from idiolect.models.starter import starter_path
from idiolect.models.wire import APART, SEEDS
from idiolect.schema import Sampling, as_messages

SETTINGS = LlamaCppSettings(parallel=4, context=256)


@pytest.fixture(scope="module")
def model() -> Iterator[LlamaCpp]:
    opened = LlamaCpp(starter_path(), name="starter", settings=SETTINGS)
    yield opened
    opened.close()


def asking(
    text: str,
    max_tokens: int = 8,
    *,
    seed: int = 3,
    extra: Mapping[str, JsonValue] | None = None,
    logit_bias: Mapping[int, float] | None = None,
) -> Request:
    return Request(as_messages(text), Sampling(max_tokens=max_tokens, seed=seed), logit_bias, extra or {})


def test_candidates_have_their_own_lengths_and_ends(model: LlamaCpp) -> None:
    done = model.complete(asking("Say yes or no.", 24, extra={"logprobs": True}), 4)
    for completion in done:
        assert (completion.completion_tokens == 24) == (completion.finish_reason == "length")


def test_candidates_of_one_seed_follow_one_another_also_beyond_what_decodes_at_once(model: LlamaCpp) -> None:
    done = model.complete(asking("Tell me a story.", 3), 6)
    begins_there = (
        3 + 5 * pow(APART, -1, SEEDS)
    ) % SEEDS  # the seed whose first candidate is drawn as number 5 of 3 is
    assert done[5].text == model.complete(asking("Tell me a story.", 3, seed=begins_there))[0].text


def test_neighbouring_seeds_share_no_candidate(model: LlamaCpp) -> None:
    drawn = [model.complete(asking("Tell me a story about a lighthouse.", 8, seed=seed), 4) for seed in (3, 4, 5)]
    assert len({each.text for candidates in drawn for each in candidates}) == 12


def test_a_bias_moves_what_is_written_but_not_the_plain_log_probability(model: LlamaCpp) -> None:
    wanted = model.tokenize(" sea")[0]
    request = asking("Where do fish live?", 3, extra={"logprobs": True}, logit_bias={wanted: 100.0})
    (biased,) = model.complete(request)
    (plain,) = model.complete(asking("Where do fish live?", 3, extra={"logprobs": True}))
    assert biased.text == " sea sea sea"
    assert biased.mean_logprob is not None
    assert plain.mean_logprob is not None
    assert biased.mean_logprob < plain.mean_logprob < 0
    assert biased.mean_logprob > -100


def test_a_bias_may_hold_an_entry_for_every_token(model: LlamaCpp) -> None:
    assert model.max_bias_entries == 49_152
    everything = dict.fromkeys(range(model.max_bias_entries), 0.5)  # the same for all: nothing changes
    request = asking("Where do fish live?", 4)
    assert model.complete(asking("Where do fish live?", 4, logit_bias=everything))[0].text == (
        model.complete(request)[0].text
    )


def test_log_probabilities_are_told_only_when_asked(model: LlamaCpp) -> None:
    assert model.complete(asking("Say hello.", 2))[0].mean_logprob is None


def test_a_stream_of_letters_beyond_ascii_never_splits_one(model: LlamaCpp) -> None:
    snow = model.tokenize("雪")
    stream = model.stream(asking("Snow?", 9, logit_bias=dict.fromkeys(snow, 60.0)))
    pieces = list(stream)
    assert "\ufffd" not in "".join(pieces[:-1])
    assert "".join(pieces) == stream.completion.text


def test_a_prompt_longer_than_the_context_is_refused_with_both_numbers(model: LlamaCpp) -> None:
    for ask in (model.complete, model.stream):
        with pytest.raises(BadInput, match=r"the prompt has \d+ tokens and the model's context holds 256: shorten"):
            ask(asking("hello " * 400))


def test_an_answer_that_meets_the_end_of_the_context_ends_there(model: LlamaCpp) -> None:
    (completion,) = model.complete(asking("Go on: " + "one two three four " * 50, 200))
    assert completion.prompt_tokens + completion.completion_tokens <= 256
    assert completion.finish_reason == "length" or completion.completion_tokens < 60


def test_what_llama_cpp_cannot_read_is_bad_input(model: LlamaCpp) -> None:
    with pytest.raises(BadInput, match=r"llama\.cpp refused the request: .*top_k"):
        model.complete(asking("Say hello.", extra={"top_k": "many"}))
    picture: list[dict[str, object]] = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    message = as_messages("x")[0].model_copy(update={"content": picture})
    with pytest.raises(BadInput, match=r"llama\.cpp refused the request: .*image"):
        model.complete(Request((message,)))


def test_two_requests_interleave(model: LlamaCpp) -> None:
    order: list[str] = []

    def write(name: str) -> None:
        order.extend(name for _ in model.stream(asking(f"Write about {name}.", 24)))

    threads = [threading.Thread(target=write, args=(name,)) for name in ("sun", "moon")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changes = sum(one != two for one, two in pairwise(order))
    assert changes > 4


def test_candidates_are_stopped_in_the_middle(model: LlamaCpp) -> None:
    stop, told = threading.Event(), list[int]()
    endless = asking("Write a long story.", 200, logit_bias={0: -100.0, 2: -100.0})  # no end of text, nor of the turn
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Stopped):
        model.complete(endless, SETTINGS.parallel, lambda index, _: told.append(index), stop)
    assert told == []


def test_closing_a_stream_frees_its_place(model: LlamaCpp) -> None:
    streams = [model.stream(asking("Write a long story.", 200)) for _ in range(SETTINGS.parallel)]
    for stream in streams:
        stream.close()
    assert model.complete(asking("Say hello.", 2))[0].text


def test_after_forgetting_no_prompt_is_cached_and_the_answers_are_the_same() -> None:
    with_cache = LlamaCpp(starter_path(), settings=SETTINGS)
    request = asking("My secret is a lighthouse on the moon.", 3)

    def cached() -> int:
        """How much of the prompt llama.cpp found in its cache: it says so beside the pieces."""
        seen = [0]

        def look(chunk: Mapping[str, JsonValue]) -> bool:
            timings = chunk.get("timings")
            seen.append(int(str(timings["cache_n"])) if isinstance(timings, dict) else 0)
            return False

        with with_cache._server() as server:
            server.handle_chat_completions(with_cache._body(request, 0, 1), look)
        return max(seen)

    assert cached() == 0
    assert cached() > 10
    text = with_cache.complete(request)[0].text
    with_cache.forget()
    assert cached() == 0
    assert with_cache.complete(request)[0].text == text
    with_cache.close()


def test_forgetting_waits_for_what_is_being_written() -> None:
    busy = LlamaCpp(starter_path(), settings=SETTINGS)
    stream = busy.stream(asking("Write a long story.", 30))
    forgetting = threading.Thread(target=busy.forget)
    forgetting.start()
    assert "".join(stream) == stream.completion.text
    forgetting.join()
    assert busy.complete(asking("Say hello.", 2))[0].text
    busy.close()


def test_a_closed_model_says_so_and_stops_what_it_was_writing() -> None:
    closing = LlamaCpp(starter_path(), settings=SETTINGS)
    stream = closing.stream(asking("Write a long story.", 200))
    closing.close()
    with pytest.raises(ModelError, match="was closed"):
        list(stream)
    with pytest.raises(ModelError, match="was closed"):
        closing.complete(asking("Say hello."))
    closing.close()


def test_nobody_else_may_use_the_port_that_llama_cpp_opens(model: LlamaCpp) -> None:
    with model._server() as server:
        address = server.listening_address
    assert address.startswith("http://127.0.0.1:")
    for path in ("/v1/models", "/slots", "/props"):
        assert httpx.get(address + path, trust_env=False).status_code == 401


def test_loading_and_answering_write_nothing_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    quiet = LlamaCpp(starter_path(), settings=SETTINGS)
    quiet.complete(asking("Say hello.", 2), 2)
    quiet.close()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
