"""Where adapters lie: kept whole, refused where they do not fit, and gone with what they came from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapting import chance_adapter, choices, tiny, workshop
from erased import files_with
from idiolect.errors import BadInput, WeightsError
from idiolect.generation.parameters.lora_file import CONFIG, WEIGHTS, Lora
from idiolect.generation.parameters.registry import CARD, Registry, open_registry
from idiolect.generation.parameters.sharing import take_back
from idiolect.generation.parameters.training import Workshop, assembled, share, train
from idiolect.memory.rights import Caches, erase, forget_period
from idiolect.memory.store import Forgotten, Store, open_store
from idiolect.models import Request, WhiteBox
from idiolect.models.inside import Inside
from idiolect.schema import Sampling, as_messages
from lives import MONDAY, record, statement


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    opened = tiny(tmp_path_factory.mktemp("models") / "tiny", adapters=3)
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "me.db")) as opened:
        yield opened


@pytest.fixture
def shop(model: WhiteBox, tmp_path: Path) -> Workshop:
    return workshop(model, tmp_path / "me.db.adapters")


def caches(shop: Workshop) -> Caches:
    return Caches(prompts=shop.model.forget, adapters=shop.registry.forget)


def ask(model: WhiteBox, adapter: Path) -> None:
    model.complete(Request(as_messages("Hello."), Sampling(max_tokens=1), inside=Inside(adapter=adapter)))


def loaded(model: WhiteBox) -> int:
    with model.alone() as network:
        return 0 if network.adapters.model is None else len(network.adapters.model.peft_config)


def test_an_adapter_lies_in_two_files_of_peft_and_a_card_without_a_word_or_an_id(shop: Workshop, store: Store) -> None:
    choices(store.user("ana"), liked="canary")
    adapter = train(store.user("ana"), shop)
    assert {file.name for file in adapter.path.iterdir()} == {WEIGHTS, CONFIG, CARD}
    assert adapter.card.examples == 10
    assert len(adapter.card.events) == 20
    assert adapter.card.fingerprint == shop.model.fingerprint
    assert adapter.bytes == sum(file.stat().st_size for file in adapter.path.iterdir())
    for word in (b"canary", b"ana0", b"evt-", b'"ana'):
        assert files_with(shop.registry.root, word) == []
    assert not [name for name in adapter.path.parts[-2:] if "ana" in name]


def test_a_new_training_takes_the_place_of_the_old_under_another_name(shop: Workshop, store: Store) -> None:
    ana = store.user("ana")
    choices(ana)
    first = train(ana, shop)
    choices(ana, 2, first=10)
    second = train(ana, shop)
    assert first.name != second.name
    assert [each.name for each in shop.registry.adapters()] == [second.name]
    found = shop.registry.get(ana, "lora", shop.model.fingerprint)
    assert found is not None and found.name == second.name


def test_an_erased_person_leaves_no_adapter_on_the_disk_or_in_the_engine(shop: Workshop, store: Store) -> None:
    ana, ben = store.user("ana"), store.user("ben")
    choices(ana)
    choices(ben)
    ask(shop.model, train(ana, shop).path)
    of_ben = train(ben, shop)
    assert loaded(shop.model) == 1
    receipt = erase(ana, caches=caches(shop))
    assert "adapters: 1" in receipt.caches
    assert [each.name for each in shop.registry.adapters()] == [of_ben.name]
    assert loaded(shop.model) == 0
    assert erase(ana, caches=caches(shop)).caches == ()


def test_an_adapter_goes_with_one_event_that_it_came_from_and_stays_for_others(shop: Workshop, store: Store) -> None:
    from datetime import timedelta

    ana = store.user("ana")
    choices(ana)
    later = MONDAY + timedelta(days=400)
    record(ana, statement("later", "quinces", at=later))
    adapter = train(ana, shop)
    receipt = forget_period(ana, later, later + timedelta(days=1), caches=caches(shop))
    assert receipt.events == ("evt-later",)
    found = shop.registry.get(ana, "lora", shop.model.fingerprint)
    assert found is not None and found.path == adapter.path
    assert shop.registry.of("ana")[0].card.epoch != adapter.card.epoch  # it was looked up once, and is known to stand
    receipt = forget_period(ana, MONDAY, MONDAY + timedelta(days=1), caches=caches(shop))
    assert "adapters: 1" in receipt.caches
    assert not adapter.path.exists()


def test_what_was_forgotten_by_another_process_is_found_out_at_the_next_use(shop: Workshop, store: Store) -> None:
    ana = store.user("ana")
    names = choices(ana)
    adapter = train(ana, shop)
    ana.forget(names[:1])  # without caches: as a kill before they are emptied, or a restored backup
    assert shop.registry.get(ana, "lora", shop.model.fingerprint) is None
    assert not adapter.path.exists()


def test_what_was_forgotten_while_it_was_learnt_from_is_not_kept(shop: Workshop, store: Store) -> None:
    ana = store.user("ana")
    names = choices(ana)
    head = ana.head()
    assert head is not None
    lora = Lora.load(train(ana, shop).path)
    ana.forget(names[:1])
    with pytest.raises(Forgotten):
        shop.registry.put(ana, lora, shop.card(0), events=names, epoch=head.epoch)
    assert [each.name for each in shop.registry.root.glob("part-*")] == []


def test_adapters_of_people_of_whom_nothing_is_kept_are_swept(shop: Workshop, store: Store) -> None:
    choices(store.user("ana"))
    choices(store.user("ben"))
    train(store.user("ana"), shop)
    train(store.user("ben"), shop)
    store.user("ana").erase()
    assert shop.registry.keep_only(store.people()) == 1
    assert len(shop.registry.adapters()) == 1


def test_an_adapter_of_another_model_is_refused(shop: Workshop, store: Store) -> None:
    ana = store.user("ana")
    choices(ana)
    train(ana, shop)
    with pytest.raises(WeightsError, match="another model or version"):
        shop.registry.get(ana, "lora", "another")


def test_an_adapter_that_was_cut_short_is_refused_by_the_registry_and_the_engine(shop: Workshop, store: Store) -> None:
    ana = store.user("ana")
    choices(ana)
    weights = train(ana, shop).path / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(WeightsError, match="train it again"):
        shop.registry.get(ana, "lora", shop.model.fingerprint)
    with pytest.raises(WeightsError, match="cut short"):
        ask(shop.model, weights.parent)
    assert loaded(shop.model) == 0  # nor is half of it left in the model
    with shop.model.alone() as network:
        assert not [name for name, _ in network.loaded.module.named_parameters() if "lora" in name]


def test_an_adapter_that_was_changed_is_refused(shop: Workshop, store: Store) -> None:
    ana = store.user("ana")
    choices(ana)
    weights = train(ana, shop).path / WEIGHTS
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WeightsError, match="not what was written there"):
        shop.registry.get(ana, "lora", shop.model.fingerprint)


def test_a_damaged_card_is_told_and_hinders_no_erasure(shop: Workshop, store: Store) -> None:
    ana = store.user("ana")
    choices(ana)
    adapter = train(ana, shop)
    (adapter.path / CARD).write_text("{", encoding="utf-8")
    with pytest.raises(WeightsError, match="delete that folder"):
        shop.registry.adapters()
    assert "adapters: 1" in erase(ana, caches=caches(shop)).caches
    assert not adapter.path.exists()


def test_of_more_adapters_than_are_kept_the_one_longest_unused_goes(shop: Workshop, store: Store) -> None:
    few = Registry(shop.registry.root, most=2)
    lora = None
    for name in ("ana", "ben", "cleo"):
        person = store.user(name)
        choices(person)
        lora = lora or Lora.load(train(person, shop).path)
        head = person.head()
        assert head is not None
        few.put(person, lora, shop.card(0), events=(), epoch=head.epoch)
        if name == "ben":
            assert few.get(store.user("ana"), "lora", shop.model.fingerprint) is not None
    assert few.of("ben") == []
    assert len(few.adapters()) == 2


def test_adapters_of_a_hundred_people_take_their_turn_in_the_room_of_three(shop: Workshop, tmp_path: Path) -> None:
    model = shop.model
    model.forget()

    def parameters() -> int:
        with model.alone() as network:
            return sum(each.numel() for each in network.loaded.module.parameters())

    held = list[int]()
    for number in range(100):
        ask(model, chance_adapter(model, tmp_path / str(number), number))
        if number % 10 == 9:
            held.append(parameters())
        assert loaded(model) == min(number + 1, 3)
    assert len(set(held)) == 1
    model.forget()


def test_an_adapter_swapped_in_place_answers_as_one_that_is_loaded_anew(shop: Workshop, tmp_path: Path) -> None:
    model = shop.model
    folders = [chance_adapter(model, tmp_path / str(number), number) for number in range(5)]
    drawn = Sampling(max_tokens=8, seed=1, temperature=1)

    def said(folder: Path) -> str:
        return model.complete(Request(as_messages("Hello."), drawn, inside=Inside(adapter=folder)))[0].text

    in_turn = [said(folder) for folder in folders]
    alone = []
    for folder in folders:
        model.forget()
        alone.append(said(folder))
    assert in_turn == alone
    assert len(set(in_turn)) > 1


def test_only_those_who_allow_it_are_pieces_and_what_is_taken_back_is_gone(shop: Workshop, store: Store) -> None:
    ana, ben, cleo = (store.user(name) for name in ("ana", "ben", "cleo"))
    for person in (ana, ben):
        choices(person)
        train(person, shop)
    choices(cleo, 3)
    with pytest.raises(BadInput, match="nobody shares"):
        assembled(cleo, shop)
    assert share(ana, shop)
    made = assembled(cleo, shop)
    assert made.card.contributors == (shop.registry.hashed("ana"),)
    own = shop.registry.get(ana, "lora", shop.model.fingerprint)
    assert own is not None
    name = "model.layers.0.self_attn.q_proj"
    assert Lora.load(made.path).delta(name) == pytest.approx(Lora.load(own.path).delta(name), abs=1e-2)
    assert take_back(ana, shop.registry) == 1
    assert not made.path.exists()
    with pytest.raises(BadInput, match="nobody shares"):
        assembled(cleo, shop)
    assert shop.registry.get(ana, "lora", shop.model.fingerprint) is not None


def test_erasing_a_sharer_retires_what_has_their_pieces(shop: Workshop, store: Store) -> None:
    ana, cleo = store.user("ana"), store.user("cleo")
    choices(ana)
    share(ana, shop)
    train(ana, shop)
    choices(cleo, 3)
    made = assembled(cleo, shop, "factors")
    assert made.card.examples == 3
    receipt = erase(ana, caches=caches(shop))
    assert "adapters of others with pieces of theirs: 1" in receipt.caches
    assert shop.registry.adapters() == []


def test_two_choices_are_enough_for_pieces_and_one_is_not(shop: Workshop, store: Store) -> None:
    cleo = store.user("cleo")
    choices(cleo, 1)
    with pytest.raises(BadInput, match="needs 2"):
        assembled(cleo, shop)


def test_adapters_lie_beside_the_database_or_where_it_is_said(tmp_path: Path) -> None:
    beside, named = open_registry(str(tmp_path / "me.db"), None), open_registry("sqlite://", tmp_path / "there")
    assert beside is not None and beside.root == tmp_path / "me.db.adapters"
    assert named is not None and named.root == tmp_path / "there"
    assert open_registry("sqlite://", None) is None
