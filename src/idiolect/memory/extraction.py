"""From a person's sentence to slots: which attribute of an answer it asks for, what kind of statement it is."""

from idiolect.errors import BadInput
from idiolect.schema import Preference, Statement

LONGEST = 1000


def admitted(text: str) -> str:
    """The statement, if it may be kept. Raises BadInput."""
    if not text.strip() or len(text) > LONGEST:
        raise BadInput(f"a statement has 1 to {LONGEST} characters: say it shorter")
    return text


def style_statements(text: str) -> tuple[tuple[str, int], ...]:
    """(attribute, polarity) pairs."""
    del text
    return ()


def preferences_of(statement: Statement) -> tuple[Preference, ...]:
    """The slots of a statement."""
    return (Preference(id=statement.id, kind="topic", text=statement.text, at=statement.at),)
