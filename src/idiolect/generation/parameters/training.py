"""OPPU: a LoRA of a person's own, trained from what they chose and wrote (Tan et al., 2024, arXiv 2402.04401).

The paper fine-tunes on a person's own texts. Here most evidence is a choice between two answers of the model, and fifty
of them tell a network's weights little. So the belief that follows from them is the teacher: it says how well the
answers that were compared are liked, and the other candidates of the same turns, which nobody looked at; the LoRA is
what moves the model that way (inner/training.py has the objective). Without a belief each choice counts alone.
D_u: choices, edits and the interview. Shared: the model, A_u. Per user: B_u. Cold start: refused, see `least`.

It runs on a network of its own, loaded from the same files, so that serving goes on; equal evidence, settings and
threads give equal weights. This file needs torch: it is imported where an open model is there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TypeAlias

from idiolect.errors import BadInput
from idiolect.generation.parameters.evidence import Example, examples_of
from idiolect.generation.parameters.inner.gates import gates_of, scores
from idiolect.generation.parameters.inner.patched import Text
from idiolect.generation.parameters.inner.training import Trained, liking, tangents
from idiolect.generation.parameters.lora_file import Combine, Lora, arrays_of
from idiolect.generation.parameters.pieces import chosen, put_together
from idiolect.generation.parameters.registry import GATES, Adapter, Card, Registry
from idiolect.generation.parameters.settings import GateSettings, LoraSettings, PieceSettings
from idiolect.generation.parameters.sharing import allow, consent_of
from idiolect.memory.store import UserStore
from idiolect.models import WhiteBox
from idiolect.models.white_box.engine import PREFIX
from idiolect.models.white_box.weights import Loaded, load
from idiolect.schema import Array, Message

ENDS = (*".!?\"'`)]*|", "\u201d")  # what is cut short rarely stops there

Teacher: TypeAlias = Callable[[UserStore, Sequence[Sequence[str]]], Sequence[Array]]


@dataclass(frozen=True)
class Workshop:
    """What adapters are made with."""

    model: WhiteBox
    registry: Registry
    system: str | None = None  # what the model is told before each prompt; None: nothing, or its template's own
    lora: LoraSettings = field(default_factory=LoraSettings)
    gates: GateSettings = field(default_factory=GateSettings)
    pieces: PieceSettings = field(default_factory=PieceSettings)
    teacher: Teacher | None = None  # r_u of a person, of some prompts' answers (n,) each; None: choices count alone

    def network(self) -> Loaded:
        """The model once more, to be trained on while the other one answers."""
        return load(self.model.name.removeprefix(PREFIX), self.model.settings)

    def taught(self, person: UserStore) -> list[Example]:
        """A person's examples, with what is believed of their answers where there is a teacher."""
        examples = examples_of(person)
        if self.teacher is None or not examples:
            return examples
        several = [(each.chosen, each.rejected, *each.others) for each in examples]
        values = self.teacher(person, several)
        return [replace(each, liked=tuple(map(float, of))) for each, of in zip(examples, values, strict=True)]

    def texts(self, examples: Sequence[Example]) -> list[Text]:
        """As token ids, the preferred answer first; the newest examples, as many as may be read."""
        found, left = list[Text](), self.lora.most
        for each in reversed(examples):
            answers = each.answers[: self.lora.answers]
            left -= len(answers)
            if left < 0:
                break
            found.append(replace(self.text(each.prompt, answers), liked=each.liked[: len(answers)]))
        return found[::-1]

    def text(self, prompt: str, answers: Sequence[str]) -> Text:
        """One prompt with some answers, as much of them as is read."""
        return Text(self._prompt(prompt), [self._answer(text) for text in answers])

    def card(self, examples: int) -> Card:
        """Of a LoRA for this model."""
        name = self.model.name.removeprefix(PREFIX)
        return Card(kind="lora", model=name, fingerprint=self.model.fingerprint, examples=examples)

    def _prompt(self, prompt: str) -> list[int]:
        before = [Message(role="system", content=self.system)] if self.system else []
        return self.model.prompt_ids([*before, Message(role="user", content=prompt)])[-self.lora.prompt_tokens :]

    def _answer(self, text: str) -> list[int]:
        ids = self.model.tokenize(text)[: self.lora.answer_tokens]
        is_whole = len(ids) < self.lora.answer_tokens and text.rstrip().endswith(ENDS)
        return [*ids, self.model.end] if is_whole or not ids else ids


def train(person: UserStore, shop: Workshop, stop: Event | None = None) -> Adapter:
    """Train a person's LoRA and keep it in the place of the one before.

    Raises BadInput where there is too little to learn from or nothing was learnt, Stopped, and Forgotten where
    something was forgotten meanwhile.
    """
    head = person.head()
    examples = shop.taught(person)
    enough(person.id, len(examples), shop.lora.least)
    assert head is not None  # whoever has examples has events
    loaded = shop.network()
    texts = shop.texts(examples)
    trained = fitted(loaded, texts, shop.lora, stop)
    if not trained.has_learnt:
        raise BadInput(
            f"the {len(examples)} choices of {person.id} do not foretell each other, so no adapter was kept; use "
            "`--method profile+token-values`, or train again after more choices"
        )
    consent = consent_of(person)
    gates = gates_of(loaded.module, trained.lora, texts, shop.gates, stop) if consent else None
    events = {event for each in examples for event in each.events} | ({consent} if consent else set())
    card = shop.card(len(examples)).model_copy(update={"is_shared": consent is not None, "figures": figures(trained)})
    return shop.registry.put(person, trained.lora, card, events=events, epoch=head.epoch, gates=gates)


def enough(user: str, have: int, least: int) -> None:
    """Raises BadInput with the number needed, and what to use instead."""
    if have < max(least, 1):
        raise BadInput(
            f"{user} has made {have} choices and edits, and an adapter of one's own needs {max(least, 1)}: until then "
            "use `--method profile+token-values`, or `pieces` where others share theirs"
        )


def fitted(loaded: Loaded, texts: Sequence[Text], settings: LoraSettings, stop: Event | None = None) -> Trained:
    """A LoRA from answers to prompts, of each prompt at least two. Raises Stopped."""
    return tangents(loaded.module, texts, settings, stop).fitted(liking(texts), settings)


def figures(trained: Trained) -> dict[str, float]:
    """Of a training, for the card."""
    return {
        "seconds": round(trained.seconds, 1),
        "answers": trained.answers,
        "held_out_correlation": round(trained.correlation, 4),
        "held_out_accuracy": round(trained.accuracy, 4),
    }


def share(person: UserStore, shop: Workshop) -> bool:
    """Note a person's consent, and cut the adapter that they have into pieces; whether they have one.

    Raises WeightsError for an adapter of another model, and Forgotten where something was forgotten meanwhile.
    """
    consent, head = allow(person), person.head()
    held = shop.registry.get(person, "lora", shop.model.fingerprint)
    if held is None or head is None:
        return False
    examples, lora = examples_of(person), Lora.load(held.path)
    gates = gates_of(shop.network().module, lora, shop.texts(examples), shop.gates)
    events = {event for each in examples for event in each.events} | {consent}
    card = held.card.model_copy(update={"is_shared": True})
    shop.registry.put(person, lora, card, events=events, epoch=head.epoch, gates=gates)
    return True


def assembled(person: UserStore, shop: Workshop, combine: Combine = "product", stop: Event | None = None) -> Adapter:
    """Put a person's adapter together from pieces of those who share theirs, and keep it (see pieces.py).

    Raises BadInput where nobody shares, or the person has too few texts.
    """
    head, examples = person.head(), examples_of(person)[-shop.pieces.latest :]
    if len(examples) < shop.pieces.least or head is None:
        raise BadInput(
            f"{person.id} has made {len(examples)} choices and edits, and an adapter from others' pieces needs "
            f"{shop.pieces.least}: until then use `--method profile+token-values`"
        )
    own = shop.registry.hashed(person.id)
    pool = [each for each in shop.registry.shared(shop.model.fingerprint) if each.owner != own]
    if not pool:
        raise BadInput("nobody shares the pieces of an adapter for this model: `idiolect adapters share -u USER` does")
    loras = [Lora.load(each.path) for each in pool]
    found = scores(shop.network().module, [arrays_of(each.path / GATES) for each in pool], shop.texts(examples))
    selection = {module: chosen(each, shop.pieces) for module, each in found.items()}
    lora = put_together(loras, selection, combine)
    used = {at for picked in selection.values() for at in picked}
    card = shop.card(len(examples)).model_copy(
        update={"kind": "pieces", "contributors": tuple(sorted({pool[at].owner for at in used}))}
    )
    events = {event for each in examples for event in each.events}
    return shop.registry.put(person, lora, card, events=events, epoch=head.epoch)
