"""The patterns by which frames.toml is found in a sentence, one for each form.

Each has the groups link (auxiliary verb), pre and mid (adverbs), neg (a negation) and head (the frame's phrase). Every
repetition is bounded, so that a search takes time in proportion to the sentence.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from idiolect.memory.extraction.lexicon import WORD, Form, any_of, bent, heads, participle, words

SUBJECT: Final = (
    r"\b(?:i|we|someone who|somebody who|a person who"
    r"|my (?:wife|husband|partner|family|girlfriend|boyfriend) and i)"
)
AS_A: Final = r"(?<!\w)as(?= an? )"
HAVE: Final = (
    r"(?P<link>'ve got|'ve always had|'ve| have got| have always had| have| had| do have| also have| suffer from"
    r"| live with| got)"
)
BE: Final = (
    r"(?P<link>'m| am|'re| are|m| is|'ve been| have been|'ve always been| have always been|'ve never been"
    r"| have never been| was never| have become|'ve become)"
)
MAY: Final = r"(?P<link>(?:'ve| have|'d| would|'ll| will| do)?)"
FILLER: Final = r"(?:[^\W_][^\s.;:!?]{0,24} ){0,5}?"  # "a strong ethical" aversion to
NOTHING: Final = "(?P<link>)(?P<pre>)(?P<neg>)(?P<mid>)"
LY: Final = "[a-z]{4,16}ly"  # any other adverb: "consciously"
AGE: Final = r"\d{1,3} years? old|in my (?:early |late |mid |mid-)?\d0s"
JOIN: Final = r"(?:,? (?:and|but|or|so|yet|while|nor|thus)|,|;)"
END: Final = r"(?![\w'-])"
FOLLOWING: Final = (  # verbs that need no subject of their own in a second clause
    *("would rather", "prefer to avoid", "prefer not to", "prefer", "tend to avoid", "try to avoid", "avoid"),
    *("dislike", "despise", "detest", "loathe", "refuse to", "steer clear of", "stay away from", "can't stand"),
    *("cannot stand", "favor", "favour", "enjoy", "hate", "love", "struggle with", "gravitate toward"),
    *("gravitate towards", "opt for", "rather", "shy away from", "oppose", "shun", "skip", "work best", "learn best"),
    *("appreciate", "must avoid", "need to avoid", "have to avoid"),
)
DEGREES: Final = (
    *("very", "really", "so", "extremely", "quite", "rather", "a bit", "a little", "incredibly", "overly", "more"),
    *("most", "far more", "much more", "particularly", "deeply", "highly", "often", "usually", "to be", "completely"),
    *("utterly", "somewhat", "pretty", "just", "both", "generally"),
)
POSTPOSED: Final = "only|exclusively|nothing but|solely|strictly|mostly|mainly|primarily|largely"


@cache
def pattern(form: Form) -> re.Pattern[str]:
    """Of one form."""
    match form:
        case "verb":
            return _whole(SUBJECT, MAY, _pre(), _negation(), _mid(), _head("|".join(map(bent, heads(form)))))
        case "be":
            role = f"an? (?:[\\w-]{{1,20}} ){{0,4}}?(?:{any_of(words('roles'))})"
            never = "(?P<neg>(?: (?:not|never|no longer))?)"
            said = f"{any_of(heads(form))}|{role}|{AGE}"
            return _whole(f"(?:{SUBJECT}{BE}|{AS_A})", _pre(), never, _mid(), _head(said))
        case "have":
            never = "(?P<neg> (?:do not|don't|never|no longer) have)"
            said = f"{FILLER}(?:{any_of(heads(form))})"
            return _whole(f"{SUBJECT}(?:{never}|{HAVE})", _pre(), "(?P<mid>)", _head(said))
        case "act" | "impossible":
            act = f"(?P<act>(?: (?:{any_of(words('adverbs'))})\\b){{0,2}} (?:{_acts(form)}))"
            return _whole(SUBJECT, MAY, _pre(), "(?P<neg>)", _mid(), _head(any_of(heads(form))), act)
        case "my":
            return _whole(r"(?<!\w)", NOTHING, f"(?P<head>{any_of(heads(form))})")
        case "after" | "is":
            return _after(form)


def _after(form: Form) -> re.Pattern[str]:
    """What it is about stands before it."""
    if form == "is":
        never = "isn't|aren't|is not|are not|wasn't|was never|has never been|have never been|is never|are never"
        link = f"(?P<link> (?:is|are|was|have|has|'s)(?: been)?|(?P<neg> (?:{never})))"
        return _whole(link, "(?P<pre>)", _mid(), _head(any_of(heads(form))))
    never = "(?P<neg>(?: (?:do not|don't|doesn't|does not|never|can't|won't))?)"
    return _whole("(?= )(?P<link>)", _pre(), never, _mid(), _head(any_of(heads(form))))


@cache
def follow_ons() -> Mapping[str, str]:
    """How the verbs of a second clause are spelt, each with the verb itself: "avoiding" is of "avoid"."""
    return {spelt: phrase for phrase in FOLLOWING for spelt in (phrase, participle(phrase))}


@cache
def follow_on() -> re.Pattern[str]:
    """A second verb of the same subject: "I dislike crowds and prefer quiet"."""
    body = any_of(sorted(follow_ons(), key=len, reverse=True))
    return _whole("(?P<link>)", JOIN, _pre(), _negation(), _mid(), _head(body))


@cache
def further(form: Form) -> re.Pattern[str]:
    """A habit of the same subject: "I love fish but never eat shellfish"."""
    return _whole(NOTHING, JOIN, _head(any_of(heads(form))), f"(?P<act> (?:{_acts(form)}))")


@cache
def postposed() -> re.Pattern[str]:
    """The adverb after the verb: "I play only board games"."""
    return _whole(SUBJECT, NOTHING, f" (?P<act>{_acts('act')})", _head(f"(?P<only>{POSTPOSED})"))


@cache
def lover() -> re.Pattern[str]:
    """A person named by what they love: "I'm a jazz lover", "I'm not a morning person", "as a wine lover"."""
    kinds = f"(?P<hater>{any_of(words('haters'))})|{any_of(words('lovers'))}"
    about = f"(?P<about>(?P<thing>{WORD}(?: {WORD}){{0,3}}?)[ -](?P<lover>{kinds}))"
    never = "(?P<neg>(?: (?:not|never))?)"
    return _whole(
        f"(?:{SUBJECT}{BE}|{AS_A})",
        _pre(),
        never,
        _mid(),
        f" (?:more of )?an? (?:(?:big|huge|massive|real|total|complete|true|proper) )?(?P<head>{about})",
    )


@cache
def find() -> re.Pattern[str]:
    """A verdict after what it is of: "I find documentaries boring"."""
    pre = "(?P<pre>(?: (?:often|usually|always|generally|really|personally|tend to|just|also))?)"
    neg = "(?P<neg>(?: (?:don't|do not|never))?)(?P<mid>)"
    degree = f" (?:(?:{any_of(DEGREES)}) ){{0,3}}"
    too = r"(?P<too>(?:too|overly) [\w-]{2,20})"
    verdict = f"(?:{too}|(?P<bad>{any_of(words('bad'))})|(?P<good>{any_of(words('good'))}))"
    about = " (?P<head>find|found) (?P<about>[^.;:?]{2,100}?)"
    return _whole(r"\bi(?P<link>(?:'ve always| have always)?)", pre, neg, about, degree, verdict)


def _pre() -> str:
    return f"(?P<pre>(?: (?:{any_of(words('adverbs'))}|{LY})\\b){{0,4}})"


def _mid() -> str:
    return f"(?P<mid>(?: (?:{any_of(words('adverbs'))})\\b){{0,3}})"


def _negation() -> str:
    return f"(?:(?P<neg> (?:{any_of(words('negations'))}))\\b)?"


def _head(body: str) -> str:
    return f" (?P<head>{body})"


def _acts(form: Form) -> str:
    return any_of(words("acts" if form == "act" else "acts_impossible"))


def _whole(*parts: str) -> re.Pattern[str]:
    return re.compile("".join((*parts, END)), re.IGNORECASE)
