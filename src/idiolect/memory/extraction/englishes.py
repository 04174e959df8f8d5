"""Other Englishes, put as the patterns know them: "I cannae thole olives", "I be loving jazz", "I am not liking mud".

Only grammar and small words are put otherwise: Scots negations and prepositions; habitual "be", "ain't" and negations
that agree; a taste said in the progressive; a missing article, or "not" for "don't", as those write who learn English;
polite openings; and, in a message that is one short sentence, a subject that was left out where no request begins so.
Every character of the new text knows where it came from, so that a span is still the person's own words.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from idiolect.memory.extraction.lexicon import any_of, participle, words

Rule: TypeAlias = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

TASTES: Final = ("like", "love", "hate", "prefer", "enjoy", "avoid", "dislike", "adore", "detest", "fear", "tolerate")
AFTER: Final = ("bore", "annoy", "tire", "scare", "disgust")
SCOTS: Final[Mapping[str, str]] = {
    "cannae": "can't",
    "dinnae": "don't",
    "dinna": "don't",
    "didnae": "didn't",
    "doesnae": "doesn't",
    "isnae": "isn't",
    "arenae": "aren't",
    "wisnae": "wasn't",
    "havenae": "haven't",
    "hasnae": "hasn't",
    "wouldnae": "wouldn't",
    "couldnae": "couldn't",
    "shouldnae": "shouldn't",
    "willnae": "won't",
    "tae": "to",
    "fae": "from",
    "gie": "give",
    "ony": "any",
    "mair": "more",
    "awfy": "awfully",
    "thole": "stand",
    "feart o'": "afraid of",
    "feart": "afraid",
}
ONE: Final = r"(?:(?<=\bi)|(?<=\bwe))"
AM: Final = r"(?:'m| am|m|'re| are)"
NOT_OF_NOW: Final = (  # "I'm loving this update" is of today
    r"(?= (?!(?:this|that|these|those|it|the|my|your|our|his|her|their|how|what|every|him|them|you)\b)\w)"
)
ADVERBS: Final = r"(?P<adverbs>(?: (?:really|always|never|also|still|at all|very much|only|mostly|usually))*)"
LONGEST: Final = 4_000  # characters that are put otherwise; nobody says more of themselves at once
LONGEST_ALONE: Final = 8  # words of a message in which a subject may be missing


@dataclass(frozen=True)
class Put:
    """A text put otherwise, and of each of its characters where what it came from begins and ends in the original."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original(self, span: str, source: str) -> str:
        """The original words of a span of the new text."""
        at = self.text.find(span)
        return source[self.starts[at] : self.ends[at + len(span) - 1]] if span and at >= 0 else span


def put(text: str) -> Put:
    """In the words of the patterns; the same text where no rule knows it, and beyond LONGEST."""
    shown = text[:LONGEST]
    found = Put(shown, tuple(range(len(shown))), tuple(range(1, len(shown) + 1)))
    for pattern, said in RULES:
        found = _applied(found, pattern, said)
    rest = range(len(shown), len(text))
    return Put(found.text + text[LONGEST:], (*found.starts, *rest), (*found.ends, *(place + 1 for place in rest)))


def _applied(before: Put, pattern: re.Pattern[str], said: Callable[[re.Match[str]], str]) -> Put:
    pieces, starts, ends, place = list[str](), list[int](), list[int](), 0
    for match in pattern.finditer(before.text.replace("\u2019", "'")):
        new = said(match)
        pieces += [before.text[place : match.start()], new]
        first = before.starts[min(match.start(), len(before.starts) - 1)]
        last = before.ends[match.end() - 1] if match.end() > match.start() else first
        starts += [*before.starts[place : match.start()], *[first] * len(new)]
        ends += [*before.ends[place : match.start()], *[last] * len(new)]
        place = match.end()
    if not pieces:
        return before
    pieces.append(before.text[place:])
    return Put("".join(pieces), (*starts, *before.starts[place:]), (*ends, *before.ends[place:]))


def _rule(pattern: str, said: str | Callable[[re.Match[str]], str]) -> Rule:
    compiled = re.compile(pattern, re.IGNORECASE)
    return (compiled, (lambda match: match.expand(said)) if isinstance(said, str) else said)


def _plain(match: re.Match[str]) -> str:
    """As in "don't really like" of "am not really liking"."""
    groups = match.groupdict()
    negation = " don't" if groups.get("no") else ""
    return f"{negation}{groups.get('adverbs') or ''} {BASES[match['verb'].lower()]}"


def _bare(match: re.Match[str]) -> str:
    return f"{BASES[match['verb'].lower()]} me"


def _scots(match: re.Match[str]) -> str:
    return SCOTS[match[0].lower()]


def _bases(verbs: Iterable[str]) -> dict[str, str]:
    """Verbs by their participles, the last letter once or doubled: "preferring"."""
    once = {participle(verb): verb for verb in verbs}
    return once | {verb + verb[-1] + "ing": verb for verb in once.values() if verb[-1] not in "aeiouwxy"}


ACTS: Final = tuple(act for act in words("acts") if " " not in act)
BASES: Final = _bases((*TASTES, *ACTS, *AFTER))
LIKED: Final = any_of(_bases(TASTES))
DONE: Final = any_of(_bases((*TASTES, *ACTS)))
BASE: Final = any_of([*TASTES, *ACTS])
ROLE: Final = any_of(words("roles"))
RULES: Final[tuple[Rule, ...]] = (
    # Scots
    _rule(rf"\b(?:{any_of(sorted(SCOTS, key=len, reverse=True))})(?!\w)", _scots),
    _rule(r"\b(?-i:ae)\b", "of"),
    _rule(r"\A(\W*)gonn?ae no\b", r"\1please don't"),
    _rule(r"\A(\W*)gonn?ae\b", r"\1please"),
    _rule(rf"{ONE}('m| am) no(?= (?:an?|into|keen|fond|big|much|really|that|so|for|one)\b)", r"\1 not"),
    _rule(rf"{ONE} (?:pure|fair|dead)(?= (?:{any_of(TASTES)})\b)", " really"),
    _rule(rf"{ONE}{AM} aye (?P<verb>{DONE})\b", lambda match: f" always {BASES[match['verb'].lower()]}"),
    _rule(rf"{ONE} aye(?= (?:{BASE})\b)", " always"),
    # African American English
    _rule(r"\b(?:(?:don't|dont|can't|cant|ain't|aint|won't) never|(?:don't|dont) ever)\b", "never"),
    _rule(rf"{ONE} (?:ain't|aint)(?= (?:no|an?|into|big|much|really|keen|fond|for)\b)", "'m not"),
    _rule(r"\bnot no(?= (?:\w+ )?fan\b)", "not a"),
    _rule(r"(n't|\bnever)((?: (?!say\b)\w+){1,3}?) no(?= (?!(?:one|longer|more|matter|doubt|to|in|for)\b)\w)", r"\1\2"),
    _rule(rf"{ONE}(?: (?P<no>don't|dont))?{ADVERBS} (?:be|stay) (?P<verb>{DONE})\b", _plain),
    _rule(r"\b(love|like|need) me some\b", r"\1"),
    _rule(rf"{ONE}('m| am) real (?=into\b)", r"\1 really "),
    # a taste in the progressive, as in Indian English
    _rule(rf"{ONE}{AM}(?: (?P<no>not))?{ADVERBS} (?P<verb>{LIKED})\b{NOT_OF_NOW}", _plain),
    _rule(rf"{ONE}{AM}(?: (?P<no>not)(?: at all)?|(?P<adverbs> never)) (?P<verb>{DONE})\b{NOT_OF_NOW}", _plain),
    _rule(rf"{ONE}(?: am|'m) having (?:an? )?(?=(?:allergy|fear|aversion|dislike)\b)", " have a "),
    _rule(rf"\b(?:be|are|is) (?P<verb>{any_of([participle(verb) for verb in AFTER])}) (?:for )?me\b", _bare),
    # as those write who learn English
    _rule(rf"{ONE} (?:not|no) (?=(?:{BASE})\b)", " don't "),
    _rule(rf"{ONE} (?P<verb>{any_of(ACTS)}) never\b", r" never \g<verb>"),
    _rule(rf"{ONE}('m| am)( not)? (?=(?:{ROLE})(?: (?:in|at|for|on|with|from)\b|\W*\Z|[.,;]))", r"\1\2 a "),
    _rule(r"\bnot fan of\b", "not a fan of"),
    _rule(r"\b(can't|cannot|can not) to (?=\w)", r"\1 "),
    _rule(rf"{ONE}(?: am|'m)(?= (?:prefer|enjoy|avoid|hate|dislike|detest)\b)", ""),
    _rule(rf"{ONE} have (?:an? |a )?allergy (?:for|to|on|of|with|against)\b", " am allergic to"),
    _rule(rf"{ONE} have afraid of\b", " am afraid of"),
    _rule(r"\binteresting in\b", "interested in"),
    _rule(r"\bplease to (?=\w)", "please "),
    _rule(r"\bfrom now(?: onwards)?(?=\W*\Z|[.,;])", "from now on"),
    # formal
    _rule(r"\bi (?:(?:would |should )?(?:ask|request) that you|(?:would|should) be grateful if you would)\b", "please"),
    _rule(
        r"\bi (?:wish|must|should like|would like|feel obliged) (?:to )?(?:note|state|say|mention|add|confess"
        r"|point out)(?: that)? (?=i\b)",
        "",
    ),
    _rule(rf"{ONE} (?:take|find) (?:great |much |real )?(?:pleasure|delight|joy) in\b", " enjoy"),
    _rule(rf"{ONE} (?:derive|take|find) no (?:enjoyment|pleasure|joy) (?:from|in)\b", " don't enjoy"),
    # the subject left out
    _rule(
        rf"\A\s*(?=(?:prefer|dislike|detest|(?:can't|cant|cannot) (?:stand|eat|drink)|(?:don't|dont) (?:like|eat|drink"
        rf"|enjoy)|never (?:eat|drink))\b(?: [\w'-]+){{1,{LONGEST_ALONE}}}[.!]?\s*\Z)",
        "I ",
    ),
    _rule(
        r"\A\s*(?=(?:allergic to|afraid of|scared of|(?:really |very )?into)\b"
        rf"(?: [\w'-]+){{1,{LONGEST_ALONE}}}[.!]?\s*\Z)",
        "I am ",
    ),
)
