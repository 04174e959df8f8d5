"""Attributes of voice: who speaks to whom, in what register and mood."""

from idiolect.features.attribute import ROOT_RATE, Attribute, listed
from idiolect.features.reading import Reading, count, words_of


def _formality(reading: Reading) -> float:
    formal = reading.hits["formal answers"] + 0.5 * sum(w.is_latinate for w in reading.known)
    informal = reading.hits["informal"] + reading.hits["contractions"]
    return reading.rate(formal, typical=3.0) - reading.rate(informal, typical=2.5)


def _positivity(reading: Reading) -> float:
    return reading.rate(reading.hits["positive"], typical=2.5) - reading.rate(reading.hits["negative"], typical=1.0)


def _directness(reading: Reading) -> float:
    if not reading.openings:
        return 0.0
    return -float(min(2, count(reading.openings[0])["preamble"]))


def _closing_offer(reading: Reading) -> float:
    if len(reading.sentences) < 2:
        return 0.0
    last = reading.sentences[-1]
    return float(count(words_of(last))["offer"] > 0 or last.rstrip("*_\"') ").endswith(("?", "？")))


VOICE = (
    listed("first_person", "I, me and my.", "answers without I", "answers that speak as I", typical=0.4),
    listed("we", "We, us and our.", "answers without we", "answers that say we", typical=0.1),
    listed(
        "you",
        "You and your.",
        "answers that do not address the reader",
        "answers that address the reader as you",
        typical=2.2,
    ),
    listed(
        "contractions",
        "Shortened forms such as don't and it's.",
        "answers with words written out in full",
        "answers with contractions",
        typical=1.3,
    ),
    Attribute(
        "formality",
        f"{ROOT_RATE}, formal less informal",
        "Formal and Latinate words, less colloquial words and contractions.",
        "casual answers",
        "formal answers",
        0.6,
        _formality,
    ),
    listed("hedging", "Maybe, perhaps, it seems.", "answers without hedging", "answers that hedge", typical=0.6),
    listed(
        "certainty",
        "Certainly, always, no doubt.",
        "answers that leave room for doubt",
        "answers that sound certain",
        typical=0.7,
    ),
    listed(
        "caveats",
        "Warnings, limits and disclaimers.",
        "answers without caveats",
        "answers with caveats and warnings",
        typical=0.25,
    ),
    listed(
        "politeness", "Please, thank you, may I.", "answers without courtesies", "answers with courtesies", typical=0.05
    ),
    listed(
        "warmth", "Friendly, caring and cheering words.", "cool and matter-of-fact answers", "warm answers", typical=0.5
    ),
    listed(
        "empathy",
        "Words for feelings and understanding.",
        "answers that keep to the matter",
        "answers that feel with you",
        typical=0.2,
    ),
    Attribute(
        "positivity",
        f"{ROOT_RATE}, positive less negative",
        "Positive words less negative ones.",
        "sombre or critical answers",
        "upbeat answers",
        0.6,
        _positivity,
    ),
    listed("enthusiasm", "Amazing, truly, very.", "answers in sober words", "enthusiastic answers", typical=0.5),
    listed("humour", "Jokes, puns and playful words.", "serious answers", "playful and humorous answers", typical=0.02),
    Attribute(
        "directness",
        "less opening phrases",
        "Whether the answer comes at once, with no greeting or preamble before it.",
        "answers that open with a greeting or preamble",
        "answers that come straight to the point",
        0.5,
        _directness,
    ),
    Attribute(
        "closing_offer",
        "0 or 1",
        "Whether it ends with a question or an offer of more help.",
        "answers that simply end",
        "answers that end with an offer or a question",
        0.5,
        _closing_offer,
    ),
)
