"""What is kept of one person, in counts: no word of theirs, and no id but a hash."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pydantic import Field

from idiolect.memory.inference import READERS
from idiolect.memory.recipients import Recipient
from idiolect.memory.rights.retaining import retain
from idiolect.memory.store import UserStore
from idiolect.schema import AnyEvent, Consent, Inference, Interaction, Noun, Preference, Proposal, Statement, Verdict
from idiolect.settings import Rule

LATELY = timedelta(days=90)
CHANGE = "change"  # the state that tells of a change of taste (learning.py)


class Incident(Noun):
    """How often the boundary acted in one month by one rule of one version."""

    month: str
    on: str  # request or answer
    action: str
    category: str
    rule: str
    version: str
    times: int


class Counted(Noun):
    """One person."""

    person: str  # hashed
    events: dict[str, int]  # by kind
    statements: dict[str, int]  # by what became of them: held, unconsented, withheld, ended, ...
    sources: dict[str, int]  # where statements and proposals came from
    special: int = 0  # statements of health, faith, ... that are used
    special_waiting: int = 0  # that wait for consent
    consents: dict[Inference, bool] = Field(default_factory=dict)
    withdrawals: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    overdue: int = 0  # events that are older than the rule says
    changed_words: bool = False  # something they said was replaced or ended lately
    changed_numbers: bool = False  # their judgements told of a change of taste
    shown: tuple[Recipient, ...] = ()


def counted(person: UserStore, name: str, rule: Rule, at: datetime) -> tuple[Counted, list[Incident], dict[str, int]]:
    """The counts, what the boundary did, and turns by month."""
    events = [recorded.event for recorded in person.events()]
    said = person.statements(at)
    times = [event.at for event in events]
    allowed = person.ask(lambda statements: statements.consents.copy()).allowed
    overdue = retain(person, rule, at, dry_run=True) if rule else None
    told = Counted(
        person=name,
        events=_by(event.kind for event in events),
        statements=_by(each.status for each in said),
        sources=_by(_source(event) for event in events if isinstance(event, Statement | Proposal)),
        special=sum(each.sensitive is not None and each.status == "held" for each in said),
        special_waiting=sum(each.status == "unconsented" for each in said),
        consents={kind: kind in allowed for kind in READERS},
        withdrawals=sum(isinstance(event, Consent) and not event.given for event in events),
        oldest=min(times, default=None),
        newest=max(times, default=None),
        overdue=len(overdue.events) if overdue else 0,
        changed_words=any(_is_changed(each, at) for each in said),
        changed_numbers=person.state(CHANGE) is not None,
        shown=tuple(person.recipients()),
    )
    turns = [event for event in events if isinstance(event, Interaction)]
    return told, list(_incidents(turns)), _by(f"{turn.at:%Y-%m}" for turn in turns)


def together(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Those of everybody, the same ones counted together."""
    found = Counter[Incident]()
    for each in incidents:
        found[each.model_copy(update={"times": 1})] += each.times
    rows = [each.model_copy(update={"times": times}) for each, times in found.items()]
    return tuple(sorted(rows, key=lambda each: (each.month, each.on, each.category, each.rule, each.version)))


def _incidents(turns: Iterable[Interaction]) -> Iterator[Incident]:
    for turn in turns:
        month = f"{turn.at:%Y-%m}"
        yield from _acted(turn.answer.trace.request_verdict, month, "request")
        for candidate in turn.answer.candidates:
            yield from _acted(candidate.verdict, month, "answer")


def _acted(verdict: Verdict, month: str, on: str) -> Iterator[Incident]:
    if verdict.action != "allow":
        yield Incident(
            month=month,
            on=on,
            action=verdict.action,
            category=verdict.category or "",
            rule=verdict.rule or "",
            version=verdict.policy_version,
            times=1,
        )


def _source(event: AnyEvent) -> str:
    match event:
        case Statement(source=source):
            return {"feedback": "told on purpose", "conversation": "said in conversation", "choice": "picked"}[source]
        case Proposal(origin=origin):
            return f"proposed from {origin}"
    return event.kind


def _is_changed(statement: Preference, at: datetime) -> bool:
    ended = statement.status in ("superseded", "ended")
    return ended and statement.until is not None and statement.until > at - LATELY


def _by(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
