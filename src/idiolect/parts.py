"""The parts that the loop calls, opened from the settings and closed together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pydantic import JsonValue

from idiolect.alignment.decoding import WRITERS, compose
from idiolect.boundary import Boundary, open_boundary
from idiolect.errors import BadInput, ModelError
from idiolect.features.embedder import open_embedder
from idiolect.features.space import PreferenceSpace
from idiolect.generation import Generation, Host, TokenValues
from idiolect.generation.agent import Workflow
from idiolect.generation.found import shipped as found_best
from idiolect.generation.parameters.registry import KINDS, Registry, open_registry
from idiolect.generation.protocol import PastTurn, Person, Prepared
from idiolect.learning import Learner
from idiolect.memory.extraction import own_words
from idiolect.memory.in_conversation import is_of_the_store, with_conversation
from idiolect.memory.quotable import Quotable
from idiolect.memory.recall.recalled import Recalled, RecalledEpisode
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recollection import Recollection
from idiolect.memory.rights import Caches
from idiolect.memory.store import Store, UserStore, open_store
from idiolect.method import AUTOMATIC, PLAIN, Method, parse
from idiolect.models import WhiteBox, WhiteBoxSettings, opener, same_weights_open
from idiolect.models.llamacpp import LlamaCpp
from idiolect.models.protocol import Model, Request
from idiolect.models.remote import Remote
from idiolect.reward.compliance import Compliance, LearntCompliance
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.protocol import Belief
from idiolect.schema import Array, Message, Preference, Sampling, now
from idiolect.settings import Settings
from idiolect.turn import newest

if TYPE_CHECKING:
    from idiolect.generation.parameters.training import Workshop

CANDIDATES = 4  # what pays on an embedded model: four decode side by side at half the price of four alone
TURNS = 2  # earlier turns that are recalled at most
TOO_SMALL = ("starter", "transformers:starter")  # to use an earlier turn: it copies "you said ..." into its answer
SPARE = 4  # choices beside those that are shown: the question itself may have been chosen for
CHOOSING = {"in-context", "style-vector", "drift"}  # methods that read earlier choices
QUOTING = {"in-context", "retrieval", "edits"}  # methods that read earlier turns by themselves
UNQUOTED = "Earlier turns may not be quoted to a model on another machine (the setting turns_to_remote), so none was."
STRUCTURED = ("tools", "functions", "response_format")  # fields whose answers a program reads
DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"  # the starter's template's own


@dataclass
class Parts:
    """Everything behind the loop. The model is opened at its first use: what only reads the store needs none."""

    settings: Settings
    open_model: Callable[[], Model]
    store: Store
    boundary: Boundary
    learner: Learner
    recollection: Recollection
    compliance: Compliance
    registry: Registry | None = None  # of adapters; None: there is no folder for them
    white_box: WhiteBoxSettings | None = None  # of the same model, open; None: as many rows as people need at once
    _composed: dict[tuple[str, ...], Generation] = field(default_factory=dict, init=False)
    _opening: Lock = field(default_factory=Lock, init=False)
    _model: Model | None = field(default=None, init=False)
    _inside: WhiteBox | None = field(default=None, init=False)
    _is_closed: bool = field(default=False, init=False)

    @property
    def model(self) -> Model:
        """The language model. The first who asks opens it and others wait; where that fails, the next one tries."""
        with self._opening:
            if self._model is None:
                if self._is_closed:
                    raise ModelError(f"the model {self.settings.model} was closed; open another assistant")
                self._model = self.open_model()
            return self._model

    @property
    def inside(self) -> WhiteBox:
        """The same model, open: what works inside it needs no text engine. Raises BadInput for one that can't be."""
        model = self.model
        if isinstance(model, WhiteBox):
            return model
        with self._opening:
            if self._inside is None:
                self._inside = same_weights_open(self.settings.model, self.white_box)
            return self._inside

    def answers(self, request: Request) -> Model:
        """Who answers a request: the model, or where something inside it is changed, the same one open.

        An endpoint serves adapters by the names of their folders.
        """
        is_served = isinstance(self.model, Remote) and request.inside.is_adapter_alone
        return self.model if is_served or request.inside.is_empty else self.inside

    @property
    def caches(self) -> Caches:
        """What keeps people's words, or numbers made of them, outside the store."""
        model = self._model  # one that is not open yet holds nothing
        return Caches(
            texts=self.learner.embedder.forget if self.learner.embedder else None,
            prompts=partial(_forget, [each for each in (model, self._inside) if isinstance(each, LlamaCpp | WhiteBox)]),
            biases=self._composed.clear,
            adapters=self.registry.forget if self.registry else None,
        )

    def recall(self, person: UserStore, messages: Sequence[Message], extra: Mapping[str, JsonValue]) -> Recalled:
        """What is remembered, or said in this conversation, that bears on the prompt and may go to this model."""
        if is_structured(extra):
            return Recalled()
        own = own_words(messages)
        allowed = self._allowed(TURNS if own and self._may_quote else 0)  # a title is asked for by a program
        told = [message.text for message in messages]
        at = now()
        found = self.recollection.recall(person, own or newest(messages), allowed, at, told)
        return with_conversation(found, person, messages, self.learner.embedder, at)

    def looked_up(self, person: UserStore, query: str) -> Recalled:
        """What the person has said that bears on a query of the model, and may go to it."""
        return self.recollection.recall(person, query, self._allowed(0))

    def workflow(self, method: Method, belief: Belief, recalled: Recalled) -> Workflow | None:
        """The agent of a turn; none where nothing is believed, so that it costs nothing."""
        if method.agent is None or not (belief.seen or recalled.preferences):
            return None
        return self._agents[method.agent]

    def method(
        self,
        name: str | None,
        candidates: int | None,
        extra: Mapping[str, JsonValue],
        recalled: Recalled,
        evidence: int = 0,
    ) -> Method:
        """The method of a turn: what the request says, else the settings, else what suits the model and the person."""
        if is_structured(extra):
            return Method((PLAIN,), 1)  # a tool call or a schema is never personalized
        chosen = name or self.settings.method
        method = self._automatic(recalled, evidence) if chosen == AUTOMATIC else parse(chosen)
        usual = 1 if self.model.is_metered or method.generation == (PLAIN,) else CANDIDATES
        return replace(method, candidates=candidates or method.candidates or self.settings.candidates or usual)

    def prepare(
        self, request: Request, method: Method, person: UserStore, belief: Belief, recalled: Recalled
    ) -> Prepared:
        """The request as the generation method makes it."""
        past = Quotable(
            person,
            is_elsewhere=self.model.is_metered,
            sensitive=self.settings.sensitive_to_remote,
            turns=self.settings.turns_to_remote,
        )
        known = self._known(method.generation, past, belief, recalled)
        prepared = self._generation(method.generation).prepare(request, known)
        is_silent = QUOTING.intersection(method.generation) and not past.is_open
        return replace(prepared, notes=(*prepared.notes, UNQUOTED)) if is_silent else prepared

    def told(self, statements: Sequence[Preference], prompt: str, answers: Sequence[str]) -> Array:
        """(m, n): what each recalled statement adds to each answer; for those without a weight nothing."""
        found = self.compliance.contributions(statements, prompt, answers)
        if self.learner.embedder:
            passing = [each for each in statements if not is_of_the_store(each.id)]
            self.learner.embedder.forget([words for each in passing for words in (each.object, each.over)])
        return found

    def plain(self, messages: tuple[Message, ...], sampling: Sampling, extra: Mapping[str, JsonValue]) -> Request:
        """What the model is asked of nobody in particular: the client's messages, under the settings' system text."""
        text = self.settings.system_prompt
        if text and not any(message.role in ("system", "developer") for message in messages):
            messages = (Message(role="system", content=text), *messages)
        return Request(messages, sampling, extra=extra)

    def close(self) -> None:
        """Free the model and the store."""
        with self._opening:
            self._is_closed = True
            for model in (self._model, self._inside):
                if model is not None:
                    model.close()
        self.store.close()

    def _allowed(self, turns: int) -> RecallSettings:
        """What may be recalled for the model that answers."""
        is_elsewhere = self.model.is_metered  # it costs money, or is on another machine
        return RecallSettings(
            remote_model=is_elsewhere,
            sensitive_to_remote=self.settings.sensitive_to_remote or not is_elsewhere,
            turns_to_remote=self.settings.turns_to_remote,
            turns=turns,
        )

    @cached_property
    def _agents(self) -> dict[str, Workflow]:
        return {name: agent.open(self.settings.agent_rounds) for name, agent in WRITERS.items()}

    @property
    def _may_quote(self) -> bool:
        """Whether an earlier turn may be put before the model, and helps it."""
        return self.settings.remember and self.settings.model not in TOO_SMALL

    def _automatic(self, recalled: Recalled, evidence: int) -> Method:
        """What `bench uplift` found best for tastes, and what else was said goes into the prompt.

        For a model that it was not tried with, tastes go into the logits where there are token values of it.
        """
        best = found_best().best(self.model.fingerprint, evidence)
        usual = Method(("token-values",) if TokenValues.fits(self.host) else ())
        method = usual if best is None else parse(best)
        said = (each.preference for each in recalled.preferences)
        speaks = not method.generation or any(preference.attribute is None or preference.scope for preference in said)
        told = ("profile",) if speaks or recalled.episodes else ()
        generation = tuple(dict.fromkeys((*told, *method.generation)))
        return replace(method, generation=generation, candidates=self.settings.candidates or method.candidates)

    def _known(self, names: Sequence[str], past: Quotable, belief: Belief, recalled: Recalled) -> Person:
        """What these methods may know of a person."""
        mean, sd = self.learner.reward.weights(belief)
        embedder = None if self.learner.embedder is None else self.learner.embedder.name
        chosen = past.choices(self.settings.prompting.in_context.k + SPARE) if CHOOSING & set(names) else []
        return Person(
            preferences=[each.preference for each in recalled.preferences],
            mean=mean,
            sd=sd,
            names=self.learner.space.names,
            evidence=belief.seen,
            choices=[each[:3] for each in chosen],
            turns=[_past(each) for each in recalled.episodes],
            chosen_in=[each.turn for each in chosen],
            texts=past.texts(embedder) if "retrieval" in names else (),
            edits=past.edits(embedder) if "edits" in names else (),
            explained=self._explained(past.person) if "edits" in names else {},
            adapters=self._adapters(names, past.person),
        )

    def workshop(self) -> "Workshop":
        """What adapters are made with. Raises BadInput without a folder for them, or for a model that can't be open."""
        if self.registry is None:
            raise BadInput(
                "adapters need a folder, and this store has none beside it: name one, the setting `adapters`"
            )
        model = self.inside
        from idiolect.generation.parameters.training import Workshop  # noqa: PLC0415 - the open model has loaded torch

        return Workshop(model, self.registry, self.settings.system_prompt, teacher=self._liked)

    def _liked(self, person: UserStore, answers: Sequence[Sequence[str]]) -> list[Array]:
        """r_u of answers to some prompts, of each prompt (n,)."""
        belief = self.learner.belief(person)
        return [self.learner.reward.score(belief, self.learner.phi(texts)).mean for texts in answers]

    def _adapters(self, names: Sequence[str], person: UserStore) -> dict[str, Path]:
        """The person's adapters of the kinds that these methods name. Raises WeightsError for one of another model."""
        wanted = [kind for kind in KINDS if kind in names]
        if self.registry is None or not wanted:
            return {}
        fingerprint = None if isinstance(self.model, Remote) else self.inside.fingerprint
        found = {kind: self.registry.get(person, kind, fingerprint) for kind in wanted}
        return {kind: adapter.path for kind, adapter in found.items() if adapter is not None}

    def _explained(self, person: UserStore) -> dict[str, str]:
        """What this model said that the person's edits tell; kept with their statements, so that it goes with them."""
        kept = person.kept()
        with kept.lock:
            found = kept.drawers.setdefault(f"edits as read by {self.model.fingerprint}", dict[str, str]())
        assert isinstance(found, dict)
        return found

    def _generation(self, names: tuple[str, ...]) -> Generation:
        composed = self._composed.get(names)
        if composed is None:  # or another thread has emptied this cache just now
            composed = self._composed[names] = compose(names, self.host)
        return composed

    @cached_property
    def host(self) -> Host:
        """What generation methods are opened with."""
        return Host(
            self.model,
            self.learner.space.version,
            self.settings.system_prompt or ("" if isinstance(self.model, Remote) else DEFAULT_SYSTEM),
            self.settings.token_values,
            self.settings.kl_budget,
            lambda: self.inside,
            prompting=self.settings.prompting,
            context=self.settings.context_tokens,
            embed=self.learner.embedder.embed if self.learner.embedder else None,
            is_able=self.settings.model not in TOO_SMALL,
            adapters=self.registry.root if self.registry else None,
            steering=self.settings.steering,
            soft_prompt=self.settings.soft_prompt,
            values=self.settings.values,
        )


def open_parts(settings: Settings, model: Model | None = None) -> Parts:
    """Everything that the settings name, the model not yet open. Raises an IdiolectError that says what is missing.

    `model` is one that is open, in place of the settings'.
    """
    open_model = opener(settings) if model is None else lambda: model
    space = PreferenceSpace.shipped()
    embedder = open_embedder(settings.embedder)
    learner = Learner(Gaussian.of_domains(space), space, embedder)
    boundary = open_boundary(settings, embedder, lambda: parts.model)
    store = open_store(settings.store, erasures=settings.erasures)
    compliance = LearntCompliance.shipped(embedder)
    registry = open_registry(settings.store, settings.adapters)
    if registry is not None:
        registry.keep_only(store.people())
    parts = Parts(settings, open_model, store, boundary, learner, Recollection(embedder), compliance, registry)
    return parts


def _forget(models: Sequence[LlamaCpp | WhiteBox]) -> None:
    for model in models:
        model.forget()


def is_structured(extra: Mapping[str, JsonValue]) -> bool:
    """Whether a program reads the answer."""
    return any(extra.get(each) for each in STRUCTURED)


def _past(recalled: RecalledEpisode) -> PastTurn:
    answered = next((each.text for each in recalled.after), "")
    return PastTurn(recalled.episode.at, recalled.episode.text, answered)
