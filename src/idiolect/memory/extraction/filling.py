"""From a frame in a sentence to slots: what it is about, when it holds, how long, and whether it changes anything."""

import re
from typing import Final

from idiolect.memory.extraction.frames import Hit
from idiolect.memory.extraction.objects import (
    EMPTY,
    PRONOUN,
    REACTION,
    SCOPE_START,
    SUGGESTED,
    TEMPORARY,
    Phrase,
    gerund,
    phrase,
    trimmed,
)
from idiolect.memory.extraction.sentences import Sentence
from idiolect.memory.extraction.topics import sensitive_of
from idiolect.schema import Slots

COMPARING: Final = re.compile(
    r"\A(?:have |would |had )?(?:\w+ )?(?:like|love|enjoy|prefer|favou?r|rather|sooner|choose|opt for|value"
    r"|preference for|go for|gravitate.*|drawn to|best|better)\b"
)
CORRECTS: Final = re.compile(
    r"\A\W*(?:actually|correction|scratch that|on second thought|i(?:'ve| have) changed my mind"
    r"|i take that back|no wait)\b"
    r"|\bno longer\b|\bany ?more\b|\bany longer\b|\bno more\b|\bused to\b"
    r"|\b(?:stopped|quit|given up|gave up|gone off|sworn off|ditched|changed my mind)\b",
    re.IGNORECASE,
)
HANDED: Final = re.compile(  # what was given with the request
    r"\s*(?:the|this|that|these) (?:attached|following|above|below|document|code|file|paper|text|question)\b",
    re.IGNORECASE,
)
NAMED: Final = re.compile(  # activities that say nothing beside what they are done with
    r"eat|drink|consume|use|watch|read|listen to|wear|buy|purchase|have|own|keep|tolerate|take|book|play|order"
    r"|choose|pick"
)
GOES_ON: Final = re.compile(r"\s+(?:to|in|at|for|with|from|on|of|when|caused|that)\b", re.IGNORECASE)
JOINED: Final = re.compile(r"\A(?:and|but|or|so|yet|nor|while|thus)\s+", re.IGNORECASE)
TRAILING: Final = re.compile(r"[\s,;:]+(?:and|but|or|so|as|because|since|though|although|while)?\Z", re.IGNORECASE)


def filled(hit: Hit, sentence: Sentence, text: str, until: int) -> Slots | None:
    """One statement, or None where what follows the frame is nothing lasting. `until`: where the next frame begins."""
    shown = sentence.text
    rest = shown[hit.end : until]
    cut = phrase(rest, compares=hit.polarity > 0 and COMPARING.match(hit.head) is not None)
    about = _about(hit, cut, rest)
    if _says_nothing(hit, about, rest):
        return None
    goes_on = not hit.about or hit.frame.kind == "about_me" or hit.frame.is_state
    end = hit.end + cut.length if goes_on else hit.end
    return Slots(
        kind=hit.frame.kind,
        object=about,
        polarity=hit.polarity,
        strength=hit.strength,
        scope=cut.scope or _scope_before(shown[: hit.start]),
        over=cut.over,
        temporary=TEMPORARY.search(shown) is not None,
        corrects=corrects(shown),
        sensitive=sensitive_of(shown[hit.start : until]),
        span=_span(text[sentence.start + hit.start : sentence.start + end]),
    )


def corrects(text: str) -> bool:
    """Whether it takes the place of what was said before."""
    return CORRECTS.search(text.replace("\u2019", "'")) is not None


def _about(hit: Hit, cut: Phrase, rest: str) -> str:
    whole = rest[: cut.length]
    if hit.about:
        goes_on = hit.frame.is_state and cut.object and GOES_ON.match(rest)
        return trimmed(f"{hit.about}{whole}") if goes_on else trimmed(hit.about)
    if hit.act:
        return _done(hit.act, cut.object, whole)
    if hit.frame.kind == "about_me":
        return trimmed(f"{hit.head}{whole}")
    return cut.object


def _says_nothing(hit: Hit, about: str, rest: str) -> bool:
    if not about or HANDED.match(rest):
        return True
    if hit.about or hit.act or PRONOUN.match(about):
        return False
    is_suggestion = hit.polarity > 0 and SUGGESTED.match(rest) is not None
    return is_suggestion or EMPTY.match(about) is not None or REACTION.match(about) is not None


def _done(act: str, about: str, whole: str) -> str:
    """As in "never eat" "meat", which is about meat; "never drive" "at night" is about driving at night."""
    verb = re.sub(r"\A(?:\w+ly|also|even|just|really) ", "", act.lower())
    if not about:
        return gerund(verb)
    return about if NAMED.fullmatch(verb) else trimmed(f"{verb}{whole}")


def _scope_before(before: str) -> str:
    found = SCOPE_START.match(before)
    return " ".join(found[1].split()) if found else ""


def _span(words: str) -> str:
    return TRAILING.sub("", JOINED.sub("", words.strip()))
