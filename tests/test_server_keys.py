"""Who is let in, and to whom: keys over real HTTP, by every route that the OpenAPI document names."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from openai import AuthenticationError, OpenAI, RateLimitError

from idiolect.assistant import Assistant
from idiolect.cli import main
from idiolect.memory.keys import SCOPES, NewKey, Scope
from idiolect.schema import now
from idiolect.server.app import create_app
from idiolect.server.keys import OPEN, door_of
from serving import assistant_in, running

SECRET_WISH = "I prefer hotels with the name Zanzibar."
EVERY: tuple[Scope, ...] = tuple(SCOPES)


@dataclass(frozen=True)
class Place:
    """A locked server with one person of one tenant, about whom something is known."""

    assistant: Assistant
    address: str
    answer: str
    statement: str

    def key(self, **asked: object) -> str:
        return self.assistant.store.keys.create(NewKey.model_validate({"scopes": EVERY} | asked)).secret

    def client(self, secret: str | None = None) -> httpx.Client:
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with (
        assistant_in(tmp_path_factory.mktemp("keys")) as assistant,
        running(create_app(assistant, needs_key=True)) as address,
    ):
        here = Place(assistant, address, "", "")
        with here.client(here.key(tenant="acme")) as acme:
            asked = {"user": "ana", "messages": [{"role": "user", "content": "Where shall I sleep in Vienna?"}]}
            answer = acme.post("/v1/chat/completions", json=asked).json()["id"]
            added = acme.post("/v1/users/ana/memory", json={"text": SECRET_WISH})
            assert added.status_code == 201, added.text
            (statement,) = acme.get("/v1/users/ana/memory").json()["statements"]
        yield Place(assistant, address, answer, statement["id"])


def error_of(reply: httpx.Response, status: int) -> str:
    assert reply.status_code == status, (reply.request.method, reply.request.url, reply.text)
    assert set(reply.json()) == {"error"}
    assert reply.headers["x-request-id"].startswith("req-")
    assert "Zanzibar" not in reply.text
    return str(reply.json()["error"]["code"])


# --- every route that there is -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """One of the document's, filled in with its own examples."""

    method: str
    path: str
    spec: dict[str, Any]

    @property
    def names_a_person(self) -> bool:
        named = [each["name"] for each in self.spec.get("parameters", ())]
        return "{user}" in self.path or "user" in named or "X-Idiolect-User" in named

    def send(self, client: httpx.Client, user: str, places: dict[str, str]) -> httpx.Response:
        """The request, with this person named wherever one can be, and these ids."""
        path = self.path.format(**({"user": user, "name": "idiolect"} | places))
        parameters = {each["name"] for each in self.spec.get("parameters", ())}
        content = self.spec.get("requestBody", {}).get("content", {})
        body = ""
        if "application/json" in content:
            named = {} if "{user}" in self.path else {"user": user}
            body = json.dumps(content["application/json"]["example"] | named)
        if "application/octet-stream" in content:
            body = "I prefer quiet hotels."
        return client.request(
            self.method,
            path,
            params={"user": user} if "user" in parameters and "{user}" not in self.path else {},
            content=body,
            headers={"Content-Type": "application/json"},
        )


@pytest.fixture(scope="module")
def operations(place: Place) -> list[Operation]:
    document = httpx.get(f"{place.address}/openapi.json").json()
    return [
        Operation(method.upper(), path, spec)
        for path, methods in document["paths"].items()
        for method, spec in methods.items()
    ]


NOBODYS = {"answer": "chatcmpl-none", "statement": "evt-none"}


def test_no_route_answers_without_a_key_but_those_that_tell_nothing_of_anybody(
    place: Place, operations: list[Operation]
) -> None:
    assert len(operations) > 25
    with place.client() as nobody, place.client("idk_000000000000_" + "A" * 43) as unknown:
        for each in operations:
            if each.path.startswith(OPEN):
                assert each.send(nobody, "ana", NOBODYS).is_success
                continue
            for client in (nobody, unknown):
                reply = each.send(client, "ana", NOBODYS)
                assert error_of(reply, 401) == "invalid_api_key"
                assert reply.headers["www-authenticate"] == "Bearer"
        for path in ("/", "/page/turns", "/page/memory", "/anything"):
            asked = nobody.get(path)
            assert asked.status_code == 401
            assert asked.headers["www-authenticate"].startswith("Basic ")
        assert nobody.get("/static/idiolect.css").is_success


def test_every_route_wants_its_scope_and_the_document_names_it(place: Place, operations: list[Operation]) -> None:
    without = {door: place.key(scopes=tuple(each for each in EVERY if each != door)) for door in EVERY}
    with place.client() as client:
        for each in operations:
            door = door_of(each.method, each.path)
            assert each.spec.get("x-idiolect-scope") == door
            if door is not None:
                client.headers["Authorization"] = f"Bearer {without[door]}"
                assert error_of(each.send(client, "ana", NOBODYS), 403) == "insufficient_scope"


def test_another_tenants_person_is_nobody_on_every_route(place: Place, operations: list[Operation]) -> None:
    """By the full id it is a 404; a bare id is one of the caller's own people, who know nothing of the other."""
    theirs = {"answer": place.answer, "statement": place.statement}
    naming = [each for each in operations if each.names_a_person or each.path == "/v1/chat/completions"]
    assert len(naming) > 20
    for tenant, only in (("brill", None), ("default", None), ("acme", "ben")):
        with place.client(place.key(tenant=tenant, user=only)) as client:
            for each in naming:
                assert error_of(each.send(client, "acme::ana", theirs), 404) == "person_not_found"
                reply = each.send(client, "ana", theirs)
                assert reply.status_code < 500
                assert "Zanzibar" not in reply.text
                if only is not None or {"{answer}", "{statement}"} & set(each.path.split("/")):
                    error_of(reply, 404)
            found = client.get("/v1/users/ana/profile", headers={"X-Idiolect-User": "acme::ana"})
            assert found.status_code == (404 if only else 200)
    with place.client(place.key(tenant="acme")) as acme:
        assert [each["text"] for each in acme.get("/v1/users/ana/memory").json()["statements"]] == [
            SECRET_WISH.rstrip(".")
        ]
        assert acme.get(f"/v1/answers/{place.answer}/why", params={"user": "ana"}).json()["user"] == "ana"


def test_a_tenants_ids_come_back_as_the_tenant_gave_them(place: Place, operations: list[Operation]) -> None:
    ours = {"answer": place.answer, "statement": place.statement}
    with place.client(place.key(tenant="acme")) as acme:
        for each in operations:
            if each.method == "GET" and each.names_a_person:
                reply = each.send(acme, "ana", ours)
                assert reply.is_success, reply.text
                assert "acme::" not in reply.text


def test_the_page_is_of_the_keys_tenant_too(place: Place) -> None:
    for tenant, is_told in (("acme", True), ("brill", False)):
        password = base64.b64encode(f"anybody:{place.key(tenant=tenant)}".encode()).decode()
        page = httpx.get(f"{place.address}/?user=ana", headers={"Authorization": f"Basic {password}"})
        assert page.status_code == 200
        assert ("Zanzibar" in page.text) is is_told
        assert "acme::" not in page.text
    only_chat = place.key(tenant="acme", scopes=("chat",))
    refused = httpx.get(f"{place.address}/?user=ana", auth=("anybody", only_chat))
    assert refused.status_code == 403
    assert "Zanzibar" not in refused.text


# --- one key -------------------------------------------------------------------------------------------------------


def test_openais_client_says_its_key_and_is_answered_as_the_keys_person(place: Place) -> None:
    secret = place.key(tenant="acme", user="carla", scopes=("chat",))
    with OpenAI(base_url=f"{place.address}/v1", api_key=secret, max_retries=0) as client:
        said = client.chat.completions.create(model="idiolect", messages=[{"role": "user", "content": "Hello there"}])
        assert (said.model_extra or {})["idiolect"]["user"] == "carla"
    assert place.assistant.answer_by_id("acme::carla", said.id).id == said.id
    with (
        OpenAI(base_url=f"{place.address}/v1", api_key="sk-of-somebody-else", max_retries=0) as client,
        pytest.raises(AuthenticationError, match="asks for a key"),
    ):
        client.models.list()


def test_an_expired_and_a_revoked_key_are_refused_alike(place: Place) -> None:
    keys = place.assistant.store.keys
    ending = keys.create(NewKey(expires=now() + timedelta(hours=1)))
    with keys._database.write() as connection:
        from sqlalchemy import text

        connection.execute(text("UPDATE api_key SET expires = created WHERE id = :id"), {"id": ending.key.id})
    revoked = keys.create(NewKey())
    with place.client(revoked.secret) as client:
        assert client.get("/v1/models").is_success
        keys.revoke(revoked.key.id)
        messages = {error_of(client.get("/v1/models"), 401), client.get("/v1/models").json()["error"]["message"]}
    with place.client(ending.secret) as client:
        assert messages == {
            error_of(client.get("/v1/models"), 401),
            client.get("/v1/models").json()["error"]["message"],
        }


def test_too_many_requests_are_told_when_to_come_back(place: Place) -> None:
    with place.client(place.key(per_minute=3)) as client:
        replies = [client.get("/v1/models") for _ in range(8)]  # of at most two minutes
    refused = [each for each in replies if each.status_code == 429]
    assert refused
    assert error_of(refused[0], 429) == "rate_limit_exceeded"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60


def test_what_answers_took_is_counted_until_the_key_may_spend_no_more(place: Place) -> None:
    secret = place.key(tokens_per_month=1, scopes=("chat",))
    with OpenAI(base_url=f"{place.address}/v1", api_key=secret, max_retries=0) as client:
        said = client.chat.completions.create(
            model="idiolect", messages=[{"role": "user", "content": "Hello there"}], stream=True
        )
        assert list(said)
        with pytest.raises(RateLimitError, match="1 tokens a month") as error:
            client.chat.completions.create(model="idiolect", messages=[{"role": "user", "content": "Hello there"}])
    assert error.value.code == "insufficient_quota"
    assert int(error.value.response.headers["retry-after"]) > 60


def test_a_server_on_this_machine_asks_for_a_key_once_there_is_one(tmp_path: Any) -> None:
    with (
        assistant_in(tmp_path) as assistant,
        running(create_app(assistant)) as address,
        httpx.Client(base_url=address) as nobody,
    ):
        assert nobody.get("/v1/models", headers={"Authorization": "Bearer none"}).is_success
        assert nobody.get("/v1/models", headers={"Authorization": "Bearer idk_wrong"}).status_code == 401
        assert nobody.get("/v1/users/acme::ana/profile").status_code == 404
        assistant.store.keys.create(NewKey())
        while nobody.get("/v1/models").is_success:  # it looks anew every second
            pass
        assert error_of(nobody.get("/v1/models"), 401) == "invalid_api_key"


# --- the command ---------------------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *said: str) -> tuple[str, str]:
    with pytest.raises(SystemExit) as end:
        main(["keys", *said])
    assert not end.value.code, capsys.readouterr().err
    return capsys.readouterr()


def test_a_key_is_made_listed_and_revoked_by_the_command(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", f"sqlite:///{tmp_path / 'people.db'}"]
    secret, remark = run(
        capsys, "create", *store, "--tenant", "acme", "--label", "shop", "--scope", "chat", "--days", "9"
    )
    assert "never again" in remark
    with assistant_in(tmp_path) as assistant:
        key = assistant.store.keys.admitted(secret.strip())
    assert (key.tenant, key.label, key.scopes) == ("acme", "shop", ("chat",))
    listed, _ = run(capsys, "list", *store)
    assert key.id in listed
    assert secret.strip() not in listed
    assert json.loads(run(capsys, "list", *store, "--json")[0])["keys"][0]["key"]["id"] == key.id
    assert key.id in run(capsys, "revoke", *store, key.id)[1]
    assert "revoked" in run(capsys, "list", *store)[0]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["--scope", "everything"], "there are chat, read"),
        (["--tenant", "A B"], "tenant"),
        (["--user", "../x"], "user"),
    ],
)
def test_what_no_key_can_be_is_said_in_one_line(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], said: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["keys", "create", "--store", f"sqlite:///{tmp_path / 'people.db'}", *said])
    assert end.value.code == 1
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
