"""What a person says, folded into the statements that hold now."""

from collections.abc import Iterable

from idiolect.memory.extraction import preferences_of
from idiolect.schema import AnyEvent, Correction, Preference, Statement


def folded(events: Iterable[AnyEvent]) -> tuple[Preference, ...]:
    """Statement and Correction events, oldest first -> the preferences in force, oldest first.

    A statement about the same attribute replaces the older one, and so does the same sentence said again; a correction
    that names a statement drops all that came from it.
    """
    held: dict[tuple[str, str], Preference] = {}
    for event in events:
        match event:
            case Statement():
                for preference in preferences_of(event):
                    key = _topic(preference)
                    held.pop(key, None)  # said anew, it moves to the end
                    held[key] = preference
            case Correction(statement=str(dropped)):
                held = {key: preference for key, preference in held.items() if preference.id != dropped}
    return tuple(held.values())


def _topic(preference: Preference) -> tuple[str, str]:
    """Two preferences with one topic cannot both hold."""
    if preference.attribute is not None:
        return "attribute", preference.attribute
    return preference.kind, " ".join(preference.text.casefold().split()).rstrip(".!")
