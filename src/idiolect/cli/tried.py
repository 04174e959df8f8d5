"""What `idiolect policy test` prints: verdicts on requests, and the door's on statements. Nothing is stored."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from idiolect.boundary import Boundary
from idiolect.boundary.corpus import read_lines
from idiolect.errors import BadInput
from idiolect.memory.gate import gate
from idiolect.schema import Noun, as_messages

EMPTY = "empty"  # in the place of a verdict


class Line(BaseModel):
    """One line of a file; other keys are left alone. A statement is typed by the person where no source is named."""

    model_config = ConfigDict(extra="ignore")

    text: str
    source: str = "typed"


class Asked(BaseModel):
    """A line of requests, of which the text is read alone: `source` is there the name of a set."""

    model_config = ConfigDict(extra="ignore")

    text: str


class Tried(Noun):
    """One verdict. `score`: r_0 of a request; of a statement 1 let in, 0 refused, a half waits for the person."""

    text: str
    verdict: str
    category: str | None
    score: float
    rule: str | None
    version: str


def tried_requests(boundary: Boundary, text: str | None, file: Path | None) -> Iterator[Tried]:
    """A verdict for each, in order; of a line without words that it is empty. Raises BadInput for an empty text."""
    if text is not None and not text.strip():
        raise BadInput("the request is empty, so there is nothing to judge: give its text")
    texts = [*([text] if text is not None else []), *(each.text for each in (read_lines(file, Asked) if file else []))]
    for each in texts:
        if not each.strip():
            yield Tried(text=each, verdict=EMPTY, category=None, score=1.0, rule=None, version=boundary.version)
            continue
        said = boundary.judge_request(as_messages(each))
        is_noticed = said.action != "allow"  # what came nearest to an allowed one is no verdict on it
        yield Tried(
            text=each,
            verdict=said.action,
            category=said.category if is_noticed else None,
            score=said.score,
            rule=said.rule if is_noticed else None,
            version=said.policy_version,
        )


def tried_statements(file: Path | None) -> Iterator[Tried]:
    """What the memory's door makes of each, in order."""
    for line in read_lines(file, Line) if file else []:
        said = gate(line.text, line.source)
        yield Tried(
            text=said.text,
            verdict=said.verdict,
            category=said.category,
            score=said.score,
            rule=said.rule,
            version=said.version,
        )
