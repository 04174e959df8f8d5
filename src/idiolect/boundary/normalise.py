"""Text as a rule reads it: look-alikes, invisible characters, leetspeak, spaced-out letters and encodings undone.

`normalise` works on characters and is idempotent; `spellings` gives the words that one written word may stand for;
`decoded` finds text hidden in base64. Nothing here changes what a model or a person sees.
"""

import base64
import binascii
import re
import unicodedata
from functools import lru_cache

LONGEST_DECODED = 4_000  # characters of base64 that are decoded, all chunks together
MOST_CHUNKS = 8

_LOOKALIKES = {
    # Cyrillic, Greek, Armenian and Cherokee letters drawn like Latin ones; after casefold
    "а": "a", "ь": "b", "с": "c", "ԁ": "d", "е": "e", "ё": "e", "һ": "h", "і": "i", "ї": "i", "ј": "j", "к": "k",
    "ӏ": "l", "м": "m", "п": "n", "о": "o", "р": "p", "ԛ": "q", "г": "r", "ѕ": "s", "т": "t", "ц": "u", "ѵ": "v",
    "ԝ": "w", "х": "x", "у": "y", "в": "b", "н": "h", "α": "a", "β": "b", "ϲ": "c", "δ": "d", "ε": "e", "η": "n",
    "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "σ": "o", "ς": "s", "τ": "t", "υ": "u", "χ": "x", "γ": "y",
    "ω": "w", "օ": "o", "ո": "n", "ս": "u", "ց": "g", "ı": "i", "ɑ": "a", "ɡ": "g", "ɩ": "i", "ʟ": "l", "ɴ": "n",
    "ʀ": "r", "ᴀ": "a", "ʙ": "b", "ᴄ": "c", "ᴅ": "d", "ᴇ": "e", "ꜰ": "f", "ɢ": "g", "ʜ": "h", "ɪ": "i", "ᴊ": "j",
    "ᴋ": "k", "ᴍ": "m", "ᴏ": "o", "ᴘ": "p", "ꜱ": "s", "ᴛ": "t", "ᴜ": "u", "ᴠ": "v", "ᴡ": "w", "ʏ": "y", "ᴢ": "z",
    "ø": "o", "đ": "d", "ħ": "h", "ł": "l", "ŧ": "t", "’": "'", "‘": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"',
    "–": "-", "—": "-", "‐": "-", "−": "-", "·": ".", "•": ".",
}  # fmt: skip
_FOLD = str.maketrans(_LOOKALIKES)
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Mn", "Me"})
_PLAIN = re.compile(r"[\x20-\x7e\n]*")
_REPEATED_MARK = re.compile(r"([^\w\s])\1+")
_LONG_LETTER = re.compile(r"([^\W\d_])\1{2,}")
_SPACED = re.compile(r"(?<!\w)(?:[^\W_][ .\-_*]){2,}[^\W_](?!\w)")
_SEPARATOR = re.compile(r"[ .\-_*]")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{16,}={0,2}")
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s",
                       "!": "i", "|": "l", "+": "t", "€": "e", "£": "l"})  # fmt: skip
_LEET_L = str.maketrans({"1": "l", "!": "l"})


def normalise(text: str) -> str:
    """Lower case, look-alikes and accents folded, nothing invisible, letters no longer spaced out. Idempotent."""
    folded = _REPEATED_MARK.sub(r"\1", _fold(text))
    joined = _SPACED.sub(lambda run: _SEPARATOR.sub("", run.group()), folded)
    return _LONG_LETTER.sub(r"\1\1", joined)


def _fold(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text.casefold().replace("`", "'")
    spaced = "".join("\n" if c in "\n\r\u2028\u2029" else " " if c.isspace() else c for c in text)
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", spaced).casefold()).translate(_FOLD)
    return "".join(c for c in apart if c == "\n" or unicodedata.category(c) not in _INVISIBLE)


@lru_cache(maxsize=20_000)
def spellings(word: str) -> tuple[str, ...]:
    """The word itself, then what it says in leetspeak and without drawn-out letters."""
    found = [word]
    if not word.isalpha():
        for likely in (word.translate(_LEET_L).translate(_LEET), word.translate(_LEET)):
            bare = "".join(c for c in likely if c.isalpha() or c == "'")
            if any(c.isalpha() for c in word) and bare not in found:
                found.append(bare)
    found += [single for w in tuple(found) if (single := _undoubled(w)) not in found]
    return tuple(found)


def _undoubled(word: str) -> str:
    return re.sub(r"(.)\1", r"\1", word)


def decoded(text: str) -> list[str]:
    """Readable text found in base64 chunks; bounded in number and length."""
    found: list[str] = []
    budget = LONGEST_DECODED
    for match in _BASE64.finditer(text):
        chunk = match.group()[:budget].rstrip("=").replace("-", "+").replace("_", "/")
        budget -= len(chunk)
        readable = _readable(chunk)
        if readable:
            found.append(readable)
        if budget <= 0 or len(found) == MOST_CHUNKS:
            break
    return found


def _readable(chunk: str) -> str:
    try:
        raw = base64.b64decode(chunk[: len(chunk) - (len(chunk) % 4 == 1)] + "==", validate=False).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return raw if sum(c.isalpha() or c.isspace() for c in raw) > 0.8 * len(raw) else ""
