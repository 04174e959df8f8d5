"""The ways in which people say what they like, dislike, cannot do and are, found in a sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from idiolect.memory.extraction.grammar import find, follow_on, follow_ons, further, lover, pattern, postposed
from idiolect.memory.extraction.lexicon import Form, Frame, frame_of, word_pattern
from idiolect.memory.extraction.openings import opens_clause
from idiolect.memory.extraction.sentences import Sentence


@dataclass(frozen=True)
class Hit:
    """A frame in a sentence. What it is about follows `end`, unless the frame itself holds it: `about`."""

    start: int  # of the person's words, in the sentence
    end: int  # where the frame's own words end
    frame: Frame
    head: str
    polarity: Literal[-1, 1]
    strength: float
    about: str = ""
    act: str = ""  # the activity of "I never eat ..."


MODAL: Final = re.compile(r"\A(?:'d| would)\b", re.IGNORECASE)
WISHED: Final = frozenset(  # "I'd like" is a wish of this request
    {
        "like",
        "love",
        "enjoy",
        "appreciate",
        "hate",
        "value",
        "fancy",
        "dig",
        "fear",
        "dread",
        "welcome",
        "mind",
        "adore",
    }
)
WISHED_ACTS: Final = frozenset({"like to", "love to"})
FIRST_CLAUSE: Final = re.compile(r"\b(?:i|i'm|i've|i'd|we|someone who)\b(?= )", re.IGNORECASE)
CUTS: Final = re.compile(
    r"(?:[,;:]|\b(?:but|because|since|so|although|though|while|whereas|that|think|find|guess|admit|if"
    r"|and)\b)\s*",
    re.IGNORECASE,
)
DEICTIC: Final = re.compile(
    r"\A(?:it|this|that|these|those|they|he|she|you|what|which|who|there|one|some|all|none|nothing|everything|"
    r"any(?:thing)?(?! (?:with|that|involving|containing|made|to do|related|about))|something|both|either|their"
    r"|its|his|her"
    r"|neither|your|here|i|if|why|how|can|could|would|is|are|does|do|"
    r"the (?:others?|rest|first|second|third|fourth|last|next|other|above|former|latter|options?|one|idea"
    r"|result|answer|"
    r"code|output|response|plan|suggestions?))\b",
    re.IGNORECASE,
)
HARD: Final = re.compile(
    r"\bi(?P<link>)(?P<pre>(?: (?:really|often|always|usually|also))?)(?P<neg>)(?P<mid>) (?P<head>(?:find (?:it"
    r"|that it's|it's)|have a) "
    r"(?:very |really |quite |extremely |so |too )?(?:hard|difficult|impossible|tough|hard time|tiring"
    r"|exhausting|boring|"
    r"stressful|uncomfortable|challenging|difficulty)(?: for me)?(?: to| when| (?=\w+ing\b)))"
    r"(?! (?:understand|believe|see|figure|say|know|get|imagine|tell|explain|find|remember|choose|decide))",
    re.IGNORECASE,
)
NEEDS: Final = re.compile(
    r"\bi(?P<link>)(?P<pre>)(?P<neg>)(?P<mid>) (?P<head>(?:really |always |usually )?need)"
    r" (?!to\b|help\b|some\b|someone\b|a way\b)(?P<about>[^.,;:?!]{3,50}?)"
    r" to (?:understand|learn|focus|concentrate|sleep|fall asleep|relax|unwind|retain|remember"
    r"|stay (?:calm|focused|engaged|motivated|awake)|feel (?:safe|comfortable|at home|rested))\b",
    re.IGNORECASE,
)
BARE: Final = re.compile(
    r"(?:\A|(?<=, )|(?<=but )|(?<=and ))\W*(?:(?:actually|please|so|ok|from now on"
    r"|sorry)\W+){0,2}(?P<link>)(?P<pre>)(?P<neg>)"
    r"(?P<mid>)(?P<head>no(?: more)?) (?P<about>[\w'&/-]{1,24}(?: [\w'&/-]{1,24}){0,5}?)(?:,? (?:for me"
    r"|ever again|ever)\b)",
    re.IGNORECASE,
)
DROPPED: Final = re.compile(
    r"\A\W*(?:(?:also|and|but|sorry|personally|honestly|actually)\W+)?(?=(?P<be>not (?:a (?:big |huge )?fan of"
    r"|into|keen on|fond of"
    r"|big on|interested in)|(?:a )?(?:big|huge|massive) fan of|allergic to)\b|(?P<have>never (?:liked|enjoyed"
    r"|been a fan of))\b"
    r"|(?P<do>can't stand|can't eat|don't (?:like|eat|drink|enjoy))\b)",
    re.IGNORECASE,
)
STRONG: Final = re.compile(
    r"\b(?:strong|deep|severe|intense|huge|extreme|ethical|acute|real|burning|deadly)\w*\b", re.IGNORECASE
)
MOSTLY: Final = frozenset({"mostly", "mainly", "primarily", "largely"})
OWN_PART: Final = re.compile(
    r"[^,]{0,60}, (?:i|i'm|i've|i'd|my|we)\b", re.IGNORECASE
)  # "as a nurse, I ...": else a part to play
FEW: Final = re.compile(
    r"\b(?:no|little|zero|hardly any|not much|limited|minimal|no real)\b", re.IGNORECASE
)  # "no interest in"
FLAT: Final = re.compile(r"never|can't|cannot|at all", re.IGNORECASE)


def hits(sentence: Sentence) -> list[Hit]:
    """Frames in the order of the sentence, none inside another."""
    shown = sentence.text.replace("\u2019", "'").replace("\u2018", "'")
    found = [hit for read in READERS for hit in read(shown, sentence.is_question)]
    kept: list[Hit] = []
    for hit in sorted(found, key=lambda hit: (hit.start, -hit.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def _verbs(shown: str, is_question: bool) -> Iterator[Hit]:
    for found in pattern("verb").finditer(shown):
        frame, head = frame_of("verb", found["head"])
        is_wish = MODAL.match(found["link"]) and head in WISHED
        is_own = opens_clause(shown[: found.start()], is_question)
        is_other = _is_past(found, head) or _is_loose(found, frame) or (frame.polarity < 0 and _is_inability(found))
        if is_own and not is_wish and not is_other:
            yield _hit(found, frame, head, about=head if frame.is_state else "")


def _states(shown: str, is_question: bool) -> Iterator[Hit]:
    forms: tuple[Form, ...] = ("be", "have")
    for form in forms:
        for found in pattern(form).finditer(shown):
            if opens_clause(shown[: found.start()], is_question):
                frame, head = _state(form, found["head"])
                is_part = found["link"] is None and frame.kind == "about_me" and not OWN_PART.match(shown, found.end())
                if not is_part and not _is_loose(found, frame):
                    yield _hit(found, frame, head, about=found["head"] if frame.is_state else "")


def _habits(shown: str, is_question: bool) -> Iterator[Hit]:
    forms: tuple[Form, ...] = ("act", "impossible")
    for form in forms:
        for found in pattern(form).finditer(shown):
            is_wish = MODAL.match(found["link"]) and found["head"].lower() in WISHED_ACTS
            if not is_wish and opens_clause(shown[: found.start()], is_question):
                yield _hit(found, *frame_of(form, found["head"]))


def _postposed(shown: str, is_question: bool) -> Iterator[Hit]:
    """As in "I play only board games", "I read nothing but crime novels"."""
    for found in postposed().finditer(shown):
        if opens_clause(shown[: found.start()], is_question):
            yield _hit(found, *frame_of("act", "mostly" if found["only"].lower() in MOSTLY else "only"))


def _mine(shown: str, is_question: bool) -> Iterator[Hit]:
    for found in pattern("my").finditer(shown):
        if opens_clause(shown[: found.start()], is_question):
            yield _hit(found, *frame_of("my", found["head"]))


def _follow_ons(shown: str, is_question: bool) -> Iterator[Hit]:
    first = FIRST_CLAUSE.search(shown)
    if first is None or not opens_clause(shown[: first.start()], is_question):
        return
    for found in follow_on().finditer(shown, first.end()):
        yield _hit(found, *frame_of("verb", follow_ons()[found["head"].lower()]))


def _further_habits(shown: str, is_question: bool) -> Iterator[Hit]:
    """As in "I love fish but never eat shellfish"."""
    first = FIRST_CLAUSE.search(shown)
    if first is None or not opens_clause(shown[: first.start()], is_question):
        return
    forms: tuple[Form, ...] = ("act", "impossible")
    for form in forms:
        for found in further(form).finditer(shown, first.end()):
            yield _hit(found, *frame_of(form, found["head"]))


def _afters(shown: str, is_question: bool) -> Iterator[Hit]:
    """As in "Horror films aren't for me": what stands before it, from the last place where a clause opens."""
    forms: tuple[Form, ...] = () if is_question else ("after", "is")
    for form in forms:
        for found in pattern(form).finditer(shown):
            start = max((cut.end() for cut in CUTS.finditer(shown, 0, found.start())), default=0)
            about = shown[start : found.start()].strip(" \t,\"'*")
            if 0 < len(about) <= 100 and not DEICTIC.match(about):
                yield _hit(found, *frame_of(form, found["head"]), start=start, about=about)


def _lovers(shown: str, is_question: bool) -> Iterator[Hit]:
    for found in lover().finditer(shown):
        if opens_clause(shown[: found.start()], is_question):
            polarity: Literal[-1, 1] = -1 if found["hater"] else 1
            frame = Frame(form="be", kind="topic", polarity=polarity, strength=0.7, is_state=True)
            yield _hit(found, frame, found["lover"].lower(), about=found["thing"] if found["hater"] else found["about"])


def _finds(shown: str, is_question: bool) -> Iterator[Hit]:
    for found in find().finditer(shown):
        about = found["about"].strip()
        if opens_clause(shown[: found.start()], is_question) and not DEICTIC.match(about):
            polarity: Literal[-1, 1] = 1 if found["good"] else -1
            yield _hit(found, Frame(form="verb", kind="topic", polarity=polarity, strength=0.7), "find", about=about)


def _needs(shown: str, is_question: bool) -> Iterator[Hit]:
    """As in "I need absolute silence to concentrate"."""
    for found in () if is_question else NEEDS.finditer(shown):
        if opens_clause(shown[: found.start()], is_question) and not DEICTIC.match(found["about"]):
            frame = Frame(form="verb", kind="constraint", polarity=1, strength=0.9, is_state=True)
            yield _hit(found, frame, "need", about=found["about"])


def _hard(shown: str, is_question: bool) -> Iterator[Hit]:
    for found in HARD.finditer(shown):
        if opens_clause(shown[: found.start()], is_question):
            yield _hit(found, Frame(form="verb", kind="topic", polarity=-1, strength=0.6), "find it hard")


def _bare(shown: str, is_question: bool) -> Iterator[Hit]:
    for found in () if is_question else BARE.finditer(shown):
        frame = Frame(form="my", kind="constraint", polarity=-1, strength=1.0)
        yield _hit(found, frame, "no", about=found["about"])


def _dropped(shown: str, is_question: bool) -> Iterator[Hit]:
    """As in "Not a fan of jazz": the subject is understood."""
    found = DROPPED.match(shown)
    if found is None or is_question:
        return
    subject = "I am " if found["be"] else "I've " if found["have"] else "I "
    moved = found.end() - len(subject)
    for read in (_verbs, _states, _habits):
        for hit in read(subject + shown[found.end() :], False):
            if hit.start == 0:
                yield Hit(
                    found.end(), hit.end + moved, hit.frame, hit.head, hit.polarity, hit.strength, hit.about, hit.act
                )
                return


READERS: Final = (
    _verbs,
    _follow_ons,
    _states,
    _habits,
    _postposed,
    _further_habits,
    _mine,
    _afters,
    _lovers,
    _finds,
    _needs,
    _hard,
    _bare,
    _dropped,
)


def _state(form: Form, said: str) -> tuple[Frame, str]:
    try:
        return frame_of(form, said)
    except LookupError:  # a role, an age: "a retired police officer"
        return Frame(form="be", kind="about_me", polarity=1, strength=1.0, is_state=True), said


def _hit(found: re.Match[str], frame: Frame, head: str, *, start: int | None = None, about: str = "") -> Hit:
    said = " ".join(found[group] or "" for group in ("link", "pre", "mid")).lower()
    negation = (found["neg"] or "").strip() or (
        "never"
        if re.search(r"\bnever\b", found["link"] or "")
        else "no"
        if FEW.search(found["head"][: -len(head)] if frame.form == "have" else "")
        else ""
    )
    groups = found.groupdict()
    polarity, strength = frame.polarity, frame.strength
    if negation:
        polarity, strength = (1, 0.3) if polarity < 0 else (-1, max(strength, 0.7))
        if polarity < 0:
            strength = (
                1.0 if FLAT.search(negation) else 0.4 if word_pattern("weak_when_negated").search(said) else strength
            )
    elif word_pattern("strong").search(said) or STRONG.search(found[0]):
        strength = min(1.0, strength + 0.2)
    elif word_pattern("weak").search(said):
        strength = max(0.3, strength - 0.2)
    place = found.start() if start is None else start
    return Hit(place, found.end(), frame, head, polarity, round(strength, 2), about, (groups.get("act") or "").strip())


def _is_inability(found: re.Match[str]) -> bool:
    """As in "I can't avoid X" tells of no taste."""
    return re.search(r"can|could", found["neg"] or "", re.IGNORECASE) is not None


def _is_past(found: re.Match[str], head: str) -> bool:
    """As in "I liked the film" is of one film; "I've always liked" and "I never liked" are tastes."""
    spelt = found["head"].lower().partition(" ")[0]
    before = f"{found['link']}{found['pre']}{found['neg'] or ''}".lower()
    return spelt != head.partition(" ")[0] and spelt.endswith("ed") and not re.search(r"always|never|long", before)


def _is_loose(found: re.Match[str], frame: Frame) -> bool:
    if frame.needs != "not":
        return frame.kind == "about_me" and FLAT.search(found["neg"] or "") is not None  # "I could never own a snake"
    said = f"{found['link']}{found['pre']}{found['neg'] or ''}".lower()
    return not (found["neg"] or "").strip() and not re.search(r"never|only|always", said)
