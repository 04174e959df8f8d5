"""Reads how a person likes their answers out of a sentence, by a closed grammar over a closed list (style.toml).

A piece of a sentence counts only if every word of it is in the list, so that "I avoid long flights" says nothing of the
length of answers. What is not understood is not lost: it stays a statement in words.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict


class Synonyms(BaseModel):
    """Words for one attribute; style.toml says what each list is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    more: str = ""
    less: str = ""
    things: str = ""
    absent: str = ""


class Grammar(BaseModel):
    """Words that say nothing of style by themselves; style.toml says what each list is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    less: str
    more: str
    taste: str
    answers: str
    too: str
    enough: str
    states: str
    self: str
    fillers: str
    ambiguous: str


class StyleWords(BaseModel):
    """The whole of style.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    style: Mapping[str, Synonyms]
    grammar: Grammar


class Role(Enum):
    """What a phrase does in a sentence about style."""

    TERM = auto()  # names an attribute
    LESS = auto()  # turns what follows round
    MORE = auto()  # asks for what follows
    TOO = auto()  # complains of what follows
    ENOUGH = auto()  # after a negation, asks for it
    STATE = auto()  # makes a remark of it
    FILLER = auto()
    JOIN = auto()  # joins two pieces of a sentence
    UNKNOWN = auto()


@dataclass(frozen=True)
class Phrase:
    """A known phrase, or one unknown word."""

    text: str
    role: Role
    attribute: str = ""
    polarity: int = 1
    is_thing: bool = False

    @property
    def is_comparative(self) -> bool:
        """Stands by itself: in "less formal and warmer" the second is not turned round."""
        return self.text.endswith("er") and " " not in self.text


@dataclass
class Sense:
    """How the next term is meant, after the words that were read so far."""

    sign: int = 1
    is_thing: bool = False  # the last term
    is_strong: bool = False  # asked for, not merely liked
    is_own: bool = False  # by this piece of the sentence, not carried over from the one before
    is_spent: bool = False  # a term has followed

    def carried(self) -> "Sense":
        """For the next piece: "no emoji and lists"."""
        return Sense(sign=self.sign, is_thing=self.is_thing, is_strong=self.is_strong)

    def opened(self, is_strong: bool) -> None:
        """A word that says how the next term is meant: the first one after a term starts anew."""
        if self.is_spent or not self.is_own:
            self.sign, self.is_strong = 1, False
        self.is_own, self.is_spent = True, False
        self.is_strong = self.is_strong or is_strong


JOINS: Final = frozenset({",", "&", "+", "and", "or", "nor", "plus"})
_LIMIT = r"(?:a|one|two|three|four|five|\d+)(?: short)? (?:words?|sentences?|lines?|paragraphs?)"
_AT_MOST = r"at most|max(?:imum)?|under|(?:no |not )?(?:less|fewer|more|longer) than|within|up to|in|just|only"
REWRITTEN: Final = (  # before words are looked up
    (re.compile(r"[\u2018\u2019`]"), "'"),
    (re.compile(r"[-\u2010-\u2015/]"), " "),
    (re.compile(rf"\b(?:at least|more than|over) {_LIMIT}\b"), " long "),
    (re.compile(rf"\b(?:{_AT_MOST}) {_LIMIT}\b"), " short "),
    (re.compile(r"\bprefer (.+?) to "), r"prefer \1 over "),
)
SENTENCES: Final = re.compile(
    r"[.!?;:\n]+|\b(?:but|because|since|so that|although|though|yet|then)\b"
    r"|\bso\b(?= (?:please|keep|be|make|use|give|write))"
)
TOKENS: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[,&+]")


def style_statements(text: str) -> tuple[tuple[str, int], ...]:
    """(attribute, polarity) for each named attribute that a person asks for more of (1) or less of (-1).

    Asked for both ways in one breath, an attribute is left out.
    """
    found: dict[str, int] = {}
    torn: set[str] = set()
    for sentence in SENTENCES.split(_rewritten(text)):
        for attribute, polarity in _read(list(_phrases(sentence))):
            if found.setdefault(attribute, polarity) != polarity:
                torn.add(attribute)
    return tuple((attribute, polarity) for attribute, polarity in found.items() if attribute not in torn)


def unread(text: str) -> tuple[str, ...]:
    """The pieces of a text that this grammar does not take as style."""
    pieces = (piece for sentence in SENTENCES.split(_rewritten(text)) for piece in _pieces(list(_phrases(sentence))))
    return tuple(
        " ".join(phrase.text for phrase in piece if phrase.role is not Role.JOIN)
        for piece in pieces
        if not _is_understood(piece)
    )


def attributes() -> tuple[str, ...]:
    """Every attribute that can be asked for."""
    return tuple(_words().style)


def terms() -> Iterator[tuple[str, int, str]]:
    """Every attribute, polarity and phrase of the list."""
    for attribute, synonyms in _words().style.items():
        yield from ((attribute, term.polarity, term.text) for term in _terms(attribute, synonyms))


def _rewritten(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    for pattern, replacement in REWRITTEN:
        text = pattern.sub(replacement, text)
    return text


def _read(sentence: Sequence[Phrase]) -> Iterator[tuple[str, int]]:
    pieces = _pieces(sentence)
    is_whole = all(_is_understood(piece) for piece in pieces)
    sense = Sense()
    for piece in pieces:
        if not _is_understood(piece):
            sense = Sense()
            continue
        reader = _Reader(sense.carried(), joined_by_comma=piece[0].text == ",")
        for phrase in piece:
            reader.read(phrase)
        sense = reader.sense
        if is_whole or _is_about_answers(piece, reader.sense):
            yield from reader.found


@dataclass
class _Reader:
    """Goes through one piece of a sentence."""

    sense: Sense
    joined_by_comma: bool = False
    found: list[tuple[str, int]] = field(default_factory=list)
    last: Phrase | None = None

    def read(self, phrase: Phrase) -> None:
        """The next phrase."""
        match phrase.role:
            case Role.LESS | Role.MORE | Role.TOO:
                self._open(phrase)
            case Role.ENOUGH:
                self._enough()
            case Role.TERM:
                self._term(phrase)

    def _open(self, phrase: Phrase) -> None:
        self.sense.opened(is_strong=phrase.text not in _split(_words().grammar.taste))
        if phrase.role is Role.LESS:
            self.sense.sign *= -1
        elif phrase.role is Role.TOO:
            self.sense.sign = -1  # "not too long" asks for the same as "too long"

    def _enough(self) -> None:
        if self.last is not None and self.found:  # "not long enough"
            self.found[-1] = (self.last.attribute, self.last.polarity)
        self.sense.sign = 1  # "not enough examples"

    def _term(self, phrase: Phrase) -> None:
        sense = self.sense
        if not sense.is_own and not self._is_carried_to(phrase):
            sense.sign, sense.is_strong = 1, False
        sense.is_thing, sense.is_spent, self.last = phrase.is_thing, True, phrase
        if sense.is_strong or not phrase.is_thing or phrase.attribute not in _split(_words().grammar.ambiguous):
            self.found.append((phrase.attribute, phrase.polarity * sense.sign))

    def _is_carried_to(self, phrase: Phrase) -> bool:
        if phrase.is_thing != self.sense.is_thing or phrase.is_comparative:
            return False
        return phrase.is_thing or not self.joined_by_comma


def _pieces(sentence: Sequence[Phrase]) -> list[list[Phrase]]:
    """Split before each word that joins."""
    pieces: list[list[Phrase]] = [[]]
    for phrase in sentence:
        if phrase.role is Role.JOIN:
            pieces.append([])
        pieces[-1].append(phrase)
    return [piece for piece in pieces if piece]


def _is_understood(piece: Iterable[Phrase]) -> bool:
    roles = {phrase.role for phrase in piece}
    return Role.UNKNOWN not in roles and (Role.STATE not in roles or bool(roles & {Role.TOO, Role.ENOUGH}))


def _is_about_answers(piece: Iterable[Phrase], sense: Sense) -> bool:
    """Beside words that were not understood, a piece counts only if it speaks of answers or of what they have."""
    has_asked_thing = any(phrase.is_thing for phrase in piece) and sense.is_own and sense.is_strong
    return has_asked_thing or any(phrase.text in _split(_words().grammar.answers) for phrase in piece)


def _phrases(sentence: str) -> Iterator[Phrase]:
    """The longest known phrase at each place."""
    lexicon, longest, tokens, start = _lexicon(), _longest(), TOKENS.findall(sentence), 0
    while start < len(tokens):
        for length in range(min(longest.get(tokens[start], 0), len(tokens) - start), 0, -1):
            known = lexicon.get(" ".join(tokens[start : start + length]))
            if known is not None:
                break
        else:
            known, length = Phrase(tokens[start], Role.UNKNOWN), 1
        yield known
        start += length


@cache
def _words() -> StyleWords:
    return StyleWords.model_validate(tomllib.loads((Path(__file__).parent / "style.toml").read_text(encoding="utf-8")))


@cache
def _split(phrases: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in phrases.split(",")) - {""}


@cache
def _lexicon() -> Mapping[str, Phrase]:
    grammar = _words().grammar
    roles = {  # the later ones win
        Role.FILLER: grammar.fillers,
        Role.MORE: grammar.more,
        Role.STATE: grammar.states,
        Role.ENOUGH: grammar.enough,
        Role.TOO: grammar.too,
        Role.LESS: grammar.less,
        Role.UNKNOWN: grammar.self,
    }
    known = {text: Phrase(text, role) for role, phrases in roles.items() for text in _split(phrases)}
    known |= {text: Phrase(text, Role.JOIN) for text in JOINS}
    for attribute, synonyms in _words().style.items():
        known |= {term.text: term for term in _terms(attribute, synonyms)}
    return known


@cache
def _longest() -> Mapping[str, int]:
    """First word -> words of the longest phrase that begins with it."""
    lengths: dict[str, int] = {}
    for first, *others in (text.split() for text in _lexicon()):
        lengths[first] = max(lengths.get(first, 0), 1 + len(others))
    return lengths


def _terms(attribute: str, synonyms: Synonyms) -> Iterator[Phrase]:
    for phrases, polarity in ((synonyms.more, 1), (synonyms.less, -1)):
        yield from (Phrase(text, Role.TERM, attribute, polarity) for text in _split(phrases))
    for phrases, polarity in ((synonyms.things, 1), (synonyms.absent, -1)):
        for text in _split(phrases):
            for form in {text, _plural(text)}:
                yield Phrase(form, Role.TERM, attribute, polarity, is_thing=True)


def _plural(text: str) -> str:
    if text.endswith("s"):
        return text
    return re.sub(r"(?<=[^aeiou])y$", "ie", text) + "s"
