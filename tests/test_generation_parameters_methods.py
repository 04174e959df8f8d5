"""The methods `lora`, `soups` and `pieces` in the loop, behind it, over the wire, and as commands."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from adapting import chance_lora, choices, tiny, workshop
from idiolect.assistant import Assistant
from idiolect.cli import main
from idiolect.errors import BadInput, UnknownMethod, WeightsError
from idiolect.features.space import PreferenceSpace
from idiolect.generation import Host, Person, compose
from idiolect.generation.parameters.background import Trainer
from idiolect.generation.parameters.experts import train_experts
from idiolect.generation.parameters.lora_file import Combine, Lora
from idiolect.generation.parameters.registry import SOUPS, Card, open_registry
from idiolect.generation.parameters.soups import Expert, experts, place_of, soup, weights
from idiolect.generation.parameters.training import Workshop, train
from idiolect.memory.store import Store, open_store
from idiolect.models import Request, WhiteBox, open_model
from idiolect.models.inside import Inside
from idiolect.models.remote import Remote
from idiolect.models.scripted_endpoint import ScriptedEndpoint
from idiolect.schema import Sampling, as_messages
from idiolect.settings import Settings

NAMES = ("length", "warmth", "formality")
ASKED = Request(as_messages("Hello."), Sampling(max_tokens=4, seed=1))


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
    return workshop(model, tmp_path / "me.db.adapters")


def believing(mean: tuple[float, ...], sd: float = 0.1, adapters: dict[str, Path] | None = None) -> Person:
    return Person((), np.array(mean), np.full(3, sd), NAMES, 5, adapters=adapters or {})


def shelved(shop: Workshop, *names: tuple[str, int]) -> list[Expert]:
    for number, (attribute, sign) in enumerate(names):
        card = Card(kind="expert", model="tiny", fingerprint=shop.model.fingerprint)
        shop.registry.put_expert(place_of(shop.registry.root, attribute, sign), chance_lora(number), card)
    return experts(shop.registry.root, shop.model.fingerprint)


@pytest.mark.parametrize("name", ["lora", "pieces"])
def test_the_persons_adapter_goes_into_the_request(name: str, model: WhiteBox, tmp_path: Path) -> None:
    method = compose([name], Host(model, "any", "Be brief."))
    prepared = method.prepare(ASKED, believing((0, 0, 0), adapters={name: tmp_path}))
    assert prepared.request.inside == Inside(adapter=tmp_path)
    without = method.prepare(ASKED, believing((0, 0, 0)))
    assert without.request.inside.is_empty
    assert "idiolect adapters" in without.notes[0]


def test_experts_are_weighed_by_what_is_surely_believed(shop: Workshop) -> None:
    known = shelved(shop, ("length", 1), ("length", -1), ("warmth", 1))
    assert [each.path.name for each in known] == ["length.less", "length.more", "warmth.more"]
    assert weights(known, believing((-1.0, 0.5, 9.0))) == pytest.approx([13 / 20, 0, 7 / 20])
    assert weights(known, believing((-1.0, 0.1, 0.0))) == [1.0, 0.0, 0.0]
    assert weights(known, believing((-1.0, 0.5, 0.0), sd=2)) == [0, 0, 0]
    for mean in np.random.default_rng(0).normal(size=(50, 3)):
        found = weights(known, believing(tuple(mean)))
        assert sum(found) == pytest.approx(1) or not any(found)


def test_a_soup_is_made_once_and_is_the_mixture_of_its_experts(shop: Workshop, model: WhiteBox) -> None:
    known = shelved(shop, ("length", 1), ("warmth", 1))
    method = compose(["soups"], Host(model, "any", "Be brief.", adapters=shop.registry.root))
    prepared = method.prepare(ASKED, believing((1.0, 1.0, 0.0)))
    folder = prepared.request.inside.adapter
    assert folder is not None and folder.parent == shop.registry.root / SOUPS
    halves = [0.5 * Lora.load(each.path).delta("one") for each in known]
    assert Lora.load(folder).delta("one") == pytest.approx(sum(halves), abs=2e-2)
    assert prepared.notes == ("Experts were mixed (product): length.more 50%, warmth.more 50%.",)
    assert method.prepare(ASKED, believing((1.01, 1.0, 0.0))).request.inside.adapter == folder


@pytest.mark.parametrize("combine", ["product", "factors"])
def test_a_soup_of_one_expert_is_the_expert(shop: Workshop, combine: Combine) -> None:
    known = shelved(shop, ("length", 1), ("warmth", 1))
    made = Lora.load(soup([(known[1], 1.0)], combine))
    assert made.delta("two") == pytest.approx(Lora.load(known[1].path).delta("two"), abs=1e-2)


def test_a_persons_mixtures_go_when_somebody_is_erased(shop: Workshop) -> None:
    known = shelved(shop, ("length", 1))
    folder = soup([(known[0], 1.0)], "product")
    assert shop.registry.forget("ana") == ("mixtures of experts",)
    assert not folder.exists()
    assert experts(shop.registry.root, shop.model.fingerprint) == known


def test_without_experts_of_what_is_believed_nothing_changes_and_it_is_said(shop: Workshop, model: WhiteBox) -> None:
    method = compose(["soups"], Host(model, "any", "Be brief.", adapters=shop.registry.root))
    none = method.prepare(ASKED, believing((1.0, 0, 0)))
    assert none.request.inside.is_empty and "no experts" in none.notes[0]
    shelved(shop, ("warmth", 1))
    other = method.prepare(ASKED, believing((1.0, 0, 0)))
    assert other.request.inside.is_empty and "what is believed" in other.notes[0]


def test_experts_of_both_sides_of_an_attribute_are_each_others_contrary(shop: Workshop, tmp_path: Path) -> None:
    space, samples = PreferenceSpace.shipped(), tmp_path / "samples.jsonl"
    words = ("Yes.", "Yes, and more.", "Yes, of it.")
    lines = [json.dumps({"prompt": f"Say {n}.", "text": text, "ids": []}) for n in range(6) for text in words]
    samples.write_text("\n".join(lines), encoding="utf-8")
    more, less = train_experts(shop, space, [("length", 1), ("length", -1)], samples)
    assert (more.path.name, less.path.name) == ("length.more", "length.less")
    assert experts(shop.registry.root, shop.model.fingerprint) == [less, more]
    name = "model.layers.1.self_attn.v_proj"
    assert Lora.load(more.path).delta(name) == pytest.approx(-Lora.load(less.path).delta(name), abs=1e-3)
    assert more.card.figures["held_out_correlation"] > 0
    with pytest.raises(BadInput, match="nothing foretells headings"):
        list(train_experts(shop, space, [("headings", 1)], samples))
    with pytest.raises(UnknownMethod, match="no attribute named 'size'"):
        list(train_experts(shop, space, [("size", 1)], samples))


def test_an_endpoint_is_asked_for_the_adapter_by_its_name(tmp_path: Path) -> None:
    with ScriptedEndpoint() as endpoint:
        remote = open_model("scripted", base_url=endpoint.base_url)
        assert isinstance(remote, Remote)
        remote.complete(ASKED)
        adapted = Request(ASKED.messages, inside=Inside(adapter=tmp_path / "3f.lora.9a"))
        remote.complete(adapted)
        list(remote.stream(adapted))
        assert [seen.body["model"] for seen in endpoint.seen] == ["scripted", "3f.lora.9a", "3f.lora.9a"]
        with pytest.raises(BadInput, match="only takes text"):
            remote.complete(Request(ASKED.messages, inside=Inside(adapter=tmp_path, steering={0: np.zeros(3)})))


def test_by_the_method_lora_an_endpoint_is_asked_for_the_persons_adapter_by_its_name(tmp_path: Path) -> None:
    database = str(tmp_path / "me.db")
    with ScriptedEndpoint() as endpoint:
        settings = Settings(
            model="scripted", base_url=endpoint.base_url, store=database, embedder="none", method="lora", candidates=1
        )
        with Assistant(settings=settings) as assistant:
            ana = assistant.store.user("ana")
            registry = open_registry(database, None)
            assert registry is not None
            card = Card(kind="lora", model="served", fingerprint="of weights that are elsewhere")
            assistant.say("ana", "I love hiking.")
            head = ana.head()
            assert head is not None
            adapter = registry.put(ana, chance_lora(0), card, events=(), epoch=head.epoch)
            answer = assistant.answer("ana", "What is a good breakfast?")
            list(assistant.stream("ana", "What is a good lunch?"))
            assistant.answer("ben", "What is a good breakfast?")
        assert [seen.body["model"] for seen in endpoint.seen] == [adapter.name, adapter.name, "scripted"]
        assert f"The adapter {adapter.name} answered." in answer.trace.notes


def test_a_person_is_trained_behind_their_turns_and_anew_after_more_choices(shop: Workshop, store: Store) -> None:
    ana, trainer = store.user("ana"), Trainer(lambda: shop, least=6, more=3)
    choices(ana, 5)
    trainer.consider(ana)
    trainer.rest()
    assert shop.registry.adapters() == []
    choices(ana, 3, first=5)
    trainer.consider(ana)
    trainer.rest()
    (first,) = shop.registry.adapters()
    choices(ana, 2, first=8)
    trainer.consider(ana)
    trainer.rest()
    assert [each.name for each in shop.registry.adapters()] == [first.name]
    choices(ana, 1, first=10)
    trainer.consider(ana)
    trainer.rest()
    (second,) = shop.registry.adapters()
    assert (second.card.examples, second.name == first.name) == (11, False)
    trainer.close()
    trainer.consider(ana)


def test_a_training_that_came_to_nothing_is_told_once_and_not_tried_at_every_turn(shop: Workshop, store: Store) -> None:
    ana, asked = store.user("ana"), list[int]()

    def opened() -> Workshop:
        asked.append(1)
        return shop

    trainer = Trainer(opened, least=6)
    choices(ana, 6, "same", "same")
    for _ in range(2):
        trainer.consider(ana)
        trainer.rest()
    told = trainer.trouble("ana")
    assert len(told) == 1 and "do not foretell" in told[0]
    assert trainer.trouble("ana") == ()
    trainer.close()


def test_the_loop_answers_with_the_persons_lora_and_an_erasure_takes_it(shop: Workshop, tmp_path: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        choices(store.user("ana"))
        train(store.user("ana"), shop)
    settings = Settings(model=shop.model.name, store=str(tmp_path / "me.db"), embedder="none", method="lora")
    with Assistant(settings=settings) as assistant:
        answer = assistant.answer("ana", "Say 3.", candidates=1, sampling=Sampling(max_tokens=3, seed=0))
        assert any(".lora." in note for note in answer.trace.notes)
        receipt = assistant.memory("ana").erase()
        assert "adapters: 1" in receipt.caches
        after = assistant.answer("ana", "Say 3.", candidates=1, sampling=Sampling(max_tokens=3, seed=0))
        assert not any(".lora." in note for note in after.trace.notes)
    assert shop.registry.adapters() == []


def test_an_adapter_of_another_model_is_told_in_the_loop(shop: Workshop, tmp_path: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        choices(store.user("ana"))
        adapter = train(store.user("ana"), shop)
    other = adapter.card.model_copy(update={"fingerprint": "another"})
    (adapter.path / "card.json").write_text(other.model_dump_json(), encoding="utf-8")
    settings = Settings(model=shop.model.name, store=str(tmp_path / "me.db"), embedder="none", method="lora")
    with Assistant(settings=settings) as assistant, pytest.raises(WeightsError, match="another model or version"):
        assistant.answer("ana", "Say 3.", candidates=1)


def test_commands_list_and_delete_adapters(
    shop: Workshop, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choices(store.user("ana"))
    adapter = train(store.user("ana"), shop)
    where = ["--store", str(tmp_path / "me.db")]

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["adapters", *arguments, *where])
        assert ended.value.code == 0
        return capsys.readouterr().out

    (listed,) = json.loads(run("list", "--json"))["adapters"]
    assert listed["card"]["examples"] == 10
    assert adapter.name.partition(".")[0][:8] in run("list").replace("\n", "")
    run("forget", "-u", "ana")
    assert shop.registry.adapters() == []
    assert len(store.user("ana").events("choice")) == 10
