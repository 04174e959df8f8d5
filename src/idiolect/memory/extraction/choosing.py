"""Which of the offered options a person picked, and why: an implicit preference, weaker than a stated one.

The options are found in the assistant's last turn (numbered, lettered, bulleted, or joined by "or"); the pick in the
person's answer by its place ("the second", "option B"), or else by the words that one option does not share with the
others. Words of refusal ("the others seem too lively") count against.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Final

from idiolect.memory.extraction.objects import trimmed
from idiolect.memory.extraction.reading import extract
from idiolect.memory.extraction.topics import sensitive_of, topic_of
from idiolect.schema import Slots

STRENGTH: Final = 0.5
ENOUGH: Final = 0.8  # of a share of one distinctive word, under which no option was named
LONGEST: Final = 20_000  # characters of an offer that are looked at
LONGEST_ANSWER: Final = 2_000
MOST: Final = 30  # options; what lists more is no offer
MARK: Final = re.compile(
    r"(?:\A|(?<=\n)|(?<=[:.?!;,]\s))[ \t]*(?:[-*\u2022]\s+|\(?(?P<number>\d{1,2})[.):]\s+"
    r"|\(?(?P<letter>[A-Ha-h])[.)]\s+"
    r"|\**(?:option|choice)\s+(?P<option>\d{1,2}|[A-H])\**\s*[:.)-]\s*)",
    re.IGNORECASE,
)
AFTER: Final = re.compile(r"\((\d{1,2})\)")
SEVERAL: Final = re.compile(r",?\s(?:or|versus|vs)\s", re.IGNORECASE)
INTRODUCES: Final = re.compile(
    r"\b(?:several|many|few|some|various|number of|lots of)\b[^.]{0,40}\b(?:options|ways|choices|things|ideas"
    r"|alternatives|possibilities|activities|places)\b|^(?:sure|certainly|of course|great|absolutely)\b",
    re.IGNORECASE,
)
LEADS: Final = re.compile(
    r"\A(?:(?:or|and|alternatively|another (?:option|idea|choice|possibility) (?:is|would be)|one option is"
    r"|you could(?: also)?|you can(?: also)?|we could(?: also)?|you might(?: also)?|how about|consider|perhaps"
    r"|maybe|try|also|"
    r"i(?:'d| would)? (?:suggest|recommend)|i heard|would you (?:like|prefer|rather have)|do you (?:want"
    r"|prefer)|should we|either|to|would you rather|there's|there is|there are)\b[\s,:]*)+",
    re.IGNORECASE,
)
WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
CLAUSES: Final = re.compile(
    r"(?<=[.!?;])\s+|\n|,?\s+(?=(?:but|although|though|because|since|whereas|while|as (?:the|i|they|it))\b)"
    r"|\s+[\u2013\u2014-]+\s+",
    re.IGNORECASE,
)
AGAINST: Final = re.compile(
    r"\b(?:others?|rest|remaining|not|n't|don't|doesn't|isn't|aren't|never|no|too|avoid|dislike|hate|skip"
    r"|pass on|rather than|instead of|except|without|less|unlike|overly|tend to be|"
    r"however|prefer to avoid)\b",
    re.IGNORECASE,
)
TURN: Final = re.compile(
    r"\b(?:rather than|instead of|over the|more than|as opposed to|unlike|compared to|not the)\b", re.IGNORECASE
)
ORDINALS: Final = {
    word: place
    for place, names in enumerate(
        (
            "first 1st one",
            "second 2nd two",
            "third 3rd three",
            "fourth 4th four",
            "fifth 5th five",
            "sixth 6th six",
            "seventh 7th",
            "eighth 8th",
        ),
        1,
    )
    for word in names.split()
}
PLACE: Final = re.compile(
    r"\b(?:option|number|choice|no\.?|#|suggestion|item)\s*\(?(?P<named>\d{1,2}|[a-h]\b|one\b|two\b|three\b"
    r"|four\b|five\b|six\b)|(?<![\w.$])#(?P<hash>\d{1,2})\b"
    r"|\bthe (?P<nth>first|second|third|fourth|fifth|sixth|seventh|eighth|1st|2nd|3rd|4th|5th|6th)\b(?! (?:time"
    r"|place|half|week|day|month|year))|\bthe (?P<end>last|latter|former)(?: one| option| choice)?\b(?! (?:time"
    r"|week|few|minute))",
    re.IGNORECASE,
)
BARE: Final = re.compile(
    r"\A\W*(?:(?:i'll (?:take|go with|have)|let's (?:go with|do)|go with|maybe|probably|definitely|i (?:choose"
    r"|pick|prefer|like))\s+)?\(?(?P<bare>\d{1,2}|[a-h])\)?(?:\s*(?:please|,? thanks|for me))?\W*\Z",
    re.IGNORECASE,
)
ALL: Final = re.compile(r"\b(?:both|all of (?:them|these|those)|all (?:three|four|five))\b", re.IGNORECASE)
TOO: Final = re.compile(
    r"\b(?:too|overly|so|a bit|a little|excessively)\s+(?:too\s+|much\s+)?(?P<what>[a-z][\w-]{2,24}(?:(?:,| and"
    r"| or)\s+(?:too\s+)?[a-z][\w-]{2,24}){0,2})",
    re.IGNORECASE,
)
BECAUSE: Final = re.compile(
    r"\b(?:because|since|as)\s+(?:it|they|that one|that)(?:'s|\s+(?:is|are|seems?|sounds?|looks?))\s+(?:so\s+"
    r"|more\s+|very\s+|really\s+|a bit\s+)?(?P<what>[a-z][\w -]{2,40})",
    re.IGNORECASE,
)
COMMON: Final = frozenset(
    re.findall(
        r"\S+",
        """the a an of in on at to for with and or is are be it its that this i i'll i'd i'm think go going choose
        take like sounds sound great good nice option options choice one would prefer let's lets try my me from by
        as well perfect best most more some others other seem seems bit really interested interesting about you
        your can could will there here looks definitely probably maybe since because but not too which they them
        these those have has also what want give check consider known offers features""",
    )
)


@dataclass(frozen=True)
class Pick:
    """An option that was offered and picked, and the person's words that picked it."""

    place: int  # of the option, from 0
    option: str
    span: str


def options(assistant: str) -> tuple[str, ...]:
    """What an assistant's turn offers to choose from, in its order; empty where it offers nothing."""
    return tuple(offer.text for offer in _offers(assistant[:LONGEST]))


def picks(assistant: str, user: str) -> tuple[Pick, ...]:
    """The options that the person picked, in the order of the offer; empty where the answer names none."""
    offers = _offers(assistant[:LONGEST])
    said = user[:LONGEST_ANSWER]
    if len(offers) < 2 or not said.strip() or said.rstrip().endswith("?"):
        return ()
    by_place = _by_place(said, [offer.label for offer in offers])
    by_words = _by_words(said, [offer.text for offer in offers])
    is_numbered = any(offer.is_marked for offer in offers)  # else its own count of the options may differ from ours
    named = (by_place or by_words) if is_numbered else (by_words or by_place)
    return tuple(Pick(place, offers[place].text, span) for place, span in sorted(named.items()))


def picked_option(assistant: str, user: str) -> int | None:
    """The place of the option that the person picked, from 0; None where they named none or several."""
    found = picks(assistant, user)
    return found[0].place if len(found) == 1 else None


def picked(assistant: str, user: str) -> tuple[Slots, ...]:
    """What a pick says of the person: what they chose, and their reason for it where they gave one."""
    found = picks(assistant, user)
    if not found:
        return ()
    context = " ".join(pick.option for pick in found)
    chosen = [_slots(_named(pick.option), 1, pick.span, pick.option) for pick in found]
    reasons = [_slots(what, polarity, span, f"{what} {context}") for what, polarity, span in _reasons(user)]
    stated = [slots for slots in extract(user) if slots.strength >= STRENGTH and slots.kind != "style"]
    unique = {(slots.object.casefold(), slots.polarity): slots for slots in (*chosen, *reasons, *stated)}
    return tuple(unique.values())


def _slots(what: str, polarity: int, span: str, context: str) -> Slots:
    return Slots(
        kind="topic",
        object=what,
        topic=topic_of(context),
        polarity=1 if polarity > 0 else -1,
        strength=STRENGTH,
        sensitive=sensitive_of(what),
        span=span,
    )


@dataclass(frozen=True)
class _Offer:
    """An option, and the number that it was offered under."""

    text: str
    label: int
    is_marked: bool = True


def _offers(shown: str) -> list[_Offer]:
    for read in (_marked, _numbered_after, _in_sentences):
        found = [offer for offer in read(shown) if offer.text]
        if len(found) >= 2:
            return found if len(found) <= MOST else []
    return []


def _marked(shown: str) -> list[_Offer]:
    """A list with numbers, letters or bullets before its items: the kind that there are most of."""
    groups: dict[str, list[re.Match[str]]] = {}
    for mark in MARK.finditer(shown):
        groups.setdefault(mark.lastgroup or "bullet", []).append(mark)
    kind = next((kind for kind in ("number", "option", "letter", "bullet") if len(groups.get(kind, ())) >= 2), "")
    marks = groups.get(kind, [])
    if not marks:
        return []
    ends = [*(mark.start() for mark in marks[1:]), len(shown)]
    return [
        _Offer(_option(shown[mark.end() : end]), _label(mark[kind] if kind != "bullet" else "", number))
        for number, (mark, end) in enumerate(zip(marks, ends, strict=True), 1)
    ]


def _numbered_after(shown: str) -> list[_Offer]:
    """As in "take the car (1), the train (2), or fly (3)"."""
    marks, start, found = list(AFTER.finditer(shown)), 0, []
    for mark in marks:
        before = shown[start : mark.start()]
        found.append(_Offer(_lead(re.split(r"(?<=[.!?:])\s", before.strip())[-1]), int(mark[1])))
        start = mark.end()
    return found


def _in_sentences(shown: str) -> list[_Offer]:
    """Options in running text: one in each sentence, or several in one, joined by commas and "or"."""
    told = [sentence for sentence in re.split(r"(?<=[.!?])\s+|\n+", shown) if sentence.strip()]
    told = [sentence for sentence in told if not INTRODUCES.search(sentence) or SEVERAL.search(sentence)]
    parts = [part for sentence in told if SEVERAL.search(sentence) for part in _parts(sentence)]
    single = [_lead(sentence) for sentence in told if not SEVERAL.search(sentence) and not sentence.endswith("?")]
    return [_Offer(text, number, is_marked=False) for number, text in enumerate((*parts, *single), 1)]


def _parts(sentence: str) -> list[str]:
    joined: list[str] = []
    for piece in re.split(
        r",?\s+or\s+(?!more\b|so\b)|,\s+(?:and\s+)?" if sentence.count(",") > 1 else r",?\s+or\s+", sentence
    ):
        if (
            joined
            and re.match(r"(?:\w+ing|which|that|where|who|with|including|such|like)\b", piece)
            and not re.match(r"\w+ing\b", joined[0])
        ):
            joined[-1] += f", {piece}"
        else:
            joined.append(piece)
    return [lead for piece in joined if (lead := _lead(piece))]


def _lead(text: str) -> str:
    """Without the words that introduce an option."""
    return LEADS.sub("", text.strip(" ,.?!'\"")).strip(" ,.?!'\"")


def _label(said: str, number: int) -> int:
    if said.isdigit():
        return int(said)
    return ord(said.lower()) - ord("a") + 1 if said else number


def _option(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].replace("**", "").split())


def _named(option: str) -> str:
    """The name of an option, or its first sentence."""
    first = re.split(r"(?<=[a-z\d)])[.!?](?=\s|$)|:\s|\s[\u2013\u2014-]\s", option)[0]
    return trimmed(first)[:200] or option[:200]


def _stem(word: str) -> str:
    return re.sub(r"(?:'s|ies|ing|es|ed|s|er|est|y|e)$", "", word) if len(word) > 3 else word


def _bag(text: str) -> Counter[str]:
    return Counter(_stem(word) for word in WORD.findall(text.casefold()) if word not in COMMON)


def _clauses(said: str) -> list[tuple[str, bool]]:
    """Each clause, and whether it speaks for what it names."""
    found: list[tuple[str, bool]] = []
    for clause in CLAUSES.split(said):
        if not clause or not clause.strip():
            continue
        turn = TURN.search(clause)
        if turn:
            found += [
                (clause[: turn.start()], AGAINST.search(clause[: turn.start()]) is None),
                (clause[turn.start() :], False),
            ]
        else:
            found.append((clause, AGAINST.search(clause) is None))
    return found


def _by_place(said: str, labels: Sequence[int]) -> dict[int, str]:
    bare = BARE.match(said)
    if bare:
        place = _place(bare["bare"], labels)
        return {} if place is None else {place: said.strip()}
    found: dict[int, str] = {}
    for clause, is_for in _clauses(said):
        if is_for and ALL.search(clause):
            return dict.fromkeys(range(len(labels)), clause.strip())
        for mention in PLACE.finditer(clause) if is_for else ():
            place = _place(mention["named"] or mention["hash"] or mention["nth"] or mention["end"], labels)
            if place is not None:
                found.setdefault(place, clause.strip())
    return found


def _place(word: str, labels: Sequence[int]) -> int | None:
    """The index of the option that a number, letter or ordinal names."""
    plain = word.lower()
    if plain in {"last", "latter"}:
        return len(labels) - 1
    label = (
        1
        if plain == "former"
        else ORDINALS.get(plain) or (int(plain) if plain.isdigit() else ord(plain) - ord("a") + 1)
    )
    return labels.index(label) if label in labels else None


def _by_words(said: str, offered: Sequence[str]) -> dict[int, str]:
    bags = [_bag(option) for option in offered]
    spread = Counter(word for bag in bags for word in bag)
    weight = {word: log((1 + len(offered)) / count) for word, count in spread.items()}
    scores = [0.0] * len(offered)
    spans = [""] * len(offered)
    for clause, is_for in _clauses(said):
        words = set(_bag(clause))
        for place, bag in enumerate(bags):
            gain = sum(weight[word] for word in words & set(bag))
            scores[place] += gain if is_for else -0.6 * gain
            if is_for and gain and not spans[place]:
                spans[place] = clause.strip()
    best = max(range(len(offered)), key=lambda place: scores[place])
    if scores[best] < ENOUGH * log(1 + len(offered)) / 2 or not spans[best]:
        return _the_rest(said, scores)
    close = [place for place, score in enumerate(scores) if spans[place] and score >= 0.9 * scores[best]]
    is_several = re.search(r"\b(?:and|both|plus|as well as|either)\b", said, re.IGNORECASE) is not None
    return {place: spans[place] for place in (close if is_several else [best])}


def _the_rest(said: str, scores: Sequence[float]) -> dict[int, str]:
    """Where all but one are refused, the one that is left."""
    left = [place for place, score in enumerate(scores) if score >= 0]
    return {left[0]: said.strip()} if len(left) == 1 else {}


def _reasons(user: str) -> list[tuple[str, int, str]]:
    """(what, polarity, words) for "too lively" and "because it's quiet"."""
    found: list[tuple[str, int, str]] = []
    for clause in CLAUSES.split(user[:LONGEST_ANSWER]):
        for reason in TOO.finditer(clause or ""):
            found += [
                (trimmed(what), -1, reason[0])
                for what in re.split(r",|\band\b|\bor\b", reason["what"])
                if trimmed(what)
            ]
    for reason in BECAUSE.finditer(user[:LONGEST_ANSWER]):
        if not TOO.search(reason[0]):
            found.append((trimmed(reason["what"]), 1, reason[0]))
    return found
