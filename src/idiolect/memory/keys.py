"""Keys that open the server: 256 random bits, of which only a hash is kept.

A key reads `idk_ID_SECRET`. Its id may be shown; the whole is told once, when it is made. It belongs to a tenant, opens
some doors (scopes), may be for one person alone, may end, and may be limited: requests a minute, tokens or dollars a
month (UTC). What was used is counted in the database, so that the limits hold over any number of server processes.
"""

import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AwareDatetime, Field, ValidationError
from sqlalchemy import Connection, Executable, Row, bindparam, delete, insert, select, text, update

from idiolect.errors import BadInput, InsufficientQuota, InvalidApiKey, KeyNotFound, RateLimitExceeded
from idiolect.memory import tables
from idiolect.memory.engine import Database
from idiolect.memory.tenants import DEFAULT_TENANT, TENANT_NAME, Tenant
from idiolect.schema import OF_TENANT, Noun, UserId, now

Scope: TypeAlias = Literal["chat", "read", "write", "page", "operate"]
SCOPES: Final[dict[Scope, str]] = {
    "chat": "be answered: chat completions, responses, embeddings, models",
    "read": "see what is believed and kept of people, export it",
    "write": "give feedback, change what is kept, import, erase",
    "page": "use the page",
    "operate": "see the operator's figures",
}
USUAL: Final[tuple[Scope, ...]] = ("chat", "read", "write")
MARK = "idk"
SECRET = re.compile(rf"{MARK}_([0-9a-f]{{12}})_[A-Za-z0-9_-]{{43}}")
BITS = 256
BEGINNING = 4  # characters of an id that name it, where it is the only one that begins so

_KEYS: Final = tables.api_key
_USES: Final = tables.key_use
_OF_ID: Final = select(_KEYS).where(_KEYS.c.id == bindparam("of"))
_ANY: Final = select(_KEYS.c.id).limit(1)
_COUNT: Final = text(
    "INSERT INTO key_use (key, period, requests, tokens, dollars) VALUES (:of, :period, :requests, :tokens, :dollars) "
    "ON CONFLICT (key, period) DO UPDATE SET requests = key_use.requests + excluded.requests, "
    "tokens = key_use.tokens + excluded.tokens, dollars = key_use.dollars + excluded.dollars"
)
_USED: Final = select(_USES).where(_USES.c.key == bindparam("of"), _USES.c.period == bindparam("during"))
_PAST: Final = delete(_USES).where(  # minutes, not months: those are kept
    _USES.c.key == bindparam("of"), _USES.c.period.like("%T%"), _USES.c.period < bindparam("before")
)


class NewKey(Noun):
    """What a key is to be."""

    tenant: Annotated[str, Field(pattern=TENANT_NAME)] = DEFAULT_TENANT
    user: UserId | None = None
    label: Annotated[str, Field(max_length=100)] = ""
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)] = USUAL
    expires: AwareDatetime | None = None
    per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_month: Annotated[int, Field(ge=1)] | None = None
    dollars_per_month: Annotated[float, Field(gt=0)] | None = None


class Key(NewKey):
    """A key, without what opens."""

    id: str
    created: datetime
    revoked: datetime | None = None

    @property
    def whose(self) -> Tenant:
        """Who may be named with it."""
        return Tenant(self.tenant, self.user)

    @property
    def is_counted(self) -> bool:
        """Whether what is spent with it is limited."""
        return self.tokens_per_month is not None or self.dollars_per_month is not None


class Issued(Noun):
    """A new key. `secret` is told here and never again."""

    key: Key
    secret: str


class Used(Noun):
    """What a key was used for in one month."""

    requests: int = 0
    tokens: int = 0
    dollars: float = 0.0


class Listed(Noun):
    """A key, and what it was used for this month."""

    key: Key
    used: Used


class Listing(Noun):
    """All of them, oldest first."""

    keys: tuple[Listed, ...]


def new_key(**said: object) -> NewKey:
    """What a key is to be, as it was said; what is empty or None is as usual. Raises BadInput for what none can be."""
    try:
        return NewKey.model_validate({name: value for name, value in said.items() if value not in (None, ())})
    except ValidationError as wrong:
        complaint = wrong.errors(include_url=False)[0]
        name = str(complaint["loc"][0])
        hint = f": there are {', '.join(SCOPES)}" if name == "scopes" else ""
        raise BadInput(f"the {name} {said[name]!r} cannot be taken: {complaint['msg'].lower()}{hint}") from wrong


class Keys:
    """All keys of a database. Safe in threads and over processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, asked: NewKey) -> Issued:
        """Raises BadInput for one that would have ended already."""
        at = now()
        if asked.expires is not None and asked.expires <= at:
            raise BadInput(f"a key that ends at {asked.expires.isoformat()} has ended: name a time to come")
        if asked.user is not None and OF_TENANT in asked.user:
            raise BadInput(f"{asked.user!r} is no person of one tenant: leave out {OF_TENANT} and what is before it")
        identifier = secrets.token_hex(6)
        secret = f"{MARK}_{identifier}_{secrets.token_urlsafe(BITS // 8)}"
        key = Key(id=identifier, created=at, **dict(asked))
        with self._database.write() as connection:
            connection.execute(insert(_KEYS).values(**_row(key), sha256=_hashed(secret)))
        return Issued(key=key, secret=secret)

    def all(self) -> list[Listed]:
        """Every key, oldest first, the revoked and expired ones too."""
        month = _month(now())
        with self._database.read() as connection:
            rows = connection.execute(select(_KEYS).order_by(_KEYS.c.created, _KEYS.c.id)).all()
            return [Listed(key=_key(row), used=_used(connection, row.id, month)) for row in rows]

    def revoke(self, named: str) -> Key:
        """By its id, a beginning of it, or the whole key. Raises KeyNotFound, BadInput where several begin so."""
        whole = SECRET.fullmatch(named)
        wanted = whole[1] if whole else named
        found = [each.key for each in self.all() if each.key.id.startswith(wanted)] if len(wanted) >= BEGINNING else []
        if not found:
            raise KeyNotFound(f"no key has the id {wanted[:20]!r}; `idiolect keys list` shows them")
        if len(found) > 1:
            raise BadInput(f"{len(found)} keys begin with {wanted!r}: give more of the id")
        (key,) = found
        revoked = key.revoked or now()
        with self._database.write() as connection:
            connection.execute(update(_KEYS).where(_KEYS.c.id == key.id).values(revoked=revoked))
        return key.model_copy(update={"revoked": revoked})

    def exist(self) -> bool:
        """Whether there ever was a key, so that revoking the last one opens no door."""
        with self._database.read() as connection:
            return connection.execute(_ANY).first() is not None

    def admitted(self, secret: str, at: datetime | None = None) -> Key:
        """The key of a request, which is counted. Raises InvalidApiKey, RateLimitExceeded or InsufficientQuota."""
        at = at or now()
        key = self._known(secret, at)
        if key.is_counted:
            self._check_spending(key, at)
        if key.per_minute is not None:
            self._check_rate(key, key.per_minute, at)
        return key

    def spend(self, key: Key, tokens: int, dollars: float, at: datetime | None = None) -> None:
        """Count what an answer took."""
        with self._database.write() as connection:
            _count(connection, key.id, _month(at or now()), Used(requests=1, tokens=tokens, dollars=dollars))

    def _known(self, secret: str, at: datetime) -> Key:
        form = SECRET.fullmatch(secret)
        with self._database.read() as connection:
            row = connection.execute(_OF_ID, {"of": form[1] if form else ""}).first()
        # One that is unknown is compared too, so that the time tells nothing of which ids there are.
        is_right = hmac.compare_digest(_hashed(secret), str(row.sha256) if row else _hashed(""))
        key = _key(row) if row and is_right else None
        if key is None or key.revoked is not None or (key.expires is not None and key.expires <= at):
            raise InvalidApiKey("this key opens nothing: it is unknown, expired or revoked. Ask for a new one")
        return key

    def _check_rate(self, key: Key, most: int, at: datetime) -> None:
        minute = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
        with self._database.write() as connection:
            connection.execute(_PAST, {"of": key.id, "before": minute})
            _count(connection, key.id, minute, Used(requests=1))
            made = _used(connection, key.id, minute).requests
        if made > most:
            error = RateLimitExceeded(f"this key may make {most} requests a minute: wait, then ask again")
            error.retry_after_s = 60 - at.second
            raise error

    def _check_spending(self, key: Key, at: datetime) -> None:
        with self._database.read() as connection:
            used = _used(connection, key.id, _month(at))
        tokens, dollars = key.tokens_per_month, key.dollars_per_month
        spent = [f"{tokens:,} tokens"] if tokens is not None and used.tokens >= tokens else []
        spent += [f"${dollars:g}"] if dollars is not None and used.dollars >= dollars else []
        if spent:
            error = InsufficientQuota(f"this key may spend {spent[0]} a month, and has: wait, or ask for more")
            error.retry_after_s = (_next_month(at) - at).total_seconds()
            raise error


def drop_keys_of(connection: Connection, person: str) -> int:
    """Delete the keys that are for one person alone, who is erased; how many there were."""
    name, _, user = person.rpartition(OF_TENANT)
    mine = delete(_KEYS).where(_KEYS.c.tenant == (name or DEFAULT_TENANT), _KEYS.c.person == user)
    return connection.execute(mine).rowcount


def _hashed(secret: str) -> str:
    """A slow hash is for passwords; 256 random bits can't be guessed from a fast one."""
    return sha256(secret.encode()).hexdigest()


def _row(key: Key) -> dict[str, object]:
    row = key.model_dump(exclude={"user", "scopes"})
    return row | {"person": key.user, "scopes": " ".join(key.scopes)}


def _key(row: Row[*tuple[object, ...]]) -> Key:
    said = dict(row._mapping)
    del said["sha256"]
    said |= {"user": said.pop("person"), "scopes": str(said["scopes"]).split()}
    said |= {name: _utc(said[name]) for name in ("created", "expires", "revoked")}
    return Key.model_validate(said)


def _utc(at: object) -> datetime | None:
    """SQLite gives times back without a zone."""
    if not isinstance(at, datetime):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _used(connection: Connection, key: str, period: str) -> Used:
    row = connection.execute(_USED, {"of": key, "during": period}).first()
    return Used() if row is None else Used(requests=row.requests, tokens=row.tokens, dollars=row.dollars)


def _count(connection: Connection, key: str, period: str, used: Used) -> None:
    statement: Executable = _COUNT
    connection.execute(statement, {"of": key, "period": period, **used.model_dump()})


def _month(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m")


def _next_month(at: datetime) -> datetime:
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=31)).replace(day=1)
