"""The report of a deployment, as data."""

import secrets
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Final

from pydantic import Field, TypeAdapter

from idiolect.boundary import heads
from idiolect.boundary import policy as policies
from idiolect.boundary.layering import on_top
from idiolect.governance.counting import Counted, Incident, counted, together
from idiolect.memory.extraction import manipulation
from idiolect.memory.recipients import Recipient
from idiolect.memory.rights.retaining import Rules
from idiolect.memory.store import Store
from idiolect.schema import OF_TENANT, Noun, now
from idiolect.settings import Rule, Settings

HERE: Final = Path(__file__).parent
SHOWN: Final = 12  # characters of a hash


class Purpose(Noun):
    """One kind of data: why it is kept, for how long, and on what it rests."""

    data: str
    purpose: str
    kept: str
    basis: str


class Line(Noun):
    """One demand of a law, and the test that holds it; `test` is empty where it is not covered."""

    law: str
    place: str
    demand: str
    test: str = ""


class Screen(Noun):
    """A screen in force: its version, and the figures that it carries."""

    name: str
    version: str
    figures: dict[str, float] = Field(default_factory=dict)


class Erasure(Noun):
    """A receipt of the ledger: when, of whom (hashed), all or some, and how many rows went."""

    at: datetime
    person: str
    everything: bool
    rows: int


class Month(Noun):
    """Boundary events in a month, and the turns that were kept of it."""

    month: str
    turns: int
    events: int


class Drift(Noun):
    """Whether people, or what is asked, change."""

    people: int
    changed_words: int  # said something lately that took the place of something else
    changed_numbers: int  # their judgements told of a change of taste
    months: tuple[Month, ...]


class Report(Noun):
    """Everything, in counts."""

    at: datetime
    version: str
    only: bool = False  # of one person, who asked for it
    people: tuple[Counted, ...]
    purposes: tuple[Purpose, ...]
    retention: Rule  # for everybody
    retention_of: dict[str, Rule] = Field(default_factory=dict)  # of tenants by name, of single people by hash
    recipients: tuple[Recipient, ...]  # of people who were erased, and of turns that are too old, by month
    configured: tuple[str, ...]  # models that the settings name
    screens: tuple[Screen, ...]
    incidents: tuple[Incident, ...]
    drift: Drift
    erasures: tuple[Erasure, ...]
    checklist: tuple[Line, ...]


def report(store: Store, settings: Settings, *, user: str | None = None, at: datetime | None = None) -> Report:
    """The report of everybody, or of one person who asks what is kept of them."""
    moment, salt = at or now(), secrets.token_hex(16)
    rules = Rules.of_settings(settings)

    def named(person: str) -> str:
        return (store.pseudonym(person) or sha256(f"{salt}{person}".encode()).hexdigest())[:SHOWN]

    known = [each for each in store.people() if user in (None, each)]
    everybody = [counted(store.user(person), named(person), rules.of(person), moment) for person in known]
    people = tuple(sorted((each for each, _, _ in everybody), key=lambda each: each.person))
    incidents = together(incident for _, found, _ in everybody for incident in found)
    receipts = (
        Erasure(
            at=entry.at, person=entry.person[:SHOWN], everything=entry.events is None, rows=sum(entry.rows.values())
        )
        for entry in store.erasures()
    )
    return Report(
        at=moment,
        version=metadata.version("idiolect"),
        only=user is not None,
        people=people,
        purposes=purposes(),
        retention=rules.everybody,
        retention_of=_without_people(rules.own, named),
        recipients=tuple(store.recipients()) if user is None else (),
        configured=tuple(filter(None, (settings.model, *(settings.guard or "").split(",")))),
        screens=tuple(_screens(settings)),
        incidents=incidents,
        drift=_drift(people, incidents, [months for _, _, months in everybody]),
        erasures=tuple(each for each in receipts if user is None or each.person == named(user)),
        checklist=checklist(),
    )


def _without_people(own: Mapping[str, Rule], named: Callable[[str], str]) -> dict[str, Rule]:
    """Other rules, of which none names a person."""
    return {key if key.endswith(OF_TENANT) else named(key): rule for key, rule in own.items()}


def purposes() -> tuple[Purpose, ...]:
    """What kinds of data there are, and why."""
    return TypeAdapter(tuple[Purpose, ...]).validate_python(_read("purposes.toml")["data"])


def checklist() -> tuple[Line, ...]:
    """What the GDPR and the EU AI Act ask for, and which test holds it."""
    return TypeAdapter(tuple[Line, ...]).validate_python(_read("checklist.toml")["line"])


def _read(name: str) -> Mapping[str, object]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def _screens(settings: Settings) -> Iterable[Screen]:
    base = policies.shipped()
    policy = base if settings.policy is None else on_top(base, settings.policy)
    yield Screen(name="policy, by rules", version=policy.version)
    trained = heads.shipped()
    yield Screen(
        name="trained heads" if settings.embedder != "none" else "trained heads (off: there is no embedder)",
        version=trained.version,
        figures={name: round(value, 4) for name, value in trained.about.held_out.items()},
    )
    yield Screen(name="the memory's door", version=manipulation.VERSION)


def _drift(people: tuple[Counted, ...], incidents: Iterable[Incident], turns: Iterable[Mapping[str, int]]) -> Drift:
    asked, acted = Counter[str](), Counter[str]()
    for months in turns:
        asked.update(months)
    for incident in incidents:
        acted[incident.month] += incident.times
    return Drift(
        people=len(people),
        changed_words=sum(each.changed_words for each in people),
        changed_numbers=sum(each.changed_numbers for each in people),
        months=tuple(Month(month=each, turns=asked[each], events=acted[each]) for each in sorted(asked)),
    )
