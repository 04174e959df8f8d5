"""Secrets and personal data in what a person wants remembered: found by form and checksum, and blotted out.

What is blotted out is not kept anywhere: a redacted text says what kind of thing stood there and nothing of it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import phonenumbers

from idiolect.memory.extraction.others import names_of_others

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", re.IGNORECASE)
KEY = re.compile(
    r"\b(?:sk|pk|rk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9]{16,}\b|\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bgithub_pat_\w{20,}\b"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\bxox[abeprs]-[\w-]{10,}|\bglpat-[\w-]{16,}|\bhf_[A-Za-z0-9]{20,}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bnpm_[A-Za-z0-9]{30,}\b"
)
PASSWORD = re.compile(
    r"\b(?:pass(?:word|code|phrase)|pin(?: code)?|pwd|api key|access key|secret(?: key)?|token)\b"
    r"(?: (?:for|of|to) [\w ]{1,30}?)?(?:\s+is|\s*[:=])\s*[\"'“]?(?P<secret>[^\s\"'”,;]{3,})",
    re.IGNORECASE,
)
TOKEN = re.compile(r"(?=\S*\d)\S{16,}|://\S+:\S+@")  # no key that is known is shorter
HEX = re.compile(r"[0-9a-fA-F]+")
RANDOM = (  # what may be random, and the fewest bits for each of its letters that nearly all random ones have
    (re.compile(r"(?<![\w/+.-])(?=[A-Za-z0-9+/]*\d[A-Za-z])[A-Za-z0-9+/]{20,}={0,2}(?![\w/+-])"), 3.6),
    (re.compile(r"\b(?=[\w+/-]*\d)(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])[A-Za-z0-9+/_-]{32,}={0,2}"), 4.15),
)
RANDOM_HEX = 3.0
NO_KEYS = frozenset({"IPPublicDetector"})
SOCIAL = re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b")
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "IN", "BR", "AU")  # where a number without + may be of
FEWEST_DIGITS = 7


class Found(NamedTuple):
    """Where something personal stands, and what it is."""

    start: int
    end: int
    what: str


def personal(text: str) -> list[Found]:
    """All that is found, in order; of what overlaps the first kind that found it."""
    kept = list[Found]()
    for found in (each for finder in FINDERS for each in finder(text)):
        if all(found.end <= other.start or found.start >= other.end for other in kept):
            kept.append(found)
    return sorted(kept)


def redacted(text: str) -> str:
    """The text with each thing replaced by its kind: "[card number]"."""
    for found in reversed(personal(text)):
        text = f"{text[: found.start]}[{found.what}]{text[found.end :]}"
    return text


def _secrets(text: str) -> Iterator[Found]:
    yield from (Found(*match.span("secret"), "password") for match in PASSWORD.finditer(text))
    yield from (Found(*match.span(), "key") for match in KEY.finditer(text))


def _tokens(text: str) -> Iterator[Found]:
    """Keys and tokens by the forms of many services, and random ones by their entropy, as detect-secrets knows them."""
    if TOKEN.search(text):  # else nothing can be found, and the library takes a third of a second to import
        for pattern in _forms():
            yield from (Found(*match.span(), "key") for match in pattern.finditer(text))
        for pattern, bits in RANDOM:
            found = (match for match in pattern.finditer(text) if _is_random(match.group(), bits))
            yield from (Found(*match.span(), "key") for match in found)


def _is_random(token: str, bits: float) -> bool:
    """Whether its letters and digits follow no pattern, in bits for each of them."""
    from detect_secrets.plugins.high_entropy_strings import (
        Base64HighEntropyString,
        HexHighEntropyString,
    )

    if HEX.fullmatch(token):
        return float(HexHighEntropyString(RANDOM_HEX).calculate_shannon_entropy(token)) > RANDOM_HEX
    return float(Base64HighEntropyString(bits).calculate_shannon_entropy(token)) > bits


@cache
def _forms() -> tuple[re.Pattern[str], ...]:
    """Of every service that the library knows; those that need a host, or a word beside them, are among them."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    known: Mapping[str, type[object]] = get_mapping_from_secret_type_to_class()
    named = (each for each in known.values() if each.__name__ not in NO_KEYS)
    detectors = [each() for each in named if issubclass(each, RegexBasedDetector)]
    return tuple(pattern for detector in detectors for pattern in detector.denylist)


def _emails(text: str) -> Iterator[Found]:
    yield from (Found(*match.span(), "e-mail address") for match in EMAIL.finditer(text))


def _numbers(text: str) -> Iterator[Found]:
    for match in IBAN.finditer(text):
        if is_iban(match.group()):
            yield Found(*match.span(), "IBAN")
    for match in CARD.finditer(text):
        if is_card(match.group()):
            yield Found(*match.span(), "card number")
    yield from (Found(*match.span(), "social security number") for match in SOCIAL.finditer(text))


def _phones(text: str) -> Iterator[Found]:
    if sum(map(str.isdigit, text)) < FEWEST_DIGITS:
        return
    seen = set[tuple[int, int]]()
    for region in REGIONS:
        for match in phonenumbers.PhoneNumberMatcher(text, region):
            if (match.start, match.end) not in seen:
                seen.add((match.start, match.end))
                yield Found(match.start, match.end, "phone number")


def _people(text: str) -> Iterator[Found]:
    yield from (Found(begin, end, "name") for begin, end in names_of_others(text))


FINDERS: tuple[Callable[[str], Iterator[Found]], ...] = (_secrets, _tokens, _emails, _numbers, _phones, _people)


def is_card(text: str) -> bool:
    """Whether 13 to 19 digits pass Luhn's check (ISO/IEC 7812-1, annex B)."""
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) if odd % 2 else d for odd, d in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and sum(doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the check digits of ISO 13616 are right: the whole, its first four last, is 1 modulo 97."""
    plain = "".join(text.split()).upper()
    turned = f"{plain[4:]}{plain[:4]}"
    return (
        15 <= len(plain) <= 34
        and plain.isalnum()
        and plain.isascii()
        and int("".join(str(int(c, 36)) for c in turned)) % 97 == 1
    )
