"""Of themselves, not of the world: what a person tells the memory must say something of the person.

"The sky is blue", "I think the earth is flat" and "how tall is it?" do not. Short forms do ("vegan", "no nuts", "Python
over Java"): a clause with a subject of its own is looked for, and where none is found, the person is who is meant.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from idiolect.errors import BadInput
from idiolect.memory.extraction.admission import admitted
from idiolect.memory.extraction.reading import extract, stated
from idiolect.memory.extraction.topics import sensitive_of
from idiolect.schema import Slots

SHOWN: Final = 80  # characters of what is refused
ENDS: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z\u00c0-\u00de\"'(])|\n+")
WORD: Final = re.compile(r"[^\W_]+(?:['&.+#-][^\W_]+)*[+#]*")
BELIEVING: Final = (  # what comes before a belief: the clause after it is what is said
    r"(?:please )?(?:remember|note|fact|fyi|fun fact|did you know|it turns out|turns out|it seems"
    r"|according to [\w ]{2,30})(?: that|[:,])? "
    r"|(?:i|we|everyone|everybody|most people|people|they)(?: (?:all|also|really|firmly|still|do|always|just|would))*"
    r" (?:think|thinks|believe|believes|know|knows|suppose|guess|say|says|claim|read|heard|learned|learnt|assume|reckon"
    r"|agree|understand|remember)(?: for a fact| for sure| somewhere)?(?: that)? "
    r"|i(?:'m| am)(?: \w+ly| quite)? (?:sure|certain|convinced|aware|positive)(?: that)? "
    r"|(?:in my (?:humble )?opinion|imo|imho|in my view|as far as i know|afaik|if you ask me|my opinion is"
    r"|the truth is)(?: that)?,? "
    r"|(?:my|the|a) [\w ]{2,24}? (?:says?|said|told me|tells me|thinks?|claims?|believes?|insists?)(?: that)? "
    r"|it(?:'s| is)(?: \w+ly)? (?:known|true|clear|obvious|a fact|said|proven)(?: that)? "
)
BEFORE: Final = re.compile(rf"(?:{BELIEVING})", re.IGNORECASE)
RIDING: Final = re.compile(  # what is said of the world, and what is said of oneself after it
    rf"(?:as (?:you|we(?: all)?|everyone|everybody) knows?,? |{BELIEVING})+(?P<belief>[^;]+?)"
    r"(?:,? (?:and|but|so|which is why|that is why)|;),? (?P<own>(?:I|my)\b.*)",
    re.IGNORECASE | re.DOTALL,
)
FELT_OF: Final = re.compile(
    r"I(?: \w+ly)? (?:love|like|hate|enjoy|adore|resent) (?:it |the fact )?that (?P<belief>.+)", re.DOTALL
)
AFTER: Final = re.compile(rf",? (?:because|since|as) (?P<belief>(?:{BELIEVING})[^;]+?)(?P<end>[.!?]*)\Z", re.IGNORECASE)
LEANING: Final = re.compile(r"\b(?:it|its|that|this|so|otherwise|them|those|they)\b", re.IGNORECASE)
FIRST: Final = re.compile(r"\b(?:I|i|[Mm]e|[Mm]y|[Mm]ine|[Mm]yself|[Ww]e|[Oo]urs?|us|Us)\b(?!-)")
EVERYBODYS: Final = re.compile(
    r"\bour (?:planet|world|galaxy|sun|moon|universe|solar system|species|atmosphere|oceans?)\b", re.IGNORECASE
)
ASKING: Final = re.compile(
    r"(?:what|who|whom|whose|where|when|why|how|which|is|are|was|were|does|do|did|has|have|had)\b.*\?\W*\Z"
    r"|(?:what|who|where|why|which|how (?:tall|old|many|much|far|long|big|fast|deep))\b.* "
    r"(?:is|are|was|were|does|did)\b",
    re.IGNORECASE | re.DOTALL,
)
SUM: Final = re.compile(r"\s*[\d.,]+(?:\s*[-+*/x\u00d7^]\s*[\d.,]+)*\s*(?:=|<|>|equals)\s*[\d.,]+\W*\Z")
CONTRACTED: Final = re.compile(r"(?:it|that|there|he|she|what)'s|(?:they|there)'re", re.IGNORECASE)
PLACE: Final = re.compile(r"in|of|at|on|from|near|with|for")
JOINT: Final = re.compile(r"and|or|but|nor")
AIMED: Final = re.compile(
    r"\b(?:good|bad|better|worse|best|worst|important|essential) for (?!me\b|us\b)", re.IGNORECASE
)


def told(text: str) -> tuple[Slots, ...]:
    """What is told to the memory on purpose, as data. Raises BadInput for what may not be kept or is of the world."""
    return stated(of_oneself(admitted(text)))


def of_oneself(text: str) -> str:
    """The text, without sentences that speak of the world alone. Raises BadInput where there are no others."""
    sentences = [each for each in ENDS.split(text) if each.strip()]
    own = [each for each in map(without_belief, sentences) if each and not _is_of_the_world(each)]
    if sentences and not own:
        said = " ".join(text.split())
        shown = said if len(said) <= SHOWN else f"{said[:SHOWN]}..."
        raise BadInput(
            f'"{shown}" says nothing of you, and what is so in the world is not remembered: say it of yourself, such '
            'as "I like ...", "I never ...", "I am ...", "I work with ...", or of your answers: "shorter answers"'
        )
    return text if own == sentences else " ".join(own)


def hangs_on_a_belief(text: str) -> bool:
    """Whether all that it says of the person hangs on what they believe about the world."""
    return not any(without_belief(each) for each in ENDS.split(text) if each.strip())


def without_belief(sentence: str) -> str:
    """A sentence without the belief about the world that a taste rides on; nothing where the taste hangs on it.

    "I know that the earth is flat, and I love maps" says that the person loves maps; "I love that it is flat", nothing.
    """
    after = AFTER.search(sentence)
    if after is not None and _is_of_the_world(after["belief"]):
        sentence = f"{sentence[: after.start()]}{after['end']}"
    riding = RIDING.match(sentence.lstrip())
    if riding is not None and _is_of_the_world(riding["belief"]):
        own = riding["own"]
        return "" if LEANING.search(own) else own[:1].upper() + own[1:]
    felt = FELT_OF.match(sentence.lstrip())
    return "" if felt is not None and _is_of_the_world(felt["belief"]) else sentence


def _is_of_the_world(sentence: str) -> bool:
    said = unicodedata.normalize("NFKC", sentence).replace("\u2019", "'").strip(" \t\"'*_>#-\u2022\u201c\u201d()")
    while (found := BEFORE.match(said)) is not None:
        said = said[found.end() :].lstrip(" ,:")
    if SUM.match(said):
        return True
    if FIRST.search(EVERYBODYS.sub("", said)):
        return False
    if ASKING.match(said):
        return not re.search(r"\byou(?:r)?\b", said, re.IGNORECASE)
    words = WORD.findall(said)
    place = _verb(words)
    return place is not None and not _is_personal(words, place) and not extract(said)


def _verb(words: Sequence[str]) -> int | None:
    """Where the verb of a clause with a subject stands; None where there is none, as in "lives in Rome", "no nuts"."""
    plain = [word.casefold() for word in words]
    if not words or CONTRACTED.fullmatch(words[0]):
        return 0 if words else None
    if plain[0] in _list("auxiliaries") | _list("wishes"):
        return None
    subordinate = int(plain[0] in _list("subordinating"))  # clauses within, each of which has a verb of its own
    for place in range(1, len(words)):
        if plain[place] in _list("subordinating"):
            subordinate += 1
        elif _is_verb(words, place) and not JOINT.fullmatch(plain[place - 1]):
            if not subordinate:
                return place
            subordinate -= 1
    return None


def _is_verb(words: Sequence[str], place: int) -> bool:
    word = words[place] if words[place] in ("May", "Will") else words[place].casefold()
    if word in _list("auxiliaries") | _list("wishes") | _list("past"):
        return True
    if word in _list("done"):
        following = words[place + 1 : place + 2]
        return any(each[:1].isupper() or each in _list("articles") for each in following)
    if word not in _list("verbs") | _thirds():
        return False
    end = place
    while end > 1 and words[end - 1].casefold() in _list("adverbs"):
        end -= 1
    if end > 2 and words[end - 1][:1].isupper() and PLACE.fullmatch(words[end - 2]):  # "hotels in Lisbon cost"
        end -= 2
    before = words[end - 1].casefold()
    of_many = before in _list("plurals") or (before.endswith("s") and not before.endswith("ss"))
    return word in (_list("verbs") if of_many else _thirds())


def _is_personal(words: Sequence[str], place: int) -> bool:
    """Whether a clause speaks of the person although it does not say I: by its subject, or as a judgement."""
    plain = [word.casefold() for word in words]
    verb, predicate, after = plain[place], " ".join(plain[place:]), " ".join(plain[place + 1 :])
    subject = plain[1:place] if plain[0] in _list("articles") else plain[:place]
    heads = {*subject[:1], *subject[-1:], " ".join(subject)}
    if verb in _list("wishes"):
        return sensitive_of(" ".join(words)) != "politics"
    if heads & (_list("own") | {"you", "your"}) or (
        heads & _list("answers") and (verb not in _list("had") or after.startswith("to "))
    ):
        return True
    if place == 1 and _begins(predicate, "personal"):
        return subject[0] not in _list("groups")
    if set(subject) & _list("groups") or AIMED.search(after):
        return False
    return _begins(predicate, "feel") or _begins(_bare(after), "felt")


def _bare(predicate: str) -> str:
    """Without what only makes it stronger or weaker; "a must" keeps its article."""
    words = predicate.split()
    while len(words) > 1 and words[0] in _list("adverbs") and not _begins(" ".join(words), "felt"):
        words.pop(0)
    return " ".join(words)


def _begins(said: str, name: str) -> bool:
    return any(said == each or said.startswith(f"{each} ") for each in _list(name))


@cache
def _thirds() -> frozenset[str]:
    """The verbs as they are said of one: "boils", "flies", "reaches"."""
    return frozenset(
        f"{verb[:-1]}ies"
        if verb.endswith("y") and verb[-2:-1] not in "aeiou"
        else f"{verb}es"
        if verb.endswith(("s", "x", "ch", "sh", "o"))
        else f"{verb}s"
        for verb in _list("verbs")
    )


@cache
def _list(name: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in _lists()[name].split(",") if phrase.strip())


@cache
def _lists() -> Mapping[str, str]:
    text = (Path(__file__).parent / "oneself.toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, str]).validate_python(tomllib.loads(text))
