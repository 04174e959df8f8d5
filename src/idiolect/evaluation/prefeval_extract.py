"""Reading preferences out of text, on PrefEval (Zhao et al., 2025, arXiv 2502.09597) and on a key of our own.

PrefEval says neither which words of a statement name what it is about nor whether it likes or dislikes it. So:

- A statement's *main noun phrase* is its first run of content words: words of opinion ("avoid", "strong aversion"),
  use ("watching", "buying") and grammar are skipped by a fixed list, and the run ends at the next of them. Its *head*
  is the last word of the run that is no participle in -ed. The list is this module's own; the extraction knows none of
  it. `explicit_recall` counts a statement whose head is in the object of something that was read from it;
  `explicit_phrase`, stricter, one that has every word of the run in a single object.
- `false_alarm` is the share of user turns of `distractor_conversations.json`, requests to models that say nothing
  lasting of anybody, from which anything at all is read.
- `implicit_choice` counts a conversation whose user's answer is read as picking `aligned_op`, and that alone, of what
  the assistant offered; an option as offered stands for the listed one that shares most words with it.
- `key_recall`, `key_kind`, `key_polarity`: of 100 statements that this project wrote (resources/extraction_key.txt),
  those whose noun phrase is in an object; and those with the right kind, and polarity, as well.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, Final, TypeVar

import numpy as np
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from idiolect.errors import DataError
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.statistics import over_clusters
from idiolect.features.embedder import Embedder, open_embedder
from idiolect.memory.extraction import extract, picks
from idiolect.schema import Message, Slots

SKIPPED: Final = frozenset(
    re.findall(
        r"\S+",
        """a an the any all some my me our we i i'm i've i'd it its it's am is are be been being was were have has
        had having do does don't not no never can can't cannot will won't would strongly really absolutely usually
        generally strictly adamantly firmly actively deeply completely greatly highly extremely solely entirely
        try tend prefer preference preferences dislike hate avoid avoiding love like enjoy refuse loathe despise
        detest strong deep severe intense extreme acute deep-seated deep-rooted aversion interest interested fan
        big avid fond keen fear phobia disdain distaste objection ethical stance against opposed averse afraid
        anxious uncomfortable comfortable fascinated committed sensitive allergic allergy stick prioritize
        prioritise firm difficult stay staying engaged minimize minimise unable devout religious cultural security
        sensory concerns beliefs issues motion sickness experiences bad for in into on at with from by to of and
        or but as so that which who because due if when while than rather over whenever possible find believe only
        exclusively always follow adhere use using watch watching eat eating consume consuming wear wearing buy
        buying purchase purchasing play playing stand tolerate steer clear idea thing things anything something
        form forms kind kinds type types sort sorts participate participating engage engaging support visit
        visiting take taking book booking get go going much very more most too every must need needs there these
        those this they them their involve involving involves own thrive strict distracting""",
    )
)
TOKEN: Final = re.compile(r"[\w'-]+|[.,;:()]")
RULE: Final = re.compile(
    r"\bI (?:really |strongly |absolutely |usually |do )?(?:like|love|enjoy|prefer|hate|dislike|avoid"
    r"|don't like|do not like)\b ([^.!?]+)"
)
N = TypeVar("N", bound=BaseModel)


class Stated(BaseModel):
    """An item of `explicit_preference/`; other fields are never looked at."""

    preference: str


class Chosen(BaseModel):
    """An item of `implicit_preference/choice-based/`."""

    class Talk(BaseModel):
        """What was offered and what the user answered."""

        assistant_options: str
        user_selection: str

    options: list[str] = Field(min_length=2)
    conversation: Talk
    aligned_op: str


class Turn(BaseModel):
    """One turn of a persona-driven conversation."""

    user: str


class Persona(BaseModel):
    """An item of `implicit_preference/persona-driven/`."""

    preference: str
    conversation: dict[str, Turn]


class Other(BaseModel):
    """A conversation of `distractor_conversations.json`."""

    conversation: list[Message]


class PrefevalExtract(Bench):
    """Preferences found in statements, not found in other talk, and choices among options understood."""

    needs: ClassVar[str] = (
        "a folder of PrefEval's form: explicit_preference/, implicit_preference/, distractor_conversations.json"
    )
    beside: ClassVar[Mapping[str, str]] = {
        "explicit_recall": "statements whose main noun is in the object that was read",
        "explicit_phrase": "stricter: every word of the main noun phrase, in one object",
        "keyword_recall": "baseline: what follows `I like|love|prefer|hate|dislike|avoid`",
        "false_alarm": "turns of other talk from which anything was read (less is better)",
        "keyword_false_alarm": "baseline: that rule on the same turns",
        "implicit_choice": "answers read as picking the right option, and that alone",
        "overlap_choice": "baseline: the option that shares most words with the answer",
        "longest_choice": "baseline: the longest option",
        "persona_recall": "statements hidden in other talk, by their main noun (rewordings are missed)",
        "key_recall": "statements of our own key whose noun phrase was read",
        "key_kind": "and whose kind is right",
        "key_polarity": "and whose polarity is right",
    }

    embedder: str = Field("none", description="Names the area of life where no word does; none by default.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Read everything once."""
        embedder = open_embedder(self.embedder)
        made = [*_key_cases(embedder)]
        if data is not None:
            made += [*_explicit(data, embedder), *_other(data, embedder), *_choices(data), *_personas(data, embedder)]
        return list(run.track(made, "prefeval-extract", len(made)))

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Shares of cases, in the order of `beside`."""
        found: dict[str, Figure] = {}
        for name in self.beside:
            having = [case for case in cases if name in case.scores]
            if having:
                values = np.array([case.scores[name] for case in having])
                groups = [case.group for case in having]
                found[name] = over_clusters(values, groups, resamples=self.resamples, seed=self.seed)
        return found


def main_phrase(statement: str) -> list[str]:
    """The first run of content words; the module's docstring says which words are none."""
    tokens = TOKEN.findall(statement.replace("\u2019", "'").lower())
    is_content = [token not in SKIPPED and token[0].isalnum() for token in tokens]
    start = next((place for place, content in enumerate(is_content) if content), len(tokens))
    end = next((place for place in range(start, len(tokens)) if not is_content[place]), len(tokens))
    return tokens[start:end]


def head_of(phrase: Sequence[str]) -> str:
    """The noun that a phrase is about."""
    nouns = [word for word in phrase if not word.endswith("ed")] or list(phrase)
    return nouns[-1] if nouns else ""


def _has_head(statement: str, objects: Iterable[str]) -> float:
    head = head_of(main_phrase(statement))
    return float(bool(head) and any(head in each for each in objects))


def _objects(found: Iterable[Slots]) -> list[str]:
    return [slots.object.lower().replace("\u2019", "'") for slots in found]


def _explicit(data: Path, embedder: Embedder | None) -> Iterator[Case]:
    for name, item in _items(data / "explicit_preference", TypeAdapter(list[Stated])):
        objects = _objects(extract(item.preference, embedder))
        phrase = main_phrase(item.preference)
        scores = {
            "explicit_recall": _has_head(item.preference, objects),
            "explicit_phrase": float(any(all(word in each for word in phrase) for each in objects)),
            "keyword_recall": _has_head(item.preference, [said.lower() for said in RULE.findall(item.preference)]),
        }
        yield Case(id=f"explicit/{name}", group=name, scores=scores, choice="; ".join(objects))


def _other(data: Path, embedder: Embedder | None) -> Iterator[Case]:
    path = data / "distractor_conversations.json"
    for number, talk in enumerate(_read(path, TypeAdapter(list[Other])) if path.exists() else []):
        for place, turn in enumerate(talk.conversation):
            if turn.role == "user":
                found = _objects(extract(turn.text, embedder))
                scores = {"false_alarm": float(bool(found)), "keyword_false_alarm": float(bool(RULE.search(turn.text)))}
                yield Case(
                    id=f"other/{number}/{place}", group=f"other/{number}", scores=scores, choice="; ".join(found)
                )


def _choices(data: Path) -> Iterator[Case]:
    for name, item in _items(data / "implicit_preference" / "choice-based", TypeAdapter(list[Chosen])):
        talk = item.conversation
        ours = [_nearest(pick.option, item.options) for pick in picks(talk.assistant_options, talk.user_selection)]
        said = _words(talk.user_selection)
        overlap = max(item.options, key=lambda option: len(_words(option) & said))
        scores = {
            "implicit_choice": float(ours == [item.aligned_op]),
            "overlap_choice": float(overlap == item.aligned_op),
            "longest_choice": float(max(item.options, key=len) == item.aligned_op),
        }
        yield Case(id=f"choice/{name}", group=name, scores=scores, choice=" | ".join(ours))


def _personas(data: Path, embedder: Embedder | None) -> Iterator[Case]:
    for name, item in _items(data / "implicit_preference" / "persona-driven", TypeAdapter(list[Persona])):
        objects = _objects(slots for turn in item.conversation.values() for slots in extract(turn.user, embedder))
        score = _has_head(item.preference, objects)
        yield Case(id=f"persona/{name}", group=name, scores={"persona_recall": score}, choice="; ".join(objects))


def _key_cases(embedder: Embedder | None) -> Iterator[Case]:
    text = files("idiolect").joinpath("resources", "extraction_key.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for number, line in enumerate(lines):
        kind, polarity, about, statement = (part.strip() for part in line.split(" | "))
        found = [slots for slots in extract(statement, embedder) if _is_about(slots, kind, about)]
        right_kind = [slots for slots in found if slots.kind == kind]
        scores = {
            "key_recall": float(bool(found)),
            "key_kind": float(bool(right_kind)),
            "key_polarity": float(any((slots.polarity > 0) == (polarity == "like") for slots in found)),
        }
        yield Case(id=f"key/{number}", group=f"key/{number}", scores=scores, choice="; ".join(_objects(found)))


def _is_about(slots: Slots, kind: str, about: str) -> bool:
    if kind == "style":
        return slots.attribute == about
    return all(word.rstrip("s") in slots.object.lower() for word in about.lower().split()[-1:])


def _nearest(offered: str, listed: Sequence[str]) -> str:
    words = _words(offered)
    return max(listed, key=lambda option: len(words & _words(option)) / max(1, len(words | _words(option))))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{3,}", text.lower()))


def _items(folder: Path, form: TypeAdapter[list[N]]) -> Iterator[tuple[str, N]]:
    for path in sorted(folder.glob("*.json")):
        for number, item in enumerate(_read(path, form)):
            yield f"{path.stem}/{number}", item


def _read(path: Path, form: TypeAdapter[list[N]]) -> list[N]:
    try:
        return form.validate_json(path.read_bytes())
    except ValidationError as broken:
        raise DataError(f"{path} is not of PrefEval's form: {broken.errors()[0]['msg']}") from broken
