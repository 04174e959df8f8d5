"""What an import found, kept and refused."""

from collections import Counter
from dataclasses import dataclass, field

from idiolect.memory.importers.found import Found, Left, Said
from idiolect.memory.importers.proposing import Outcome, Quiet, Refused
from idiolect.schema import Noun, Proposal

SAMPLE = 10


class Refusal(Noun):
    """One thing that was refused, shown to the person who imports and kept nowhere."""

    why: str
    source: str
    text: str


class Report(Noun):
    """Counts of an import. `proposed` is what is new; of a dry run, what would be."""

    formats: tuple[str, ...]
    dry_run: bool
    messages: int  # of the person, in conversations
    memories: int  # entries of lists
    quiet: int  # messages that say nothing about the person
    proposed: int
    already: int  # that an earlier import brought
    refused: dict[str, int]  # by reason
    undated: int  # times that cannot be read; what was said then is kept without
    notes: tuple[str, ...] = ()
    sample: tuple[Proposal, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass
class Tally:
    """Counts while an import runs."""

    formats: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    sample: list[Proposal] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def found(self, found: Found) -> None:
        """Something in the file."""
        if isinstance(found, Left):
            return
        self.counts["messages" if isinstance(found, Said) else "memories"] += 1
        self.counts["undated"] += found.when.is_wrong

    def outcome(self, outcome: Outcome) -> None:
        """What became of it; proposals are counted when they are kept."""
        match outcome:
            case Refused(why=why):
                self.refused[why] += 1
                if len(self.refusals) < SAMPLE and outcome.text:
                    self.refusals.append(Refusal(why=why, source=outcome.source, text=_short(outcome.text)))
            case Quiet():
                self.counts["quiet"] += 1

    def kept(self, proposals: list[Proposal], already: int) -> None:
        """A batch: what is new of it, and how much was known."""
        self.counts["proposed"] += len(proposals)
        self.counts["already"] += already
        self.sample += proposals[: SAMPLE - len(self.sample)]

    def report(self, dry_run: bool) -> Report:
        """The counts so far."""
        return Report(
            formats=tuple(dict.fromkeys(self.formats)),
            dry_run=dry_run,
            messages=self.counts["messages"],
            memories=self.counts["memories"],
            quiet=self.counts["quiet"],
            proposed=self.counts["proposed"],
            already=self.counts["already"],
            undated=self.counts["undated"],
            refused=dict(self.refused.most_common()),
            notes=tuple(self.notes),
            sample=tuple(self.sample),
            refusals=tuple(self.refusals),
        )


def _short(text: str) -> str:
    """Readable in one line, whatever it was refused for."""
    plain = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:160])
    return plain if len(text) <= 160 else plain + "…"
