"""From what a person says to statements in slots, without a language model; and what may be kept of it at all."""

from idiolect.memory.extraction.admission import admitted, kind_of, preferences_of
from idiolect.memory.extraction.choosing import Pick, options, picked, picked_option, picks
from idiolect.memory.extraction.documents import own_words
from idiolect.memory.extraction.oneself import of_oneself, told
from idiolect.memory.extraction.reading import extract, stated
from idiolect.memory.extraction.style import style_statements

__all__ = [
    "Pick",
    "admitted",
    "extract",
    "kind_of",
    "of_oneself",
    "options",
    "own_words",
    "picked",
    "picked_option",
    "picks",
    "preferences_of",
    "stated",
    "style_statements",
    "told",
]
