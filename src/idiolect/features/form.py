"""Attributes of form: how long, how it is laid out, how it is punctuated."""

import re
from math import exp2, log2

from idiolect.features.attribute import LOG_COUNT, ROOT_RATE, Attribute, log_count
from idiolect.features.reading import SENTENCES, SMOOTHING, Reading

FIRST_EMOJI = "\u2600"  # before it lie signs such as (c), which emoji.EMOJI_DATA counts too
_HEADING = re.compile(r"^\s{0,3}(?:#{1,6}\s+\S.*|\*\*[^*]{1,80}\*\*:?|[A-Z]\S*(?: \S+){0,3}:)\s*$")
_EMPHASIS = re.compile(
    r"(\*\*|__)(?=\S)[^\n]{1,200}?\S?\1|(?<![\w*])\*(?=[^\s*])[^*\n]{1,200}\*(?![\w*])|\b[A-Z]{4,}\b"
)
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_ASIDE = re.compile(r"\(|\s[–—-]{1,2}\s|—")
_QUOTE = re.compile(r"\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”")
_EMOTICON = re.compile(r"(?<!\w)[:;]-?[)DPp(](?!\w)|<3")
_PARAGRAPH = re.compile(r"\n\s*\n")


def _length(reading: Reading) -> float:
    return log2(SMOOTHING + reading.n)


def _sentence_length(reading: Reading) -> float:
    return log2((reading.n + SENTENCES * 16) / (len(reading.sentences) + SENTENCES))


def _word_length(reading: Reading) -> float:
    return (sum(w.letters for w in reading.known) + SMOOTHING * 4.6) / (reading.n + SMOOTHING)


def _long_words(reading: Reading) -> float:
    return reading.share(sum(w.is_long for w in reading.known), typical=0.22)


def _grade(reading: Reading) -> float:
    syllables = reading.share(sum(w.syllables for w in reading.known), typical=1.5)
    return 0.39 * exp2(_sentence_length(reading)) + 11.8 * syllables - 15.59


def _paragraphs(reading: Reading) -> float:
    return log_count(sum(1 for block in _PARAGRAPH.split(reading.prose) if block.strip()))


def _list_items(reading: Reading) -> float:
    return log_count(sum(line.is_item for line in reading.lines))


def _headings(reading: Reading) -> float:
    return log_count(sum(1 for line in reading.lines if _HEADING.match(line.text)))


def _code(reading: Reading) -> float:
    inline = len(_INLINE_CODE.findall(reading.prose)) if "`" in reading.prose else 0
    return log_count(inline + sum(fence.count("\n") for fence in reading.fences))


def _emphasis(reading: Reading) -> float:
    return log_count(sum(1 for _ in _EMPHASIS.finditer(reading.prose)))


def _emoji(reading: Reading) -> float:
    faces = sum(1 for _ in _EMOTICON.finditer(reading.prose))
    if reading.prose.isascii():
        return log_count(faces)
    from emoji import EMOJI_DATA  # read only for texts that could hold one

    return log_count(faces + sum(sign >= FIRST_EMOJI and sign in EMOJI_DATA for sign in reading.prose))


def _exclamations(reading: Reading) -> float:
    return reading.per_sentence(reading.prose.count("!") + reading.prose.count("！"), typical=0.02)


def _questions(reading: Reading) -> float:
    return reading.per_sentence(reading.prose.count("?") + reading.prose.count("？"), typical=0.03)


def _asides(reading: Reading) -> float:
    return reading.rate(len(_ASIDE.findall(reading.prose)), typical=0.15)


def _quotes(reading: Reading) -> float:
    return reading.rate(len(_QUOTE.findall(reading.prose)), typical=0.1)


FORM = (
    Attribute(
        "length", "log2(20 + words)", "How many words the answer has.", "short answers", "long answers", 0.8, _length
    ),
    Attribute(
        "sentence_length",
        "log2 of words per sentence",
        "Words in a sentence, on average.",
        "answers in short sentences",
        "answers in long sentences",
        0.3,
        _sentence_length,
    ),
    Attribute(
        "word_length",
        "letters",
        "Letters in a word, on average.",
        "answers in short words",
        "answers in long words",
        0.2,
        _word_length,
    ),
    Attribute(
        "long_words",
        "share of words",
        "Words of seven letters or more.",
        "answers with few long words",
        "answers with many long words",
        0.04,
        _long_words,
    ),
    Attribute(
        "grade",
        "school years",
        "The Flesch-Kincaid grade: years of school needed to read it.",
        "answers that are easy to read",
        "answers that are demanding to read",
        1.5,
        _grade,
    ),
    Attribute(
        "paragraphs",
        LOG_COUNT,
        "Blocks of text set apart by an empty line.",
        "answers in one block",
        "answers in many paragraphs",
        0.6,
        _paragraphs,
    ),
    Attribute(
        "list_items",
        LOG_COUNT,
        "Items of bulleted and numbered lists.",
        "answers in running text",
        "answers laid out as lists",
        1.2,
        _list_items,
    ),
    Attribute(
        "headings",
        LOG_COUNT,
        "Headings, and lines in bold or with a colon that stand for one.",
        "answers without headings",
        "answers under headings",
        0.8,
        _headings,
    ),
    Attribute(
        "code", LOG_COUNT, "Lines and snippets of code.", "answers without code", "answers with code", 1.0, _code
    ),
    Attribute(
        "emphasis",
        LOG_COUNT,
        "Words in bold, italics or capitals.",
        "answers without bold or capitals",
        "answers with words in bold or capitals",
        1.0,
        _emphasis,
    ),
    Attribute("emoji", LOG_COUNT, "Emoji and smileys.", "answers without emoji", "answers with emoji", 0.8, _emoji),
    Attribute(
        "exclamations",
        "per sentence",
        "Exclamation marks.",
        "answers without exclamation marks",
        "answers with exclamation marks",
        0.1,
        _exclamations,
    ),
    Attribute(
        "questions",
        "per sentence",
        "Question marks.",
        "answers without questions",
        "answers that ask questions",
        0.1,
        _questions,
    ),
    Attribute(
        "asides",
        ROOT_RATE,
        "Brackets and dashes that put something in.",
        "answers without asides",
        "answers with asides in brackets or dashes",
        0.6,
        _asides,
    ),
    Attribute(
        "quotes",
        ROOT_RATE,
        "Words between quotation marks.",
        "answers without quotations",
        "answers with quotations",
        0.4,
        _quotes,
    ),
)
