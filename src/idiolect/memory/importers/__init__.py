"""Other systems' exports become proposals, which wait for the person: nothing that is imported is believed by itself.

From conversations only the person's own words are read, never the assistant's; from lists of memories every entry. What
may not be kept is refused with the reason, and the rest is imported. Importing the same file again adds nothing, so an
import that was interrupted is simply started again.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Final

from idiolect.errors import DataError, UnknownMethod
from idiolect.memory.importers.chatgpt import ChatGPT
from idiolect.memory.importers.claude import Claude
from idiolect.memory.importers.found import Format, Found, Left
from idiolect.memory.importers.keeping import Keeper
from idiolect.memory.importers.letta import Letta
from idiolect.memory.importers.mem0 import Mem0
from idiolect.memory.importers.opening import Text, is_json, is_lines, opened
from idiolect.memory.importers.pieces import Broken, Cutter, Piece, parsed
from idiolect.memory.importers.plain import Jsonl, Lines
from idiolect.memory.importers.report import Refusal, Report, Tally
from idiolect.memory.store import UserStore

__all__ = ["FORMATS", "Refusal", "Report", "import_file"]

FORMATS: Final[dict[str, type[Format]]] = {  # in the order in which a record is held against them
    "chatgpt": ChatGPT,
    "claude": Claude,
    "letta": Letta,
    "mem0": Mem0,
    "jsonl": Jsonl,
    "text": Lines,
}
LOOKED_AT = 50  # pieces that are looked at to tell the kind of a file
LONGEST_LINE = 1024 * 1024

Progress = Callable[[int, int], None]


def import_file(
    person: UserStore,
    stream: IO[bytes],
    *,
    name: str = "the file",
    format: str | None = None,  # noqa: A002 - as the command and the request spell it
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Read an export, or an archive of one, into proposals of this person; what was kept and refused, in counts.

    `stream` can seek. `format` is one of FORMATS; unsaid, it is told from the content. `progress` is called with bytes
    read and bytes in all. Raises DataError, before anything is kept, for what is no export at all or an archive that
    is a bomb; UnknownMethod for a format that is not there. Batches that were kept stay when a later one fails.
    """
    if format is not None and format not in FORMATS:
        raise UnknownMethod(f"no import format named {format!r}; there are: {', '.join(FORMATS)}")
    tally = Tally()
    keeper = Keeper(person, tally, dry_run)
    with opened(stream, name) as texts:
        chosen = [(text, FORMATS[format] if format else _kind(text)) for text in texts]
        known = [(text, kind) for text, kind in chosen if kind is not None]
        if not known:
            raise DataError(
                f"{texts[0].name} is no export that is known here: give one of {', '.join(FORMATS)}, and name which "
                "with --format if it cannot be told from the content"
            )
        total, done = sum(text.size for text, _ in known), 0
        for text, kind in known:
            tally.formats.append(kind.name)
            tally.notes += (f"{text.name}: {note}" for note in text.notes)
            for found in _found(text, kind):
                keeper.take(found)
                if progress:
                    progress(min(done + text.seen, total), total)
            done += text.size
    keeper.finish()
    return tally.report(dry_run)


def _kind(text: Text) -> type[Format] | None:
    """What the first pieces say; text that is not JSON is a list in plain words."""
    if not is_json(text):
        return Lines if text.head().strip() else None
    pieces = (piece for piece in islice(_pieces(text), LOOKED_AT) if isinstance(piece, Piece))
    return next((kind for piece in pieces for kind in FORMATS.values() if kind.recognises(piece)), None)


def _found(text: Text, kind: type[Format]) -> Iterator[Found]:
    pieces = _pieces(text) if kind is not Lines else _lines(text)
    for piece in pieces:
        if isinstance(piece, Broken):
            yield Left(piece.why)
        else:
            yield from kind.found(piece)


def _pieces(text: Text) -> Iterator[Piece | Broken]:
    if not is_lines(text):
        return Cutter(text.reader()).pieces()
    lines = text.lines(LONGEST_LINE)
    return (
        parsed(line) if line is not None else Broken("a line is too long")
        for line in lines
        if line is None or line.strip()
    )


def _lines(text: Text) -> Iterator[Piece | Broken]:
    lines = text.lines(LONGEST_LINE)
    return (Piece("", line) if line is not None else Broken("a line is too long") for line in lines)
