"""What the page draws of a person's memory: statements with their tags, what waits, where each comes from, receipts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from idiolect.memory.consolidation import Consolidated
from idiolect.memory.inference.allowing import Allowance, allowances
from idiolect.memory.reading import Reading
from idiolect.memory.rights import Receipt
from idiolect.memory.rights.following import Piece, Step, followed
from idiolect.memory.store import UserStore
from idiolect.schema import Interaction, Preference, now
from idiolect.server.memory_words import plain, second_person

DRAWN: Final = 100  # statements, and as many proposals and past ones, until the person asks for more
FIRST: Final = 12  # statements that are shown before "show more"
OFFERS: Final = 3  # proposals
AROUND: Final = 140  # characters of a message to each side of the words that are marked
USES: Final = 5  # answers that are named
CUT: Final = "\N{HORIZONTAL ELLIPSIS}"
SURE: Final = 0.75  # confidence from which a statement is not called unsure

KINDS: Final = {"topic": "taste", "style": "style", "constraint": "limit", "about_me": "about you"}
ORIGINS: Final = {
    "chosen": "by what you picked",
    "import": "imported",
    "document": "from a document",
    "tool": "from a tool",
    "inferred": "inferred",
}
PAST: Final = {
    "withheld": "held back",
    "superseded": "replaced",
    "ended": "no longer true",
    "expired": "over",
    "faded": "faded",
    "refused": "refused",
}


@dataclass(frozen=True)
class Tag:
    """A small word beside a statement; `tone` is how it is drawn."""

    words: str
    tone: str = ""
    title: str = ""


@dataclass(frozen=True)
class Told:
    """One statement as it is drawn."""

    preference: Preference
    words: str
    tags: Sequence[Tag]

    @property
    def id(self) -> str:
        """As the store knows it."""
        return self.preference.id

    @property
    def slug(self) -> str:
        """As an element's id, which a style sheet's selector can name."""
        return slug(self.preference.id)


@dataclass(frozen=True)
class Memory:
    """All that is remembered of a person in words, as the panel draws it."""

    first: Sequence[Told]
    rest: Sequence[Told]
    proposals: Sequence[Told]
    more_proposals: Sequence[Told]
    asking: Sequence[Told]  # special categories that wait for consent
    conflicts: Sequence[Sequence[Told]]
    past: Sequence[Told]
    allowances: Sequence[Allowance] = ()  # what may be inferred
    drawn: int = DRAWN  # of each list at the most
    proposed: int = 0  # proposals, drawn or not
    undrawn: int = 0  # of all lists

    @property
    def waiting(self) -> int:
        """How many decisions wait for the person."""
        return self.proposed + len(self.asking) + len(self.conflicts)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever remembered in words."""
        return not (self.first or self.waiting or self.past)


def memory(person: Reading, drawn: int = DRAWN) -> Memory:
    """What is in force and what was, newest first; what waits, oldest first. Of each list the first `drawn`."""
    at = now()
    everything, held, offered = person.statements(at), person.preferences(at), person.proposals()
    contested = [[told(each) for each in group] for group in person.conflicts()]
    shown = {each.id for each in held} | {each.id for group in contested for each in group}
    said = [each for each in reversed(held) if not each.conflicts]
    past = [each for each in reversed(everything) if each.status in PAST and each.id not in shown]
    first, proposals = list(map(told, said[:drawn])), list(map(told, offered[:drawn]))
    return Memory(
        first=first[:FIRST],
        rest=first[FIRST:],
        proposals=proposals[:OFFERS],
        more_proposals=proposals[OFFERS:],
        asking=[told(each) for each in everything if each.status == "unconsented"],
        conflicts=contested,
        past=list(map(told, past[:drawn])),
        allowances=allowances(person).kinds,
        drawn=drawn,
        proposed=len(offered),
        undrawn=sum(max(0, len(each) - drawn) for each in (said, offered, past)),
    )


def told(preference: Preference) -> Told:
    """One statement in plain words, with what is to be known of it at a glance."""
    words = plain(preference)
    return Told(preference, words, tuple(_tags(preference, words)))


def slug(identifier: str) -> str:
    """An id without the dot before the number of a part."""
    return identifier.replace(".", "-")


def _tags(preference: Preference, words: str) -> Iterable[Tag]:
    yield Tag(KINDS[preference.kind])
    if preference.status in PAST:
        yield Tag(PAST[preference.status], "past")
    if preference.pinned:
        yield Tag("pinned", "strong", "It never fades and never ends by itself.")
    if preference.temporary and not preference.pinned and preference.until and preference.status == "held":
        yield Tag(f"temporary, until {day(preference.until)}")
    if preference.sensitive:
        yield Tag(
            f"sensitive: {preference.sensitive}", "warm", "It is used only because you allowed it, or not at all."
        )
    if preference.local_only:
        yield Tag("stays on this machine", "strong", "It is never sent to a model that runs elsewhere.")
    if preference.origin in ORIGINS and preference.status != "proposed":
        yield Tag(ORIGINS[preference.origin])
    if preference.confidence < SURE and preference.status == "held":
        yield Tag(f"{round(100 * preference.confidence)} % sure")
    scope = second_person(preference.scope)
    if scope and scope.lower() not in words.lower():
        yield Tag(scope)


# --- where it comes from -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A part of a message; `is_marked`: the words that were read."""

    words: str
    is_marked: bool = False


@dataclass(frozen=True)
class Source:
    """Words that a statement was read from."""

    piece: Piece
    head: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Origin:
    """Where a statement comes from, drawn."""

    told: Told
    sources: Sequence[Source]
    steps: Sequence[Step]
    replaced_by: Told | None
    used: Sequence[Interaction]  # newest first
    uses: int


HEADS: Final = {
    "told": ("You told me", "You told me again"),
    "said": ("You said in a conversation", "You said it again in a conversation"),
    "picked": ("You picked one of the options", "You picked it again"),
    "proposed": ("Found in", "Found again in"),
    "asked": ("You asked", "You asked"),
    "edited": ("You put it into these words", "You put it into these words"),
}


def origin(person: UserStore, statement: str) -> Origin:
    """The words with what stands around them, what the person did since, and the answers that used it."""
    traced = followed(person, statement)
    sources = [Source(piece, _head(piece, bool(number)), parts(piece)) for number, piece in enumerate(traced.evidence)]
    return Origin(
        told=told(traced.statement),
        sources=sources,
        steps=traced.steps,
        replaced_by=None if traced.replaced_by is None else told(traced.replaced_by),
        used=[person.interaction(each) for each in reversed(traced.answers[-USES:])],
        uses=len(traced.answers),
    )


def parts(piece: Piece) -> tuple[Part, ...]:
    """The marked words and what stands beside them; of a long message the rest is left out."""
    text, begins, ends = piece.text, piece.begins, piece.ends
    if begins is None or ends is None:
        return (Part(_beginning(text, 2 * AROUND)),)
    before, after = text[:begins], text[ends:]
    shown = before if len(before) <= AROUND else CUT + before[-AROUND:].lstrip()
    told_parts = (Part(shown), Part(text[begins:ends], is_marked=True), Part(_beginning(after, AROUND)))
    return tuple(part for part in told_parts if part.words)


def _beginning(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest].rstrip() + CUT


def _head(piece: Piece, is_again: bool) -> str:
    head = HEADS[piece.how][is_again]
    return f"{head} {piece.source}" if piece.how == "proposed" else head


# --- under an answer -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """What was remembered of a turn, and what of it waits for consent."""

    answer: str
    noted: Sequence[Told]
    asking: Sequence[Told]


def line(person: UserStore, answer: str) -> Line | None:
    """None where nothing was remembered of this turn, or all of it is forgotten by now."""
    said, at = person.of_turn(answer), now()

    def found(statements: Consolidated) -> dict[str, Preference]:
        return {each.id: each for event in said for each in statements.found(event.id, at)}

    known = [told(each) for each in person.ask(found).values()] if said else []
    noted = [each for each in known if each.preference.status == "held"]
    asking = [each for each in known if each.preference.status == "unconsented"]
    return Line(answer, noted, asking) if noted or asking else None


def recalled(person: UserStore, identifiers: Iterable[str]) -> tuple[Sequence[Told], int]:
    """The statements that an answer was given with, and how many of them were forgotten since."""
    at, ids = now(), list(identifiers)

    def found(statements: Consolidated) -> list[Preference]:
        return [each for identifier in ids for each in statements.found(identifier, at)[:1]]

    known = person.ask(found) if ids else []
    return [told(each) for each in known], len(ids) - len(known)


# --- forgetting ----------------------------------------------------------------------------------------------------


def gone(receipt: Receipt) -> tuple[str, ...]:
    """What goes or went, in words: "1 statement", "1 message with its answer"."""
    kinds = {kind: count for kind, count in receipt.kinds.items() if count}
    turns = kinds.pop("interaction", 0)
    judged = sum(kinds.pop(kind, 0) for kind in ("choice", "tie", "rating", "edit"))
    said = len(receipt.statements)
    parts = [
        _count(said, "statement"),
        _count(turns, "message with its answer", "messages with their answers"),
        _count(judged, "piece of feedback on them", "pieces of feedback on them"),
        _count(receipt.rows.get("embedding", 0), "vector of their meaning", "vectors of their meaning"),
    ]
    return tuple(filter(None, parts))


def _count(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}" if count else ""


# --- times ---------------------------------------------------------------------------------------------------------


def day(at: datetime) -> str:
    """2 March 2026, in UTC as the store keeps it."""
    told_at = at.astimezone(UTC)
    return f"{told_at.day} {told_at:%B %Y}"


def clock(at: datetime) -> str:
    """The same with hours and minutes, for machines and those who hover."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def listed(parts_of_it: Sequence[str]) -> str:
    """Of a, b and c: "a, b and c"; of nothing: "nothing"."""
    *first, last = parts_of_it or ("nothing",)
    return f"{', '.join(first)} and {last}" if first else last
