"""From bytes that may be anything to text: archives with limits, encodings, and which kind of text it is."""

import codecs
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Final

from idiolect.errors import DataError

MOST_BYTES = 4 * 1024**3  # of all text that is read from one file or archive
MOST_RATIO = 200  # unpacked to packed; JSON of conversations packs five- to thirtyfold, a bomb a thousandfold
FREE_BYTES = 16 * 1024**2  # below this a high ratio does no harm
MOST_MEMBERS = 200_000
CHUNK = 1024 * 1024
HEAD = 4096
PACKED = b"PK\x03\x04"
ENCRYPTED = 0x61  # bits of the flags: encrypted, patched, strongly encrypted
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
AGAIN = "download it again, or unpack it yourself and import the conversations.json in it"
MARKS: Final = {  # longest first: the mark of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
OLD: Final = "cp1252"  # what Latin-1 in a file nearly always is
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
JSON_NAMES = (".json", ".jsonl", ".ndjson", ".af")
# Of the archives of ChatGPT and Claude: accounts, ratings, links, projects. They hold nothing that was said.
BESIDE: Final = re.compile(
    r"(^|/)(users?|user_settings|message_feedback|model_comparisons|shared_conversations|projects?|group_chats|"
    r"shopping|sora|tool_messages|manifest|export_manifest|design_chats)\.json$|(^|/)projects/"
)


@dataclass
class Text:
    """One readable text: its name for messages, and how to read it from the start."""

    name: str
    size: int  # bytes, for the progress
    open: Callable[[], IO[bytes]]
    encoding: str = "utf-8"
    notes: list[str] = field(default_factory=list)
    seen: int = 0  # bytes read by the last reader

    def reader(self) -> Callable[[int], str]:
        """A function that gives the next characters, "" at the end."""
        stream, decoder = self.open(), codecs.getincrementaldecoder(self.encoding)(errors="replace")
        self.seen = 0

        def read(most: int) -> str:
            while True:
                data = stream.read(most)
                self.seen += len(data)
                text = decoder.decode(data, final=not data)
                if text or not data:  # a chunk may be but the first half of a character
                    return text

        return read

    def head(self) -> str:
        """Its first characters."""
        return self.reader()(HEAD)

    def lines(self, longest: int) -> Iterator[str | None]:
        """Line by line; None for one that is longer than that."""
        read, rest, too_long = self.reader(), "", False
        while chunk := read(CHUNK):
            *whole, rest = (rest + chunk).split("\n")
            for line in whole:
                yield None if too_long or len(line) > longest else line
                too_long = False
            if len(rest) > longest:
                rest, too_long = "", True
        yield None if too_long else rest


@contextmanager
def opened(stream: IO[bytes], name: str) -> Iterator[list[Text]]:
    """The texts of a file, or of an archive; `stream` can seek. Raises DataError for what holds none, or is a bomb."""
    stream.seek(0)
    if stream.read(4) != PACKED:
        yield [_text(name, stream.seek(0, io.SEEK_END), lambda: _rewound(stream))]
        return
    try:
        with _archive(stream) as archive:
            yield _members(archive, stream.seek(0, io.SEEK_END))
    except (zipfile.BadZipFile, zlib.error, EOFError) as broken:
        raise DataError(f"{_shown(name)}: the archive is broken ({_shown(str(broken))}): {AGAIN}") from broken


def _archive(stream: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except (ValueError, OSError, OverflowError, NotImplementedError) as broken:  # of names, dates and places in it
        raise DataError(f"the archive cannot be read ({_shown(str(broken))}): {AGAIN}") from broken


def _rewound(stream: IO[bytes]) -> IO[bytes]:
    stream.seek(0)
    return stream


def _members(archive: zipfile.ZipFile, packed: int) -> list[Text]:
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise DataError(f"the archive holds {len(infos):,} files; an export has fewer than {MOST_MEMBERS:,}")
    wanted = [each for each in infos if not each.is_dir() and _is_wanted(each.filename)]
    unreadable = [each for each in wanted if each.flag_bits & ENCRYPTED or each.compress_type not in METHODS]
    if unreadable:
        raise DataError(
            f"{_shown(unreadable[0].filename)} in the archive is encrypted or packed in a way of its own: {AGAIN}"
        )
    total = sum(each.file_size for each in wanted)
    if total > MOST_BYTES or (total > FREE_BYTES and total > MOST_RATIO * packed):
        raise DataError(
            f"the archive would unpack from {packed:,} to {total:,} bytes, which no export does: if it is one, unpack "
            "it yourself and import the conversations.json in it"
        )
    if not wanted:
        held = ", ".join(_shown(PurePosixPath(each.filename).name) for each in infos[:5]) or "nothing"
        raise DataError(f"the archive has no conversations.json and no list of memories; it holds {held}")
    return [_text(each.filename, each.file_size, _opener(archive, each)) for each in wanted]


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def opener() -> IO[bytes]:
        try:
            return archive.open(info)  # reads no more than the size that the archive states
        except (ValueError, OSError, struct.error, NotImplementedError) as broken:  # of the place that it states
            raise DataError(f"{_shown(info.filename)} in the archive cannot be found: {AGAIN}") from broken

    return opener


def _is_wanted(name: str) -> bool:
    plain = name.lower()
    if plain.startswith("__macosx/") or BESIDE.search(plain):
        return False
    return plain.endswith(JSON_NAMES) or ("memor" in plain and plain.endswith((".txt", ".md")))


def _text(name: str, size: int, opener: Callable[[], IO[bytes]]) -> Text:
    text = Text(_shown(PurePosixPath(name).name), size, opener)
    if size > MOST_BYTES:
        raise DataError(f"{text.name} has {size:,} bytes; at most {MOST_BYTES:,} are read: split it")
    head = opener().read(HEAD)
    text.encoding = _marked(head) or _guessed(text)
    if CONTROL.search(text.head()) and not _begins_json(text.head()):
        raise DataError(
            f"{text.name} is neither text nor an archive that can be read: give a .zip, .json, .jsonl, .af or text file"
        )
    return text


def _begins_json(head: str) -> bool:
    return head.lstrip()[:1] in ("{", "[")


def _marked(head: bytes) -> str | None:
    """By a byte order mark, or by the noughts that text in UTF-16 is full of."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    even, odd = head[:200:2].count(0), head[1:200:2].count(0)
    if max(even, odd) > 0.4 * len(head[:200:2]) and min(even, odd) == 0:
        return "utf-16-be" if even else "utf-16-le"
    return None


def _guessed(text: Text) -> str:
    """UTF-8, unless most of what is not ASCII makes no sense in it."""
    read, broken, whole = text.reader(), 0, 0
    while chunk := read(CHUNK):
        wrong = chunk.count("\ufffd")
        broken += wrong
        whole += sum(1 for character in chunk if character > "\x7f") - wrong if not chunk.isascii() else 0
    if not broken:
        return "utf-8"
    if broken > whole:
        text.notes.append("it is not UTF-8 and was read as Windows-1252 (Latin-1)")
        return OLD
    text.notes.append(f"{broken:,} of its characters are not UTF-8 and cannot be read")
    return "utf-8"


def is_lines(text: Text) -> bool:
    """Whether every line is a JSON object of its own."""
    lines = [line.strip() for line in text.head().split("\n") if line.strip()]
    if not lines or not lines[0].startswith("{"):
        return False
    if text.name.lower().endswith((".jsonl", ".ndjson")) or (len(lines) > 1 and lines[1].startswith("{")):
        return True
    try:
        record = json.loads(lines[0])
    except (ValueError, RecursionError):
        return False
    holds_lists = isinstance(record, dict) and any(isinstance(each, list) for each in record.values())
    return len(lines) > 1 or not holds_lists


def is_json(text: Text) -> bool:
    """Whether it is JSON rather than a list in plain words."""
    return re.match(r'\s*(?:\{\s*["}]|\[\s*[\[{\]"])', text.head()) is not None


def _shown(name: str) -> str:
    return "".join(character for character in name if character.isprintable())[:80] or "a file"
