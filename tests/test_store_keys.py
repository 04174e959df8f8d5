"""Keys: made once, kept as a hash, limited over processes; and tenants, whose people never meet."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from idiolect.errors import (
    BadInput,
    InsufficientQuota,
    InvalidApiKey,
    InvalidUser,
    KeyNotFound,
    PersonNotFound,
    RateLimitExceeded,
)
from idiolect.memory.keys import SECRET, NewKey
from idiolect.memory.store import Store, open_store
from idiolect.memory.tenants import Tenant
from idiolect.schema import Statement, now

NOON = datetime(2026, 3, 31, 12, 0, 20, tzinfo=UTC)


def test_a_key_is_256_random_bits_of_which_the_database_holds_a_hash(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        issued = store.keys.create(NewKey(label="the shop"))
        other = store.keys.create(NewKey())
    found = SECRET.fullmatch(issued.secret)
    assert found is not None
    assert found[1] == issued.key.id
    random = issued.secret.removeprefix(f"idk_{found[1]}_")
    assert len(random) * 6 >= 256  # a letter of base64 is six bits
    assert random not in other.secret
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert issued.key.id.encode() in kept
    assert random.encode() not in kept


def test_a_key_opens_until_it_is_revoked_or_ends(store: Store) -> None:
    lasting = store.keys.create(NewKey(tenant="acme", user="ana", scopes=("chat",), label="for Ana"))
    ending = store.keys.create(NewKey(expires=now() + timedelta(days=1)))
    assert store.keys.admitted(lasting.secret) == lasting.key
    assert store.keys.admitted(ending.secret).expires == ending.key.expires
    with pytest.raises(InvalidApiKey, match="expired or revoked"):
        store.keys.admitted(ending.secret, now() + timedelta(days=2))
    revoked = store.keys.revoke(lasting.key.id[:6])
    assert revoked.revoked is not None
    with pytest.raises(InvalidApiKey):
        store.keys.admitted(lasting.secret)
    assert store.keys.revoke(lasting.secret).revoked == revoked.revoked  # once is enough


@pytest.mark.parametrize("how", ["{}x", "x{}", "{}\n", "", "idk_", "none", "idk_000000000000_" + "A" * 43])
def test_what_is_nearly_a_key_opens_nothing(store: Store, how: str) -> None:
    secret = store.keys.create(NewKey()).secret
    for wrong in (how.format(secret), secret[:-1] + ("A" if secret[-1] != "A" else "B")):
        with pytest.raises(InvalidApiKey):
            store.keys.admitted(wrong)


def test_what_no_key_can_be_is_refused(store: Store) -> None:
    with pytest.raises(BadInput, match="has ended"):
        store.keys.create(NewKey(expires=now() - timedelta(seconds=1)))
    with pytest.raises(BadInput, match="one tenant"):
        store.keys.create(NewKey(user="acme::ana"))
    with pytest.raises(KeyNotFound, match="keys list"):
        store.keys.revoke("0123")
    assert not store.keys.exist()


def test_that_there_was_a_key_is_known_after_it_was_revoked(store: Store) -> None:
    store.keys.revoke(store.keys.create(NewKey()).key.id)
    assert store.keys.exist()


def test_a_minute_holds_so_many_requests_and_the_next_one_as_many(store: Store) -> None:
    issued, free = store.keys.create(NewKey(per_minute=2)), store.keys.create(NewKey())
    for _ in range(2):
        store.keys.admitted(issued.secret, NOON)
        store.keys.admitted(free.secret, NOON)
    with pytest.raises(RateLimitExceeded, match="2 requests a minute") as error:
        store.keys.admitted(issued.secret, NOON)
    assert error.value.retry_after_s == 40
    assert store.keys.admitted(free.secret, NOON) == free.key
    assert store.keys.admitted(issued.secret, NOON + timedelta(seconds=40)) == issued.key


@pytest.mark.parametrize(
    ("limit", "words"), [({"tokens_per_month": 1000}, "1,000 tokens"), ({"dollars_per_month": 1.5}, r"\$1.5")]
)
def test_what_is_spent_ends_with_the_month(store: Store, limit: dict[str, float], words: str) -> None:
    issued = store.keys.create(NewKey.model_validate(limit))
    store.keys.spend(issued.key, 999, 1.25, NOON)
    assert store.keys.admitted(issued.secret, NOON) == issued.key
    store.keys.spend(issued.key, 1, 0.25, NOON)
    with pytest.raises(InsufficientQuota, match=words) as error:
        store.keys.admitted(issued.secret, NOON)
    assert error.value.retry_after_s == 11 * 3600 + 59 * 60 + 40
    assert store.keys.admitted(issued.secret, NOON + timedelta(days=1)) == issued.key


def test_what_was_used_is_listed(store: Store) -> None:
    issued = store.keys.create(NewKey(per_minute=9))
    store.keys.admitted(issued.secret)
    store.keys.spend(issued.key, 30, 0.5)
    (listed,) = store.keys.all()
    assert listed.key == issued.key
    assert (listed.used.requests, listed.used.tokens, listed.used.dollars) == (1, 30, 0.5)


def test_limits_hold_over_two_processes(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as one, open_store(str(tmp_path / "me.db")) as other:
        issued = one.keys.create(NewKey(per_minute=2))
        one.keys.admitted(issued.secret, NOON)
        other.keys.admitted(issued.secret, NOON)
        for store in (one, other):
            with pytest.raises(RateLimitExceeded):
                store.keys.admitted(issued.secret, NOON)


def test_counts_of_past_minutes_are_dropped_and_months_kept(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        issued = store.keys.create(NewKey(per_minute=9))
        store.keys.spend(issued.key, 1, 0, NOON)
        for minutes in range(5):
            store.keys.admitted(issued.secret, NOON + timedelta(minutes=minutes))
        with store._database.read() as connection:
            periods = connection.execute(text("SELECT period FROM key_use ORDER BY period")).scalars().all()
    assert periods == ["2026-03", "2026-03-31T12:04"]


# --- tenants -------------------------------------------------------------------------------------------------------


def told(store: Store, user: str) -> list[str]:
    return [each.text for each in store.user(user).preferences()]


def say(store: Store, user: str, words: str) -> None:
    with store.user(user).transaction() as transaction:
        transaction.append(Statement(text=words))


def test_people_of_two_tenants_may_have_one_name_and_never_meet(store: Store) -> None:
    acme, brill, nobodys = (store.of(Tenant(name)) for name in ("acme", "brill", "default"))
    say(acme, "ana", "I prefer quiet hotels.")
    say(nobodys, "ana", "I prefer loud hotels.")
    assert told(acme, "ana") == ["I prefer quiet hotels"]
    assert told(nobodys, "ana") == ["I prefer loud hotels"]
    assert told(brill, "ana") == []
    assert (acme.users(), brill.users(), nobodys.users(), store.users()) == (1, 0, 1, 2)
    assert store.people() == ["acme::ana", "ana"]
    assert told(store, "acme::ana") == ["I prefer quiet hotels"]  # the operator, who asks the store itself
    assert told(acme, acme.user("ana").id) == ["I prefer quiet hotels"]
    for other in (brill, nobodys, store.of(Tenant("acme", only="ben"))):
        with pytest.raises(PersonNotFound):
            other.user("acme::ana")
    with pytest.raises(PersonNotFound):
        acme.user("acme::acme::ana")


def test_a_key_for_one_person_knows_nobody_else(store: Store) -> None:
    mine = store.of(Tenant("acme", only="ana"))
    assert mine.user("ana").id == "acme::ana"
    assert mine.user("default").id == "acme::ana"  # whoever names nobody is that person
    with pytest.raises(PersonNotFound, match="one person"):
        mine.user("ben")


def test_an_id_that_a_tenant_makes_too_long_is_refused(store: Store) -> None:
    with pytest.raises(InvalidUser):
        store.of(Tenant("acme")).user("a" * 128)


def test_erasing_a_person_takes_the_keys_that_were_for_them_alone(store: Store) -> None:
    acme = store.of(Tenant("acme"))
    say(acme, "ana", "I prefer quiet hotels.")
    gone = store.keys.create(NewKey(tenant="acme", user="ana"))
    kept = [store.keys.create(NewKey(tenant=tenant, user=user)) for tenant, user in (("acme", None), ("brill", "ana"))]
    assert acme.user("ana").erase()["api_key"] == 1
    assert [each.key for each in store.keys.all()] == [each.key for each in kept]
    with pytest.raises(InvalidApiKey):
        store.keys.admitted(gone.secret)
