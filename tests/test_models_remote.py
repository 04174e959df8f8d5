"""Endpoints over real sockets: the scripted endpoint speaks the wire format, and fails as it is told."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping

import pytest
from pydantic import JsonValue

from idiolect.errors import BadInput, IdiolectError, ModelError, ModelTimeout, UnknownModel
from idiolect.models import Prices, Request, open_model
from idiolect.models.connection import Connection, Patience
from idiolect.models.remote import Remote
from idiolect.models.scripted import Scripted
from idiolect.models.scripted_endpoint import Fault, ScriptedEndpoint
from idiolect.models.wire import seed_of
from idiolect.schema import Message, Sampling, as_messages

KEY = "sk-very-secret"
QUICK = Patience(timeout_s=2, attempts=3, backoff_s=0.01)


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint() as running:
        yield running


@pytest.fixture
def model(endpoint: ScriptedEndpoint) -> Iterator[Remote]:
    opened = remote(endpoint)
    yield opened
    opened.close()


def remote(endpoint: ScriptedEndpoint, patience: Patience = QUICK, prices: Prices | None = None) -> Remote:
    connection = Connection(endpoint.base_url, api_key=KEY, patience=patience)
    return Remote("scripted", connection, metered=True, prices=prices)


def asking(extra: Mapping[str, JsonValue] | None = None, **sampling: JsonValue) -> Request:
    return Request(
        as_messages("How do I bake bread?"), Sampling.model_validate({"seed": 1} | sampling), extra=extra or {}
    )


def sent() -> Request:
    """What reaches the model behind the endpoint."""
    return asking(seed=seed_of(asking().sampling))


def test_the_answer_is_that_of_the_model_behind_the_endpoint(model: Remote) -> None:
    for theirs, ours in zip(model.complete(asking(), 3), Scripted().complete(sent(), 3), strict=True):
        assert theirs.text == ours.text


def test_what_is_unknown_arrives_untouched(endpoint: ScriptedEndpoint, model: Remote) -> None:
    tools: JsonValue = [{"type": "function", "function": {"name": "look_up", "parameters": {"x-odd": [1, None]}}}]
    message = Message.model_validate({"role": "user", "content": "Hi", "name": "ana", "x_marks": {"own": True}})
    model.complete(Request((message,), extra={"tools": tools, "reasoning_effort": "low", "nothing": None}))
    body = endpoint.seen[0].body
    assert body["messages"] == [{"role": "user", "content": "Hi", "name": "ana", "x_marks": {"own": True}}]
    assert (body["tools"], body["reasoning_effort"], body["nothing"]) == (tools, "low", None)


def test_how_many_answers_are_paid_is_not_left_to_a_field_that_passes_through(
    endpoint: ScriptedEndpoint, model: Remote
) -> None:
    assert model.complete(asking({"n": 5, "stream": True}))[0].text
    assert not {"n", "stream"} & endpoint.seen[0].body.keys()


def test_sampling_goes_out_under_the_names_of_the_wire(endpoint: ScriptedEndpoint, model: Remote) -> None:
    model.complete(asking(temperature=0.25, top_p=0.5, max_tokens=9, stop=["end"]), 2)
    sent = endpoint.seen[0].body
    assert {name: sent[name] for name in ("model", "temperature", "top_p", "max_tokens", "stop", "seed", "n")} == {
        "model": "scripted", "temperature": 0.25, "top_p": 0.5, "max_tokens": 9, "stop": ["end"], "n": 2,
        "seed": seed_of(Sampling(seed=1)),
    }  # fmt: skip
    assert endpoint.seen[0].headers["Authorization"] == f"Bearer {KEY}"
    assert endpoint.seen[0].path == "/v1/chat/completions"


def test_an_endpoint_that_ignores_n_is_asked_for_the_rest_one_by_one(endpoint: ScriptedEndpoint, model: Remote) -> None:
    endpoint.behaviour.ignores_n = True
    told: list[int] = []
    done = model.complete(asking(), 4, lambda index, _: told.append(index))
    assert len(done) == 4
    assert sorted(told) == [0, 1, 2, 3]
    assert {int(str(seen.body["seed"])) for seen in endpoint.seen} == {
        seed_of(Sampling(seed=1), index) for index in range(4)
    }
    model.complete(asking(), 2)
    assert len(endpoint.seen) == 4 + 2  # now it is known, and not asked for two at once


def test_parameters_that_a_model_does_not_take_are_left_out_and_said(
    endpoint: ScriptedEndpoint, model: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.behaviour.unsupported = {"max_tokens", "temperature"}
    assert model.complete(asking(max_tokens=4, temperature=0.5))[0].completion_tokens == 4
    assert "temperature" not in endpoint.seen[-1].body
    assert endpoint.seen[-1].body["max_completion_tokens"] == 4
    assert "scripted takes no temperature; its own is used" in caplog.messages
    asked = len(endpoint.seen)
    model.complete(asking())
    assert len(endpoint.seen) == asked + 1  # learnt


def test_a_parameter_that_cannot_be_left_out_is_bad_input(endpoint: ScriptedEndpoint, model: Remote) -> None:
    endpoint.behaviour.unsupported = {"seed"}
    with pytest.raises(BadInput, match="'seed' is not supported"):
        model.complete(asking())


def test_only_the_300_largest_biases_are_sent_and_no_more_than_100_nats(
    endpoint: ScriptedEndpoint, model: Remote
) -> None:
    bias = {token: (-1) ** token * token for token in range(1000)}
    model.complete(Request(as_messages("Hi"), logit_bias=bias))
    sent = endpoint.seen[0].body["logit_bias"]
    assert isinstance(sent, dict)
    assert set(sent) == {str(token) for token in range(700, 1000)}
    assert set(sent.values()) == {100, -100}


def test_tokens_of_several_answers_add_up_to_what_the_endpoint_counted(model: Remote) -> None:
    counted = sum(completion.completion_tokens for completion in Scripted().complete(sent(), 5))
    assert sum(completion.completion_tokens for completion in model.complete(asking(), 5)) == counted


def test_tokens_are_estimated_where_the_endpoint_does_not_count(endpoint: ScriptedEndpoint, model: Remote) -> None:
    endpoint.behaviour.counts_tokens = False
    (completion,) = model.complete(asking())
    assert completion.completion_tokens == -(-len(completion.text) // 4)
    stream = model.stream(asking())
    assert "".join(stream) == completion.text
    assert stream.completion.completion_tokens == completion.completion_tokens


def test_the_cost_is_that_of_one_prompt_and_all_answers(endpoint: ScriptedEndpoint) -> None:
    priced = remote(endpoint, prices=Prices(prompt=1_000_000, completion=2_000_000))
    done = priced.complete(asking(), 3)
    answers = sum(completion.completion_tokens for completion in done)
    assert sum(completion.cost or 0 for completion in done) == pytest.approx(done[0].prompt_tokens + 2 * answers)


def test_without_a_price_the_cost_is_unknown(model: Remote) -> None:
    assert model.complete(asking())[0].cost is None


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.UNAVAILABLE])
def test_a_busy_endpoint_is_asked_again(endpoint: ScriptedEndpoint, model: Remote, fault: Fault) -> None:
    endpoint.fail(fault, fault)
    assert model.complete(asking())[0].text
    assert len(endpoint.seen) == 3
    endpoint.fail(fault)
    assert "".join(model.stream(asking()))


def test_an_endpoint_that_stays_busy_is_given_up(endpoint: ScriptedEndpoint, model: Remote) -> None:
    endpoint.fail(*[Fault.UNAVAILABLE] * 9)
    with pytest.raises(ModelError, match="answered 503 Service Unavailable: loading; try again later"):
        model.complete(asking())
    assert len(endpoint.seen) == QUICK.attempts


def test_one_that_asks_to_wait_for_long_is_not_waited_for(endpoint: ScriptedEndpoint, model: Remote) -> None:
    endpoint.fail(Fault.BUSY_FOR_LONG)
    with pytest.raises(ModelError, match="answered 429 Too Many Requests: slow down; try again in 3600 seconds"):
        model.complete(asking())
    assert len(endpoint.seen) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault.BROKEN, ModelError, "answered 500 Internal Server Error: out of luck"),
        (Fault.WRONG_KEY, ModelError, r"answered 401 Unauthorized: .*\*\*\*; check the API key"),
        (Fault.NO_SUCH_MODEL, UnknownModel, "for the model 'scripted': no such model; check the model's name"),
        (Fault.TOO_LONG, BadInput, "refused the request: the prompt is too long"),
        (Fault.RUBBISH, ModelError, "something that is not a chat completion .*check the base URL"),
        (Fault.HTML, ModelError, r"an HTML page titled 'Welcome'.*check the base URL"),
        (Fault.NO_CHOICES, ModelError, "without choices"),
    ],
)
def test_each_fault_has_its_sentence_without_the_key(
    endpoint: ScriptedEndpoint, model: Remote, caplog: pytest.LogCaptureFixture, fault: Fault, kind: type, words: str
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint.fail(fault, fault)
    with pytest.raises(kind, match=words) as error:
        model.complete(asking())
    with pytest.raises(kind, match=words):
        list(model.stream(asking()))
    assert endpoint.base_url in str(error.value)
    assert KEY not in f"{error.value}{error.value.__cause__}{caplog.text}"


def test_a_silent_endpoint_is_a_time_out(endpoint: ScriptedEndpoint) -> None:
    hurried = remote(endpoint, Patience(timeout_s=0.2))
    endpoint.fail(Fault.SILENT, Fault.SILENT, Fault.STALLED_STREAM)
    for ask in (hurried.complete, hurried.stream):
        with pytest.raises(ModelTimeout, match=r"was silent for 0\.2 seconds"):
            ask(asking())
    stream = hurried.stream(asking())
    with pytest.raises(ModelTimeout, match="was silent"):
        list(stream)


def test_an_endpoint_that_is_not_there_is_named() -> None:
    with ScriptedEndpoint() as gone:
        url = gone.base_url
    away = Remote("any", Connection(url, api_key=KEY, patience=QUICK), metered=False)
    with pytest.raises(ModelError, match=rf"the endpoint {url} cannot be reached .*: is it running\?"):
        away.complete(asking())


def test_half_a_stream_is_an_error_after_its_words(endpoint: ScriptedEndpoint, model: Remote) -> None:
    endpoint.fail(Fault.HALF_A_STREAM)
    stream = model.stream(asking())
    pieces: list[str] = []
    with pytest.raises(ModelError, match="broke off after"):
        pieces.extend(stream)
    with pytest.raises(ModelError, match="not read to its end"):
        _ = stream.completion


def test_an_endpoint_that_does_not_stream_answers_in_one_piece(endpoint: ScriptedEndpoint, model: Remote) -> None:
    endpoint.behaviour.streams = False
    stream = model.stream(asking())
    assert list(stream) == [Scripted().complete(sent())[0].text]
    assert stream.completion.finish_reason == "stop"


def test_closing_a_stream_makes_the_endpoint_stop(endpoint: ScriptedEndpoint, model: Remote) -> None:
    endpoint.behaviour.pause_s = 0.02
    stream = model.stream(asking())
    for count, _ in enumerate(stream):
        if count == 2:
            stream.close()
    assert endpoint.hung_up.wait(10)


def test_a_stream_that_nobody_reads_stops_when_it_is_closed(endpoint: ScriptedEndpoint, model: Remote) -> None:
    endpoint.behaviour.pause_s = 0.02
    model.stream(asking()).close()
    assert endpoint.hung_up.wait(10)


def test_another_thread_can_close_a_stream_that_waits_for_its_next_word(endpoint: ScriptedEndpoint) -> None:
    patient = remote(endpoint, Patience(timeout_s=60))
    endpoint.fail(Fault.STALLED_STREAM)
    stream = patient.stream(asking())
    pieces: list[str] = []
    reader = threading.Thread(target=lambda: pieces.extend(stream))
    reader.start()
    while len(pieces) < 3 and reader.is_alive():
        time.sleep(0.01)
    stream.close()
    reader.join(10)
    assert not reader.is_alive()
    assert len(pieces) == 3


def test_closing_the_model_ends_the_wait_for_another_attempt(endpoint: ScriptedEndpoint) -> None:
    waits = threading.Event()

    class Waiting(Connection):
        def _backoff(self, attempt: int) -> float:
            waits.set()
            return super()._backoff(attempt)

    connection = Waiting(endpoint.base_url, patience=Patience(backoff_s=3600))
    patient = Remote("scripted", connection, metered=True)
    endpoint.fail(*[Fault.UNAVAILABLE] * 4)
    failed: list[IdiolectError] = []

    def ask() -> None:
        try:
            patient.complete(asking())
        except IdiolectError as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert waits.wait(60)
    patient.close()
    thread.join(60)
    assert not thread.is_alive()
    assert "was closed" in str(failed[0])
    assert len(endpoint.seen) == 1


def test_a_model_that_was_closed_says_so_whatever_is_asked_of_it(endpoint: ScriptedEndpoint, model: Remote) -> None:
    model.close()
    with pytest.raises(ModelError, match="was closed; open the model again"):
        model.complete(asking())
    assert endpoint.seen == []


def test_a_key_in_the_environment_goes_to_openai_and_to_nobody_else(
    endpoint: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("openai:scripted", "ollama:scripted", "scripted"):
        open_model(name, base_url=endpoint.base_url).complete(asking())
    assert all("Authorization" not in seen.headers for seen in endpoint.seen)
    assert {str(seen.body["model"]) for seen in endpoint.seen} == {"scripted"}


def test_a_password_in_the_address_is_not_in_the_fingerprint() -> None:
    model = open_model("any", base_url="http://me:hunter2@127.0.0.1:1/v1")
    assert model.fingerprint == "http://127.0.0.1:1/v1#any"
