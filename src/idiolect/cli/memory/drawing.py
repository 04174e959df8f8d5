"""How statements, proposals and receipts look in a terminal."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from idiolect.cli.show import safe
from idiolect.features.attributes import ATTRIBUTES
from idiolect.schema import Preference

if TYPE_CHECKING:
    from idiolect.memory.rights import Receipt
    from idiolect.memory.rights.following import Followed, Piece

KINDS: Final[Mapping[str, str]] = {
    "constraint": "what must not be broken",
    "style": "how answers should be",
    "about_me": "about you",
    "topic": "what you like and dislike",
}
EVENTS: Final[Mapping[str, str]] = {  # whose kind says too little, or is the name of what is made of it
    "interaction": "turn",
    "edit": "rewritten answer",
    "statement": "note of what you said",
}
HOW: Final[Mapping[str, str]] = {
    "told": "told to the memory",
    "said": "said in conversation",
    "picked": "picked among what was offered",
    "proposed": "proposed",
    "asked": "shown by this turn",
    "edited": "edited by hand",
}
ANSWERS_SHOWN: Final = 5
CELLS: Final = 5
EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
IDS_SHOWN: Final = 3


def one_line(text: str) -> str:
    """Words as they fit a cell."""
    return safe(" ".join(text.split()))


def day(at: datetime | None) -> str:
    """2026-03-02"""
    return f"{at:%Y-%m-%d}" if at else ""


def sureness(confidence: float) -> str:
    """From 0 to 1 as a bar of five cells."""
    full, rest = divmod(round(confidence * CELLS * 8), 8)
    return "█" * full + EIGHTHS[rest].strip()


def area(preference: Preference) -> str:
    """The area of life; of style, what is wished of answers."""
    attribute = ATTRIBUTES.get(preference.attribute or "")
    if attribute is None:
        return preference.topic or preference.attribute or ""
    return attribute.high if preference.polarity > 0 else attribute.low


def state(preference: Preference) -> str:
    """What became of it, and when."""
    if preference.status == "held" and preference.conflicts:
        return "contradicted"
    if preference.status == "held":
        return f"until {day(preference.until)}" if preference.until else "holds"
    status = {"unconsented": "needs consent", "withheld": "held back"}.get(preference.status, preference.status)
    return f"{status} {day(preference.until)}".strip()


def marks(preference: Preference, short: Mapping[str, str], states: bool = False) -> str:
    """What else is to be known of it, in a few words; with `states`, its state is told elsewhere."""
    is_passing = preference.status == "unconsented" or (preference.temporary and preference.status == "held")
    told = [
        preference.scope if preference.scope.casefold() not in preference.text.casefold() else "",
        "pinned" if preference.pinned else "",
        "never leaves this machine" if preference.local_only else "",
        preference.sensitive or "",
        state(preference) if is_passing and not states else "",
        f"contradicts {', '.join(short.get(each, each) for each in preference.conflicts)}"
        if preference.conflicts
        else "",
        preference.source,
    ]
    return " · ".join(filter(None, told))


def statements(title: str, shown: Sequence[Preference], short: Mapping[str, str], states: bool = False) -> Table:
    """Statements by kind, the words first; with `states`, what became of each."""
    made = _table(title, ("id", "statement", "about", *(["state"] if states else []), "since", "origin", "sure"))
    for kind, means in KINDS.items():
        of_kind = [each for each in shown if each.kind == kind]
        if of_kind:
            made.add_section()
            made.add_row("", Text.assemble((kind, "bold"), (f"  {means}", "dim")))
        for each in of_kind:
            made.add_row(
                short[each.id],
                _words(each, marks(each, short, states)),
                area(each),
                *([Text(state(each))] if states else []),
                day(each.at),
                each.origin,
                sureness(each.confidence),
            )
    return made


def proposals(title: str, shown: Sequence[Preference], short: Mapping[str, str]) -> Table:
    """What waits, under the source that it comes from."""
    made = _table(title, ("id", "statement", "kind", "about", "since"))
    sources = dict.fromkeys((each.source, each.origin) for each in shown)
    for source, origin in sources:
        made.add_row("", Text.assemble((one_line(source), "bold"), (f"  {origin}", "dim")))
        for each in shown:
            if (each.source, each.origin) == (source, origin):
                words = _words(each, each.sensitive or "")
                made.add_row(short[each.id], words, each.kind, area(each), day(each.at))
    return made


def belief(followed: "Followed", short: Mapping[str, str]) -> Iterator[Text]:
    """One statement with the words that it came from, line by line."""
    told = followed.statement
    yield Text(one_line(told.text), "bold")
    parts = (told.kind, area(told), state(told), f"since {day(told.at)}", told.origin, sureness(told.confidence))
    yield Text(f"  {' · '.join(filter(None, parts))}")
    yield Text(f"  read as: {'for' if told.polarity > 0 else 'against'} {one_line(_read(told))}")
    extra = marks(told, short, states=True)
    if extra:
        yield Text(f"  {one_line(extra)}")
    if followed.replaced_by is not None:
        yield Text(f"  replaced by {short[followed.replaced_by.id]}: {one_line(followed.replaced_by.text)}")
    yield Text(f"  {told.id}", "dim")
    yield Text("\nwhere it comes from", "bold")
    for piece in followed.evidence:
        yield from _piece(piece)
    if followed.steps:
        yield Text("\nwhat you did with it", "bold")
        for step in followed.steps:
            yield Text(f"  {step.at:%Y-%m-%d %H:%M}  {step.what}")
    if followed.answers:
        yield Text(f"\nrecalled for {counted(len(followed.answers), 'answer')}", "bold")
        newest = followed.answers[::-1][:ANSWERS_SHOWN]
        for each in newest:
            yield Text(f"  idiolect why {each} -u {followed.user}")
        if len(followed.answers) > len(newest):
            yield Text(f"  and {len(followed.answers) - len(newest)} before them (--json names all)")


def receipt(
    went: "Receipt", words: Mapping[str, str], short: Mapping[str, str], aimed: Container[str] | None = None
) -> Iterator[Text]:
    """What went, or would go, line by line; `aimed` are the statements that were asked for, others go beside them."""
    if not went.events:
        yield Text("nothing of that is kept, so nothing " + ("would go" if went.dry_run else "went"))
        return
    told = f"{'would go' if went.dry_run else 'forgotten'}: {counted(len(went.statements), 'statement')}"
    kinds = sorted(went.kinds.items(), key=lambda pair: (-pair[1], pair[0]))
    events = ", ".join(counted(count, EVENTS.get(kind, kind)) for kind, count in kinds)
    yield Text(told if went.scope != "person" else told.partition(":")[0] + ": all that is kept", "bold")
    beside = [each for each in went.statements if aimed is not None and each not in aimed]
    for each in went.statements:
        if each not in beside:
            yield Text(f"  {short.get(each, each)}  {one_line(words.get(each, ''))}")
    if beside:
        yield Text("and, as they were said in the same message or repeat its words:")
    for each in beside:
        yield Text(f"  {short.get(each, each)}  {one_line(words.get(each, ''))}")
    yield Text(f"with all that holds the words: {events}")
    if went.later:
        fate = "which go too" if went.later_forgotten else "which stay (--later forgets them too)"
        yield Text(f"answers written while one was recalled: {len(went.later)}, {fate}")
    if not went.dry_run:
        yield Text(f"{counted(sum(went.rows.values()), 'row')} deleted; what was learnt from them is learnt anew")
        yield Text(
            f"noted in {went.ledger}, so that a restored backup forgets it too"
            if went.ledger
            else "noted nowhere: a backup from before would bring it back (the setting `erasures` names a ledger)"
        )


def counted(count: int, word: str) -> str:
    """3 statements, 2 notes of what you said"""
    noun, space, rest = word.partition(" of ")
    return f"{count} {noun}{'' if count == 1 else 's'}{space}{rest}"


def few(ids: Iterable[str]) -> str:
    """The first of them, and how many more."""
    named = list(ids)
    more = f" and {len(named) - IDS_SHOWN} more" if len(named) > IDS_SHOWN else ""
    return ", ".join(named[:IDS_SHOWN]) + more


def _piece(piece: "Piece") -> Iterator[Text]:
    at = f"{piece.at:%Y-%m-%d %H:%M}"
    where = [HOW[piece.how], one_line(piece.source), f"said {day(piece.said_at)}" if piece.said_at else ""]
    if piece.answer:
        where.append(f"answered by {piece.answer}")
    yield Text(f"  {at}  {', '.join(filter(None, where))}")
    quoted = Text(safe(piece.text))
    if piece.begins is not None and piece.ends is not None:
        begins, ends = len(safe(piece.text[: piece.begins])), len(safe(piece.text[: piece.ends]))
        if (begins, ends) != (0, len(quoted)):
            quoted = Text.assemble(
                quoted.plain[:begins], "[", (quoted.plain[begins:ends], "bold underline"), "]", quoted.plain[ends:]
            )
    for line in quoted.split("\n"):
        yield Text.assemble("    ", line)


def _read(told: Preference) -> str:
    parts = (told.object, f"over {told.over}" if told.over else "", told.scope, "for now" if told.temporary else "")
    return ", ".join(filter(None, parts))


def _words(preference: Preference, beside: str) -> Text:
    words = Text(one_line(preference.text))
    return Text.assemble(words, ("\n" + one_line(beside), "dim")) if beside else words


def _table(title: str, columns: Sequence[str]) -> Table:
    made = Table(title=Text(title), title_justify="left", title_style="bold", header_style="bold", box=None)
    made.pad_edge = False
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column not in ("statement", "about", "state"))
    return made
