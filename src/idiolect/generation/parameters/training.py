"""OPPU: a LoRA of a person's own, trained from what they chose and wrote (Tan et al., 2024, arXiv 2402.04401).

    min over Delta_u, the mean over D_u of  -log sigma(beta (h(y+) - h(y-))) - words log pi(y+ | x) / |y+|

The paper fine-tunes on a person's own texts. Here most evidence is a choice between two answers of the model, so that
likelihood alone would teach what the model says anyway: the difference is what is learnt (DPO, 2305.18290, eq. 7), with
the likelihood beside it (Iterative RPO, 2404.19733, eq. 1), and an edit is a choice of the person's words over the
model's. D_u: choices, edits and the interview. Shared: the model. Per user: B_u, A_u. Cold start: refused, see `least`.

It runs on a network of its own, loaded from the same files, so that serving goes on; equal evidence, settings and
threads give equal weights. This file needs torch: it is imported where an open model is there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

from idiolect.errors import BadInput
from idiolect.generation.parameters.evidence import Example, examples_of
from idiolect.generation.parameters.inner.gates import gates_of, scores
from idiolect.generation.parameters.inner.patched import Text
from idiolect.generation.parameters.inner.training import Course, Trained
from idiolect.generation.parameters.lora_file import Combine, Lora, arrays_of
from idiolect.generation.parameters.pieces import chosen, put_together
from idiolect.generation.parameters.registry import GATES, Adapter, Card, Registry
from idiolect.generation.parameters.settings import GateSettings, LoraSettings, PieceSettings
from idiolect.generation.parameters.sharing import allow, consent_of
from idiolect.memory.store import UserStore
from idiolect.models import WhiteBox
from idiolect.models.white_box.engine import PREFIX
from idiolect.models.white_box.weights import Loaded, load
from idiolect.schema import Message


@dataclass(frozen=True)
class Workshop:
    """What adapters are made with."""

    model: WhiteBox
    registry: Registry
    system: str | None = None  # what the model is told before each prompt; None: nothing, or its template's own
    lora: LoraSettings = field(default_factory=LoraSettings)
    gates: GateSettings = field(default_factory=GateSettings)
    pieces: PieceSettings = field(default_factory=PieceSettings)

    def network(self) -> Loaded:
        """The model once more, to be trained on while the other one answers."""
        return load(self.model.name.removeprefix(PREFIX), self.model.settings)

    def texts(self, examples: Sequence[Example]) -> list[Text]:
        """As token ids, the preferred answer first."""
        return [
            Text(self._prompt(each.prompt), [self._answer(each.chosen), self._answer(each.rejected)])
            for each in examples
        ]

    def card(self, examples: Sequence[Example]) -> Card:
        """Of a LoRA for this model."""
        name = self.model.name.removeprefix(PREFIX)
        return Card(kind="lora", model=name, fingerprint=self.model.fingerprint, examples=len(examples))

    def _prompt(self, prompt: str) -> list[int]:
        before = [Message(role="system", content=self.system)] if self.system else []
        return self.model.prompt_ids([*before, Message(role="user", content=prompt)])[-self.lora.prompt_tokens :]

    def _answer(self, text: str) -> list[int]:
        ids = self.model.tokenize(text)
        most = self.lora.answer_tokens
        return ids[:most] if len(ids) >= most else [*ids, self.model.end]


def train(person: UserStore, shop: Workshop, stop: Event | None = None) -> Adapter:
    """Train a person's LoRA and keep it in the place of the one before.

    Raises BadInput where there is too little to learn from or nothing was learnt, Stopped, and Forgotten where
    something was forgotten meanwhile.
    """
    head = person.head()
    examples = examples_of(person)
    enough(person.id, len(examples), shop.lora.least)
    assert head is not None  # whoever has examples has events
    loaded = shop.network()
    texts = shop.texts(examples)
    trained = fitted(loaded, texts, shop.lora, stop)
    if shop.lora.held_out and not trained.has_learnt:
        raise BadInput(
            f"the {len(examples)} choices of {person.id} do not foretell each other: no pass was better than the model "
            "as it is, so no adapter was kept; use `--method profile+token-values`, or train again after more choices"
        )
    consent = consent_of(person)
    gates = gates_of(loaded.module, trained.lora, texts, shop.gates, stop) if consent else None
    events = {event for each in examples for event in each.events} | ({consent} if consent else set())
    card = shop.card(examples).model_copy(update={"is_shared": consent is not None, "figures": figures(trained)})
    return shop.registry.put(person, trained.lora, card, events=events, epoch=head.epoch, gates=gates)


def enough(user: str, have: int, least: int) -> None:
    """Raises BadInput with the number needed, and what to use instead."""
    if have < max(least, 1):
        raise BadInput(
            f"{user} has made {have} choices and edits, and an adapter of one's own needs {max(least, 1)}: until then "
            "use `--method profile+token-values`, or `pieces` where others share theirs"
        )


def fitted(loaded: Loaded, texts: Sequence[Text], settings: LoraSettings, stop: Event | None = None) -> Trained:
    """A LoRA from pairs of answers. Raises Stopped."""
    return Course(loaded.module, texts, settings).run(stop)


def figures(trained: Trained) -> dict[str, float]:
    """Of a training, for the card."""
    kept = {
        "seconds": round(trained.seconds, 1),
        "steps": trained.steps,
        "held_out_before": trained.held[0],
        "held_out_after": min(trained.held),
        "held_out_accuracy": trained.accuracy,
    }
    return {name: value for name, value in kept.items() if math.isfinite(value)}


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
    card = shop.card(examples).model_copy(
        update={"kind": "pieces", "contributors": tuple(sorted({pool[at].owner for at in used}))}
    )
    events = {event for each in examples for event in each.events}
    return shop.registry.put(person, lora, card, events=events, epoch=head.epoch)
