"""What a person may say of themselves in years, from templates: thousands of statements, each of another thing, so that
none merges with another or takes its place; and prompts, no two alike.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np

from idiolect.memory.extraction import extract
from idiolect.memory.store import UserStore
from idiolect.schema import Statement

THINGS: Final = """
museums hotels cafes bakeries markets restaurants beaches trains ferries airports gardens parks libraries concerts
festivals theatres films novels poems podcasts documentaries paintings sculptures ceramics candles lamps chairs
carpets curtains kitchens balconies bicycles scooters motorcycles cars tyres tents backpacks boots sandals jackets
scarves hats gloves watches rings perfumes soaps shampoos towels pillows blankets mattresses soups salads stews
curries noodles dumplings pies cakes cookies cheeses olives mushrooms peppers melons apples plums teas coffees juices
wines beers spices sauces puzzles games consoles keyboards headphones phones laptops tablets cameras printers drones
websites newsletters spreadsheets meetings workshops lectures seminars exams textbooks courses tutors gyms marathons
swims hikes climbs dances choirs guitars violins pianos drums records playlists cats dogs parrots horses rabbits
orchids roses cacti herbs sheds fences banks loans budgets invoices contracts weddings birthdays picnics barbecues
parades
"""
SORTS: Final = """
quiet loud cheap expensive old modern small large handmade local foreign colourful plain heavy light fancy simple
rustic elegant noisy crowded empty famous obscure traditional experimental seasonal northern southern coastal rural
urban indoor outdoor early late long short fast slow soft hard warm cold bright dark round square narrow wide thick
thin smooth rough sweet sour bitter salty mild strong formal casual private public digital printed wooden metal
leather cotton silk woollen recycled vintage imported regional homemade artisanal minimal ornate scented striped
painted folding borrowed
"""
SAID: Final = (
    "I love {}.",
    "I really like {}.",
    "I can't stand {}.",
    "I prefer {}.",
    "I hate {}.",
    "I enjoy {} a lot.",
    "I don't like {}.",
    "I avoid {}.",
)
ASKED: Final = (
    "Which {} would you recommend for next week, number {}?",
    "Can you help me to find {} near the station, plan {}?",
    "What should I know before I choose {}, in {} sentences?",
    "Write a short note to a friend about {}, version {}.",
    "How do I compare {} at a price of {} euros?",
)
MOST: Final = len(THINGS.split()) * len(SORTS.split())
TOGETHER: Final = 500  # statements of one transaction


def sayings(count: int, seed: int = 0) -> tuple[str, ...]:
    """So many different statements, at most MOST, in an order that follows from the seed."""
    if count > MOST:
        raise ValueError(f"{count} statements were asked for, and the templates make {MOST}: ask for fewer")
    pairs = _pairs()
    order = np.random.default_rng(seed).permutation(MOST)[:count]
    return tuple(SAID[int(place) % len(SAID)].format(pairs[place]) for place in order)


def prompts(seed: int = 0) -> Iterator[str]:
    """Prompts without end, most of them about things that statements are about."""
    rng, things, number = np.random.default_rng(seed), THINGS.split(), 0
    while True:
        number += 1
        yield ASKED[number % len(ASKED)].format(things[rng.integers(len(things))], number)


def lived(person: UserStore, texts: tuple[str, ...]) -> None:
    """Record statements as conversations would have."""
    for start in range(0, len(texts), TOGETHER):
        with person.transaction() as transaction:
            for text in texts[start : start + TOGETHER]:
                transaction.append(Statement(text=text, source="conversation", slots=extract(text)))


@cache
def _pairs() -> tuple[str, ...]:
    return tuple(f"{sort} {thing}" for thing in THINGS.split() for sort in SORTS.split())
