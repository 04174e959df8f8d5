"""Writes the catalogue from `vocabulary.toml`: the same seed gives the same items, texts and reviews.

An item draws its attributes; its text and its reviews then tell of them, and of nothing else. Quality costs: a price
follows how sturdy something is and where it was made, with chance. A rating follows how good it is for its price.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from examples.shop.catalogue import Catalogue, Item

VOCABULARY = Path(__file__).parent / "vocabulary.toml"
EACH = 60  # items of a department
QUALITIES = ("sturdy", "light", "easy")
SHARE_PAID = 0.1
DEARER = {"workshop": 0.8, "cooperative": 0.3, "nearby": 0.4, "factory": -0.9}
FROM_ANIMALS = {
    "leather": "leather",
    "wool felt": "wool",
    "boiled wool": "wool",
    "goose down": "down",
    "hard cheese": "milk",
}
LABEL = {
    "almonds": "nuts",
    "hazelnuts": "nuts",
    "rye": "gluten",
    "oats": "gluten",
    "fudge": "milk",
    "biscuits": "gluten",
}
Sentences = tuple[tuple[str, ...], tuple[str, ...]]  # the shop's, and the customers'


class Poles(BaseModel):
    """What is said of much of a quality, and of little."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    much: Sentences
    little: Sentences


class Department(BaseModel):
    """Words of one department."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    one: str  # what is looked for in it
    price: tuple[float, float]
    kinds: tuple[str, ...]
    materials: tuple[str, ...]
    openings: tuple[str, ...] = (
        "{kind} of {material} in {colour}, {style}.",
        "{colour} {kind} of {material}, {style}.",
        "In {colour}: {kind} of {material}, {style}.",
    )
    styles: Mapping[str, tuple[str, ...]] = {}  # in place of those of all departments
    sturdy: Poles
    light: Poles
    easy: Poles

    def poles(self, quality: str) -> Poles:
        """Of one of `QUALITIES`."""
        return {"sturdy": self.sturdy, "light": self.light, "easy": self.easy}[quality]


class Vocabulary(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    styles: Mapping[str, tuple[str, ...]]
    colours: Mapping[str, tuple[str, ...]]
    made: Mapping[str, tuple[str, ...]]
    qualities: Mapping[str, str]
    departments: Mapping[str, Department]


def vocabulary() -> Vocabulary:
    """The shop's own."""
    return Vocabulary.model_validate(tomllib.loads(VOCABULARY.read_text(encoding="utf-8")))


def written(seed: int = 0, each: int = EACH) -> Catalogue:
    """A catalogue of which nothing was sold yet."""
    words, rng = vocabulary(), np.random.default_rng(seed)
    items = [_item(words, name, number, rng) for name in words.departments for number in range(1, each + 1)]
    paid = rng.random(len(items)) < SHARE_PAID
    return Catalogue(
        [item.model_copy(update={"paid": bool(is_paid)}) for item, is_paid in zip(items, paid, strict=True)]
    )


def _item(words: Vocabulary, name: str, number: int, rng: np.random.Generator) -> Item:
    department = words.departments[name]
    kind, material = _one(department.kinds, rng), _one(department.materials, rng)
    style, shade, made = (_one(tuple(table), rng) for table in (words.styles, words.colours, words.made))
    degrees = {quality: int(rng.integers(1, 6)) for quality in QUALITIES}
    good = (sum(degrees.values()) - 9) / 3.5 + rng.normal(scale=0.8)
    position = 1 / (1 + np.exp(-(0.5 * (degrees["sturdy"] - 3) / 1.4 + DEARER[made] + rng.normal(scale=0.8))))
    low, high = np.log(department.price)
    colour = _one(words.colours[shade], rng)
    text = _text(words, department, rng, {"kind": kind, "material": material, "colour": colour}, (style, made), degrees)
    return Item.model_validate(
        {
            "id": f"{name}-{number:02d}",
            "department": name,
            "name": f"{_one(NAMES, rng)} {kind}, {material}, {colour}",
            "price_eur": round(float(np.exp(low + position * (high - low))) * 2) / 2,
            "material": material,
            "style": style,
            "shade": shade,
            "made": made,
            **degrees,
            "contains": tuple(_labels(kind, material)),
            "rating": round(float(np.clip(3.8 + 0.45 * good - 0.5 * (position - 0.5), 1, 5)), 1),
            "sold": 0,
            "text": text,
            "reviews": tuple(_reviews(department, degrees, rng)),
        }
    )


def _text(
    words: Vocabulary,
    department: Department,
    rng: np.random.Generator,
    named: Mapping[str, str],
    kept: tuple[str, str],
    degrees: Mapping[str, int],
) -> str:
    style, made = kept
    opening = _one(department.openings, rng).format(
        **named, style=_one((department.styles or words.styles)[style], rng)
    )
    told = [_one(_pole(department, quality, degree)[0], rng) for quality, degree in degrees.items() if degree != 3]
    return " ".join([opening[0].upper() + opening[1:], *told, _one(words.made[made], rng)])


def _reviews(department: Department, degrees: Mapping[str, int], rng: np.random.Generator) -> Sequence[str]:
    """Of the two qualities that stand out most."""
    outstanding = sorted(degrees, key=lambda quality: -abs(degrees[quality] - 3))[:2]
    return [_one(_pole(department, each, degrees[each])[1], rng) for each in outstanding if degrees[each] != 3]


def _pole(department: Department, quality: str, degree: int) -> Sentences:
    poles = department.poles(quality)
    return poles.much if degree > 3 else poles.little


def _labels(kind: str, material: str) -> list[str]:
    found = {LABEL[each] for each in (kind, material) if each in LABEL}
    found |= {FROM_ANIMALS[material]} if material in FROM_ANIMALS else set()
    return sorted(f"nuts ({material})" if each == "nuts" else each for each in found)


def _one(among: Sequence[str], rng: np.random.Generator) -> str:
    return among[int(rng.integers(len(among)))]


NAMES = (
    "Alder", "Birk", "Corvo", "Dune", "Elm", "Fjord", "Garnet", "Heron", "Isla", "Juno", "Kestrel", "Linden", "Merle",
    "Nordic", "Osier", "Perch", "Quill", "Rowan", "Sorrel", "Tarn", "Umber", "Vale", "Wren", "Yarrow", "Zephyr",
)  # fmt: skip
