"""What a topic and a source mean, where statements are listed, decided on or forgotten by them."""

from idiolect.schema import Preference, Proposal, Slots


def is_about(told: Slots | Preference, topic: str) -> bool:
    """Whether a statement is of this area, or of this thing."""
    sought = " ".join(topic.casefold().split())
    return told.topic.casefold() == sought or f" {sought} " in f" {' '.join(told.object.casefold().split())} "


def is_from(told: Proposal | Preference, source: str) -> bool:
    """Whether it came from this source: a kind of source ("import"), one of them, or one place in it."""
    sought = source.strip()
    return sought == told.origin or f"{told.source},".startswith(f"{sought},")
