"""The patterns by which frames.toml is found in a sentence, one for each form.

Each has the groups link (auxiliary verb), pre and mid (adverbs), neg (a negation) and head (the frame's phrase). Every
repetition is bounded, so that a search takes time in proportion to the sentence.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from idiolect.memory.extraction.lexicon import WORD, Form, any_of, bent, heads, participle, words

SUBJECT: Final = r"\b(?:i|we|someone who|somebody who|a person who|my (?:wife|husband|partner|family|girlfriend|boyfriend) and i)"
HAVE: Final = r"(?:'ve got|'ve always had|'ve| have got| have always had| have| had| do have| also have| suffer from| live with| got)"
BE: Final = (
    r"(?:'m| am|'re| are|m| is|'ve been| have been|'ve always been| have always been|'ve never been| have never been"
    r"| was never| have become|'ve become)"
)
FOLLOWING: Final = (
    "would rather", "prefer to avoid", "prefer not to", "prefer", "tend to avoid", "try to avoid", "avoid", "dislike", "despise",
    "detest", "loathe", "refuse to", "steer clear of", "stay away from", "can't stand", "cannot stand", "favor", "favour",
    "enjoy", "hate", "love", "struggle with", "gravitate toward", "gravitate towards", "opt for", "rather", "shy away from",
    "oppose", "shun", "skip", "work best", "learn best", "appreciate", "must avoid", "need to avoid", "have to avoid",
)  # fmt: skip
FILLER: Final = r"(?:[^\W_][^\s.;:!?]{0,24} ){0,5}?"  # "a strong ethical" aversion to
_PRE: Final = r"(?P<pre>(?: (?:{adverb})\b){{0,4}})"
_MID: Final = r"(?P<mid>(?: (?:{adverb})\b){{0,3}})"
_END: Final = r"(?![\w'-])"


@cache
def pattern(form: Form) -> re.Pattern[str]:
    """Of one form."""
    phrases = list(heads(form))
    match form:
        case "verb":
            spelt = (
                rf"{SUBJECT}(?P<link>(?:'ve| have|'d| would|'ll| will| do)?)" + _PRE + r"(?:(?P<neg> (?:{negation}))\b)?" + _MID
                + rf" (?P<head>{_braced('|'.join(map(bent, phrases)))}){_END}"
            )  # fmt: skip
        case "be":
            spelt = (
                rf"(?:{SUBJECT}(?P<link>{BE})|(?<!\w)as(?= an? ))" + _PRE + r"(?P<neg>(?: (?:not|never|no longer))?)" + _MID
                + rf" (?P<head>{_braced(any_of(phrases))}|{_braced(_role())}){_END}"
            )  # fmt: skip
        case "have":
            spelt = (
                rf"{SUBJECT}(?:(?P<neg> (?:do not|don't|never|no longer) have)|(?P<link>{HAVE}))" + _PRE + "(?P<mid>)"
                + rf" (?P<head>{_braced(FILLER + '(?:' + any_of(phrases) + ')')}){_END}"
            )  # fmt: skip
        case "act" | "impossible":
            acts = any_of(words("acts" if form == "act" else "acts_impossible"))
            spelt = (
                rf"{SUBJECT}(?P<link>(?:'ve| have|'ll| do|'d| would)?)" + _PRE + "(?P<neg>)" + _MID
                + rf" (?P<head>{_braced(any_of(phrases))})(?P<act>(?: (?:{{adverb}})\b){{{{0,2}}}} (?:{_braced(acts)})){_END}"
            )  # fmt: skip
        case "my":
            spelt = rf"(?<!\w)(?P<link>)(?P<pre>)(?P<neg>)(?P<mid>)(?P<head>{_braced(any_of(phrases))}){_END}"
        case "after":
            spelt = (
                r"(?= )(?P<link>)" + _PRE + r"(?P<neg>(?: (?:do not|don't|doesn't|does not|never|can't|won't))?)" + _MID
                + rf" (?P<head>{_braced(any_of(phrases))}){_END}"
            )  # fmt: skip
        case "is":
            spelt = (
                r"(?P<link> (?:is|are|was|have|has|'s)(?: been)?|(?P<neg> (?:isn't|aren't|is not|are not|wasn't|was never|has never been|have never been"
                r"|is never|are never)))(?P<pre>)" + _MID + rf" (?P<head>{_braced(any_of(phrases))}){_END}"
            )  # fmt: skip
    return re.compile(spelt.format(adverb=any_of(words("adverbs")), negation=any_of(words("negations"))), re.IGNORECASE)


@cache
def follow_ons() -> Mapping[str, str]:
    """How the verbs of a second clause are spelt, each with the verb itself: "avoiding" is of "avoid"."""
    return {spelt: phrase for phrase in FOLLOWING for spelt in (phrase, participle(phrase))}


@cache
def follow_on() -> re.Pattern[str]:
    """A second verb of the same subject: "I dislike crowds and prefer quiet"."""
    body = any_of(sorted(follow_ons(), key=len, reverse=True))
    spelt = (
        r"(?P<link>)(?:,? (?:and|but|or|so|yet|while|nor|thus)|,|;)" + _PRE + r"(?:(?P<neg> (?:{negation}))\b)?" + _MID
        + rf" (?P<head>{_braced(body)}){_END}"
    )  # fmt: skip
    return re.compile(spelt.format(adverb=any_of(words("adverbs")), negation=any_of(words("negations"))), re.IGNORECASE)


@cache
def further(form: Form) -> re.Pattern[str]:
    """A habit of the same subject: "I love fish but never eat shellfish"."""
    acts = any_of(words("acts" if form == "act" else "acts_impossible"))
    return re.compile(
        rf"(?P<link>)(?P<pre>)(?P<neg>)(?P<mid>)(?:,? (?:and|but|or|so|yet|nor)|,|;) (?P<head>{any_of(heads(form))})"
        rf"(?P<act> (?:{acts})){_END}",
        re.IGNORECASE,
    )


@cache
def postposed() -> re.Pattern[str]:
    """ "I play only board games"."""
    return re.compile(
        rf"{SUBJECT}(?P<link>)(?P<pre>)(?P<neg>)(?P<mid>) (?P<act>{any_of(words('acts'))}) "
        rf"(?P<head>(?P<only>only|exclusively|nothing but|solely|strictly|mostly|mainly|primarily|largely)){_END}",
        re.IGNORECASE,
    )


@cache
def lover() -> re.Pattern[str]:
    """ "I'm a jazz lover", "I'm not a morning person", "as a wine lover"."""
    kinds = f"(?P<hater>{any_of(words('haters'))})|{any_of(words('lovers'))}"
    spelt = (
        rf"(?:{SUBJECT}(?P<link>{BE})|(?<!\w)as(?= an? ))" + _PRE + r"(?P<neg>(?: (?:not|never))?)" + _MID
        + rf" (?:more of )?an? (?P<head>(?P<about>(?P<thing>{_braced(WORD)}(?: {_braced(WORD)}){{{{0,3}}}}?)[ -](?P<lover>{kinds}))){_END}"
    )  # fmt: skip
    return re.compile(spelt.format(adverb=any_of(words("adverbs"))), re.IGNORECASE)


@cache
def find() -> re.Pattern[str]:
    """ "I find documentaries boring"."""
    degree = "very|really|so|extremely|quite|rather|a bit|a little|incredibly|overly|more|most|far more|much more|particularly|deeply|highly|often|usually|to be|completely|utterly|somewhat|pretty|just|both|generally"
    bad, good = any_of(words("bad")), any_of(words("good"))
    return re.compile(
        r"\bi(?P<link>(?:'ve always| have always)?)(?P<pre>(?: (?:often|usually|always|generally|really|personally|tend to|just|also))?)"
        r"(?P<neg>(?: (?:don't|do not|never))?)(?P<mid>) (?P<head>find|found) (?P<about>[^.;:?]{2,100}?)"
        rf" (?:(?:{degree}) ){{0,3}}(?:(?P<too>(?:too|overly) [\w-]{{2,20}})|(?P<bad>{bad})|(?P<good>{good})){_END}",
        re.IGNORECASE,
    )


def _role() -> str:
    return (
        rf"an? (?:[\w-]{{1,20}} ){{0,4}}?(?:{any_of(words('roles'))})|\d{{1,3}} years? old|in my (?:early |late |mid |mid-)?\d0s"
    )


def _braced(spelt: str) -> str:
    """For str.format: the braces of a pattern are doubled."""
    return spelt.replace("{", "{{").replace("}", "}}")
