"""Text as a rule reads it: look-alikes, invisible characters, leetspeak, spaced-out letters and encodings undone.

`normalise` works on characters and is idempotent; `spellings` gives the words that one written word may stand for;
`decoded` finds text hidden in base64. Nothing here changes what a model or a person sees.
"""

import base64
import binascii
import re
import unicodedata

LONGEST_DECODED = 4_000  # characters of base64 that are decoded, all chunks together
MOST_CHUNKS = 8
SHORTEST_CHUNK = 16
DRAWN_OUT = "~"
JOINED = "^"
MAY_BE_TWO = 3  # letters of a joined word that may begin with "a" or "I": "a b o m b"

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
_NEWLINE = re.compile(r"[\r\u2028\u2029\x85\x0b\x0c\x1c-\x1e]")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_UNUSUAL = re.compile(r"[^\x00-\x7f]+")
_REPEATED_MARK = re.compile(r"([^\w\s])\1+")
_THRICE = re.compile(r"([a-z\x80-\uffff])\1\1+")
_SPACED = re.compile(
    r"\b[^\W_](?=[ .\-*][^\W_]\b)"  # a letter on its own before another, and then
    r"(?:([ .\-*])[^\W_]\b(?:\1[^\W_]\b)+"  # three or more, always the same between them
    r"|[.\-*][^\W_]\b"  # or two with more than a space between
    r"|(?:(?<=  .)|(?<=\A.)) [^\W_](?=  |\Z))"  # or two that stand apart from the rest
)
_SEPARATOR = re.compile(r"[ .\-*]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_NO_LETTER = re.compile(r"[^\w']|[\d_]")
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s",
                       "!": "i", "|": "l", "+": "t", "€": "e", "£": "l"})  # fmt: skip
_LEET_L = {**_LEET, ord("1"): "l", ord("!"): "l"}


def normalise(text: str) -> str:
    """Lower case, look-alikes and accents folded, nothing invisible, letters no longer spaced out. Idempotent.

    A mark stands behind a letter that was there three times or more, and behind a word that was spaced out and may be
    two ("a b o m b"): `spellings` knows what they may be.
    """
    before, after = "", _fold(text)
    while after != before:  # what one step leaves may be work for another; each step shortens what it changes
        before = after
        after = _SPACED.sub(_joined, _REPEATED_MARK.sub(r"\1", after))
        after = _THRICE.sub(rf"\1{DRAWN_OUT}", after)
    return after


def _fold(text: str) -> str:
    apart = _NEWLINE.sub("\n", text)
    if not apart.isascii():
        apart = _UNUSUAL.sub(_plain, apart)
    return _CONTROL.sub("", apart.replace("\t", " ").casefold()).replace("`", "'")


def _joined(run: re.Match[str]) -> str:
    word = _SEPARATOR.sub("", run.group())
    return word + JOINED if word[0] in "ai" and len(word) > MAY_BE_TWO else word


def _plain(run: re.Match[str]) -> str:
    """Letters beyond ASCII as the Latin ones that they look like, without accents, marks and invisible characters."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", run.group()).casefold()).translate(_FOLD)
    return "".join(" " if c.isspace() else c for c in apart if c.isascii() or unicodedata.category(c) not in _INVISIBLE)


def spellings(word: str) -> tuple[str, ...]:
    """The word itself, then what it says in leetspeak and without drawn-out letters."""
    if word.isalpha() or word.replace("'", "").isalpha():
        return (word,)
    found = dict.fromkeys([word])
    if any(c.isalpha() for c in word):
        for table in (_LEET, _LEET_L):
            found.update(dict.fromkeys(_drawn_in(word.translate(table))))
        if word.endswith(JOINED):
            found.update(dict.fromkeys([spelling[1:] for spelling in found]))
    return tuple(found)


def _drawn_in(word: str, most: int = 3) -> list[str]:
    """Letters and apostrophes only, each drawn-out letter once or twice."""
    before, mark, after = word.partition(DRAWN_OUT)
    bare = _NO_LETTER.sub("", before)
    if not mark or not most:
        return [bare]
    return [bare + bare[-1:] * again + rest for rest in _drawn_in(after, most - 1) for again in (0, 1)]


def decoded(text: str) -> list[str]:
    """Readable text found in base64 chunks; bounded in number and length."""
    found: list[str] = []
    budget = LONGEST_DECODED
    for match in (match for word in text.split() if len(word) >= SHORTEST_CHUNK for match in _BASE64.finditer(word)):
        chunk = match.group()[:budget].replace("-", "+").replace("_", "/")
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
