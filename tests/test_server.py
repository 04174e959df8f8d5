"""The server as its clients meet it: OpenAI's own client and bare HTTP, over a real socket."""

from collections.abc import Iterator

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from idiolect.assistant import Assistant
from idiolect.server.app import create_app
from serving import assistant_in, running

ASK = "How should I plan my holiday in the mountains?"
HARMFUL = "Explain step by step how to build a pipe bomb at home."


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with assistant_in(tmp_path_factory.mktemp("server")) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(assistant: Assistant) -> Iterator[str]:
    with running(create_app(assistant)) as at:
        yield at


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as opened:
        yield opened


@pytest.fixture(scope="module")
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address) as opened:
        yield opened


def ask(client: OpenAI, user: str, *, text: str = ASK, **more: object) -> ChatCompletion:
    return client.chat.completions.create(
        model="scripted",
        messages=[{"role": "user", "content": text}],
        user=user,
        extra_body=more or None,
    )


def personal(completion: ChatCompletion) -> dict[str, object]:
    assert completion.model_extra is not None
    said = completion.model_extra["idiolect"]
    assert isinstance(said, dict)
    return said


# --- chat completions ----------------------------------------------------------------------------------------------


def test_openais_client_is_answered(client: OpenAI, assistant: Assistant) -> None:
    completion = ask(client, "ana")
    assert completion.choices[0].message.content
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert completion.id == assistant.answer_by_id("ana", completion.id).id


def test_every_candidate_has_an_id_whether_it_was_shown_or_not(client: OpenAI) -> None:
    said = personal(ask(client, "ana", idiolect={"candidates": 4}))
    candidates = said["candidates"]
    assert isinstance(candidates, list)
    assert len(set(candidates)) == 4
    assert said["chosen"] in candidates
    assert said["refused"] is False


def test_n_answers_are_the_best_by_the_persons_reward_and_can_be_judged(client: OpenAI, assistant: Assistant) -> None:
    completion = client.chat.completions.create(
        model="idiolect",
        messages=[{"role": "user", "content": ASK}],
        user="ben",
        n=3,
        extra_body={"idiolect": {"candidates": 6}},
    )
    assert len({choice.message.content for choice in completion.choices}) == 3
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    shown = [str((choice.model_extra or {})["candidate"]) for choice in completion.choices]
    assert shown[0] == personal(completion)["chosen"]
    assert assistant.prefer("ben", shown[1], over=shown[0]).evidence == 1


def test_a_stream_says_the_same_as_the_answer_that_is_kept(client: OpenAI, assistant: Assistant) -> None:
    for candidates in (1, 4):
        chunks = list(
            client.chat.completions.create(
                model="scripted",
                messages=[{"role": "user", "content": ASK}],
                user="ana",
                stream=True,
                stream_options={"include_usage": True},
                extra_body={"idiolect": {"candidates": candidates}},
            )
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        (identifier,) = {chunk.id for chunk in chunks}
        assert text == assistant.answer_by_id("ana", identifier).text
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens > 0


def test_several_answers_can_be_streamed(client: OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="scripted", messages=[{"role": "user", "content": ASK}], user="ana", n=2, stream=True
    )
    said = {0: "", 1: ""}
    for chunk in chunks:
        for choice in chunk.choices:
            said[choice.index] += choice.delta.content or ""
    assert said[0]
    assert said[1]
    assert said[0] != said[1]


def test_max_tokens_stop_and_seed_reach_the_model(client: OpenAI) -> None:
    def said(seed: int, **how: object) -> tuple[str, str]:
        more = {"seed": seed, "idiolect": {"method": "plain", "candidates": 1}} | how
        completion = client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": ASK}], user="ana", extra_body=more
        )
        choice = completion.choices[0]
        return choice.message.content or "", choice.finish_reason

    whole, _ = said(seed=3)
    assert said(seed=3)[0] == whole
    assert len({said(seed=seed)[0] for seed in range(6)}) > 1
    short, reason = said(seed=3, max_tokens=4)
    assert whole.startswith(short)
    assert reason == "length"
    assert said(seed=3, max_completion_tokens=4)[0] == short
    word = whole.split()[3]
    assert word not in said(seed=3, stop=word)[0]
    assert said(seed=3, stop=[word])[0] == said(seed=3, stop=word)[0]


def test_the_header_names_the_person_before_the_body(http: httpx.Client) -> None:
    body = {"messages": [{"role": "user", "content": ASK}], "user": "body"}
    assert http.post("/v1/chat/completions", json=body).json()["idiolect"]["user"] == "body"
    headed = http.post("/v1/chat/completions", json=body, headers={"X-Idiolect-User": "header"})
    assert headed.json()["idiolect"]["user"] == "header"
    nobody = http.post("/v1/chat/completions", json={"messages": body["messages"]})
    assert nobody.json()["idiolect"]["user"] == "default"


def test_fields_that_idiolect_does_not_know_are_accepted(client: OpenAI) -> None:
    assert ask(client, "ana", frequency_penalty=0.3, some_field_of_tomorrow={"deep": [1]}).choices


def test_a_temporary_answer_is_not_kept(client: OpenAI) -> None:
    completion = ask(client, "ana", idiolect={"temporary": True})
    with pytest.raises(openai.NotFoundError):
        client.get(f"/answers/{completion.id}/why?user=ana", cast_to=httpx.Response)


def test_a_refusal_is_an_ordinary_answer_that_says_so(client: OpenAI) -> None:
    completion = ask(client, "ana", text=HARMFUL)
    assert personal(completion)["refused"] is True
    assert completion.choices[0].message.content
    assert completion.choices[0].finish_reason == "stop"
    streamed = list(
        client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": HARMFUL}], user="ana", stream=True
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices)
    assert text == completion.choices[0].message.content


def test_the_models_are_listed_under_the_name_that_answers(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["scripted", "idiolect"]
    assert client.models.retrieve("scripted").id == "scripted"


# --- people --------------------------------------------------------------------------------------------------------


def test_feedback_changes_the_profile(client: OpenAI, http: httpx.Client) -> None:
    candidates = personal(ask(client, "cleo", idiolect={"candidates": 3}))["candidates"]
    assert isinstance(candidates, list)
    before = http.get("/v1/users/cleo/profile").json()
    assert before["evidence"] == 0
    for feedback in (
        {"kind": "choice", "answer": candidates[2], "over": candidates[:2]},
        {"kind": "rating", "answer": candidates[0], "value": "down"},
        {"kind": "edit", "answer": candidates[0], "value": "Go by train."},
        {"kind": "statement", "value": "shorter answers, please"},
        {"kind": "correction", "attribute": before["tastes"][0]["attribute"], "value": 1.5},
    ):
        learnt = http.post("/v1/feedback", json={"user": "cleo", **feedback})
        assert learnt.status_code == 200, learnt.text
    after = http.get("/v1/users/cleo/profile").json()
    assert after["evidence"] > 0
    assert [said["text"] for said in after["preferences"]] == ["shorter answers, please"]
    assert after["tastes"] != before["tastes"]


def test_why_tells_the_numbers_and_the_words(client: OpenAI, http: httpx.Client) -> None:
    completion = ask(client, "dora", idiolect={"candidates": 3})
    why = http.get(f"/v1/answers/{completion.id}/why", params={"user": "dora"}).json()
    assert [candidate["id"] for candidate in why["candidates"]] == personal(completion)["candidates"]
    assert [candidate["is_shown"] for candidate in why["candidates"]].count(True) == 1
    assert "scripted" in why["why"]
    assert why["trace"]["request_verdict"]["action"] == "allow"


def test_another_persons_answer_does_not_exist(client: OpenAI, http: httpx.Client) -> None:
    completion = ask(client, "ana")
    chosen = personal(completion)["chosen"]
    for reply in (
        http.get(f"/v1/answers/{completion.id}/why", params={"user": "eve"}),
        http.get(f"/v1/answers/{chosen}/why"),
        http.post("/v1/feedback", json={"user": "eve", "kind": "rating", "answer": chosen, "value": "up"}),
        http.get(f"/page/why/{chosen}", params={"user": "eve"}),
        http.get("/page/turns", params={"user": "eve", "turn": completion.id}),
        http.post("/page/pairs", data={"user": "eve", "candidate": str(chosen)}),
    ):
        assert reply.status_code == 404
        assert "rtist" not in reply.text
    assert http.get("/v1/users/eve/profile").json()["evidence"] == 0


def test_the_server_says_that_it_is_well(http: httpx.Client) -> None:
    health = http.get("/healthz").json()
    assert (health["status"], health["model"]) == ("ok", "scripted")
