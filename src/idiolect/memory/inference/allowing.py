"""What a person allows to be inferred, as they see it."""

from datetime import datetime

from idiolect.errors import NotAllowed
from idiolect.memory.inference import READERS
from idiolect.memory.inference.counting import counting
from idiolect.memory.reading import Reading
from idiolect.schema import AnyEvent, Inference, Noun, Signal, now, own_id


class Allowance(Noun):
    """One kind of inference."""

    inference: Inference
    reads: str  # what is read, in words for the person
    allowed: bool
    since: datetime | None = None
    counts: int = 0  # pieces of evidence in numbers that count now
    waiting: int = 0  # proposals


class Allowances(Noun):
    """Every kind of inference: all are off until the person allows them."""

    user: str
    kinds: tuple[Allowance, ...]
    changes: tuple[str, ...] = ()  # what became different by what was asked, in a sentence each

    def since(self, before: "Allowances") -> "Allowances":
        """The same, told as what changed."""
        pairs = zip(before.kinds, self.kinds, strict=True)
        told = tuple(_change(old, new) for old, new in pairs if old.allowed != new.allowed)
        return self.model_copy(update={"changes": told or ("nothing changed: it was so already",)})


def allowances(reader: Reading) -> Allowances:
    """What a person allows now, and what came of it."""
    consents = reader.ask(lambda statements: statements.consents.copy())
    guesses = reader.ask(lambda statements: statements.guesses())
    found = counting(reader, now())
    counts: dict[Inference, int] = {
        "repeats": 0,
        "reactions": len(found.pairs) + len(found.seen),
        "style": len(found.leanings),
    }
    kinds = []
    for name, reads in READERS.items():
        held = consents.allowed.get(name)
        since = None if held is None else held.since
        waiting = sum(each.by == name for each in guesses)
        kinds.append(
            Allowance(
                inference=name,
                reads=reads.means,
                allowed=held is not None,
                since=since,
                counts=counts[name],
                waiting=waiting,
            )
        )
    return Allowances(user=own_id(reader.id), kinds=tuple(kinds))


def demand(reader: Reading, event: AnyEvent) -> None:
    """Raises NotAllowed for a signal of a person who does not allow that anything is learnt from such."""
    if isinstance(event, Signal) and not allows(reader, "reactions"):
        raise NotAllowed(
            f"{reader.id} does not allow that anything is learnt from what they do with answers, so it was not kept: "
            f"`idiolect memory consent reactions -u {reader.id}` allows it, as does the page"
        )


def allows(reader: Reading, inference: Inference) -> bool:
    """Whether a person allows it now."""
    return reader.ask(lambda statements: inference in statements.consents.allowed)


def _change(old: Allowance, new: Allowance) -> str:
    if new.allowed:
        return f"{new.inference}: allowed from now on; what came before is not looked at"
    counts, proposals = old.counts - new.counts, old.waiting - new.waiting
    return f"{new.inference}: taken back; evidence that counts no more: {counts}, proposals withdrawn: {proposals}"
