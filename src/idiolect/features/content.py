"""Attributes of content: what an answer is made of."""

from math import exp, log

from idiolect.features.attribute import ROOT_RATE, Attribute, listed
from idiolect.features.reading import Reading
from idiolect.features.words import word

WINDOW = 50  # words over which lexical diversity is counted, so that length does not decide it
SMOOTH_DISTINCT = 20.0


def _rare_words(reading: Reading) -> float:
    return reading.share(sum(w.is_rare for w in reading.known), typical=0.08)


def _numbers(reading: Reading) -> float:
    return reading.rate(sum(any(map(str.isdigit, w)) for w in reading.words) - _marked(reading), typical=0.25)


def _marked(reading: Reading) -> int:
    return sum(line.is_numbered for line in reading.lines)


def _steps(reading: Reading) -> float:
    return reading.rate(reading.hits["steps"] + _marked(reading), typical=1.0)


def _imperatives(reading: Reading) -> float:
    return reading.per_sentence(sum(map(_commands, reading.openings)), typical=0.12)


def _commands(opening: list[str]) -> bool:
    lists = [word(each).lists for each in opening]
    return "imperative" in lists[0] or (len(lists) > 1 and "before_imperative" in lists[0] and "imperative" in lists[1])


def _diversity(reading: Reading) -> float:
    windows = [reading.words[at : at + WINDOW] for at in range(0, reading.n, WINDOW)]
    distinct = sum(len(set(window)) for window in windows)
    expected = sum(exp(0.93 * log(len(window))) for window in windows)
    return (distinct + SMOOTH_DISTINCT) / (expected + SMOOTH_DISTINCT)


def _repetition(reading: Reading) -> float:
    triples = list(zip(reading.words, reading.words[1:], reading.words[2:], strict=False))
    return reading.rate(len(triples) - len(set(triples)), typical=3.0)


def _storytelling(reading: Reading) -> float:
    return reading.rate(reading.hits["storytelling"] + reading.hits["third_person"], typical=0.6)


CONTENT = (
    Attribute(
        "rare_words",
        "share of words",
        "Words met less than ten times in a million.",
        "answers in common words",
        "answers in rare words",
        0.03,
        _rare_words,
    ),
    listed(
        "jargon",
        "Terms of science, law, finance and technology.",
        "answers in everyday terms",
        "answers in technical terms",
        typical=0.4,
    ),
    Attribute(
        "numbers", ROOT_RATE, "Numbers in digits.", "answers without figures", "answers with figures", 0.5, _numbers
    ),
    listed(
        "examples", "For example, such as, imagine.", "answers without examples", "answers with examples", typical=0.2
    ),
    listed(
        "contrast",
        "But, unlike, on the other hand.",
        "answers that keep to one side",
        "answers that weigh and compare",
        typical=0.9,
    ),
    listed(
        "reasons",
        "Because, therefore, this means.",
        "answers that do not say why",
        "answers that give reasons",
        typical=0.4,
    ),
    Attribute(
        "steps",
        ROOT_RATE,
        "First, then, finally, and numbered items.",
        "answers not set out in steps",
        "answers set out in steps",
        0.5,
        _steps,
    ),
    Attribute(
        "imperatives",
        "share of sentences",
        "Sentences that tell the reader to do something.",
        "answers that describe",
        "answers that tell you what to do",
        0.12,
        _imperatives,
    ),
    listed(
        "analogies",
        "Like a, as if, imagine.",
        "answers in plain, literal words",
        "answers with comparisons and images",
        typical=0.1,
    ),
    listed(
        "vividness",
        "Words for what can be seen, heard, tasted and felt.",
        "abstract answers",
        "vivid answers",
        typical=0.5,
    ),
    Attribute(
        "storytelling",
        ROOT_RATE,
        "He and she, said and went, once upon a time.",
        "answers that state facts",
        "answers that tell a story",
        0.5,
        _storytelling,
    ),
    Attribute(
        "diversity",
        "ratio to the usual",
        "Different words in each fifty, against what is usual.",
        "answers in few different words",
        "answers in many different words",
        0.04,
        _diversity,
    ),
    Attribute(
        "repetition",
        ROOT_RATE,
        "Runs of three words that came before.",
        "answers that never repeat themselves",
        "answers that repeat phrases",
        0.6,
        _repetition,
    ),
)
