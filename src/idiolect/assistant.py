"""The loop: remember -> recall -> generate -> bound -> choose -> learn. Every step is a part behind a protocol."""

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from copy import copy
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from pydantic import JsonValue

from idiolect.afterwards import Afterwards
from idiolect.asking import Asking
from idiolect.choosing import Choosing
from idiolect.curating import Memory
from idiolect.errors import StoreError
from idiolect.generation.parameters.background import Trainer
from idiolect.interviewing import Interviewer
from idiolect.learning import Learner
from idiolect.memory.feedback import Turns, event_of, once
from idiolect.memory.in_conversation import is_of_the_store
from idiolect.memory.inference.allowing import allows, demand
from idiolect.memory.remembering import heard, remember
from idiolect.memory.rights.retaining import Clock, Rules
from idiolect.memory.store import Store
from idiolect.memory.tenants import Tenant
from idiolect.method import chosen_for
from idiolect.models.pieces import Beside
from idiolect.models.protocol import Model, Request
from idiolect.parts import is_structured, open_parts
from idiolect.plain import Asked, NotKept, Plain
from idiolect.profile import profile_of
from idiolect.schema import (
    Answer,
    Array,
    Candidate,
    Completion,
    Feedback,
    Message,
    Profile,
    Sampling,
    as_messages,
    new_id,
    now,
)
from idiolect.settings import Settings, load_settings
from idiolect.turn import (
    Embedding,
    Stopwatch,
    Turn,
    answered,
    checked,
    newest,
    ordered,
    otherwise,
    refused,
    shares,
    shares_of_statements,
)
from idiolect.waiting import awaited
from idiolect.writing import Writing

if TYPE_CHECKING:
    from idiolect.generation.parameters.training import Workshop


class Options(TypedDict, total=False):
    """What a caller may say of one turn; everything else comes from the settings."""

    sampling: Sampling
    candidates: int  # how many answers to choose among
    method: str  # such as "token-values+best-of-4"
    show: int  # how many of them the caller will show; there are at least as many candidates
    temporary: bool  # nothing of this turn is kept
    country: str  # ISO code: whose help line is told in a crisis; else the settings'
    answer_id: str  # where it must be known before the answer is written
    extra: Mapping[str, JsonValue]  # fields of the request that reach an endpoint untouched
    stop: Event  # set when whoever asked has left


class Assistant:
    """One assistant for many people: `answer` them, take their `feedback`, show their `profile`. Safe in threads."""

    def __init__(
        self, model: str | Model | None = None, store: str | None = None, *, settings: Settings | None = None
    ) -> None:
        """`model` and `store` go before the settings. Raises an IdiolectError that says what is missing.

        A model that is named is opened at its first use, or by `load`; one that is open already is used as it is.
        """
        opened = None if model is None or isinstance(model, str) else model
        said = {"model": model if opened is None else opened.name, "store": store}
        base = settings or load_settings()
        self.settings = base.model_copy(update={key: value for key, value in said.items() if value is not None})
        self._parts = open_parts(self.settings, opened)
        self._tenant: Tenant | None = None  # None: all people of all tenants
        self._told: Callable[[Answer], None] | None = None
        choosing = Choosing(self._parts.boundary, self.learner.reward, self._parts.told, self.settings.kappa)
        self._asking, self._choosing = Asking(self.learner.reward, self.settings.ask_above), choosing
        self._writing = Writing(self._parts, choosing)
        self._measuring = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="idiolect-measure")
        reads = self.settings.remember and self.settings.read_by_model
        self._afterwards = Afterwards(
            self.learner, self._parts.recollection, reads, lambda: self.model, lambda: self._parts.caches
        )
        self._afterwards.clock = Clock(self.store, Rules.of_settings(self.settings), lambda: self._parts.caches)
        if self.settings.train_adapters:
            self._afterwards.trainer = Trainer(self._parts.workshop)

    @property
    def model(self) -> Model:
        """The language model behind all answers."""
        return self._parts.model

    @property
    def store(self) -> Store:
        """Where events are kept."""
        return self._parts.store if self._tenant is None else self._parts.store.of(self._tenant)

    def of(self, tenant: Tenant, told: Callable[[Answer], None] | None = None) -> Self:
        """The same assistant, for whom there is nobody but one tenant's people; `told` hears of each answer."""
        scoped = copy(self)
        scoped._tenant, scoped._told = tenant, told
        return scoped

    @property
    def learner(self) -> Learner:
        """The personal reward with the preference space that it weighs."""
        return self._parts.learner

    def answer(self, user: str, prompt: str | Sequence[Message], **options: Unpack[Options]) -> Answer:
        """Answer one person. Raises BadInput for an empty or huge prompt, ModelError when the model fails."""
        turn = self._recall(user, prompt, options)
        return self._remember(turn, self._answered(turn, options.get("stop")))

    def stream(
        self, user: str, prompt: str | Sequence[Message], **options: Unpack[Options]
    ) -> Generator[str | Answer, None, None]:
        """Pieces of the answer's text as they may be shown, then the Answer. Closing it stops the model.

        While several candidates are written nothing can be shown yet: empty pieces come instead, as a sign of life.
        """
        turn = self._recall(user, prompt, options)
        with closing(self._written(turn)) as items:
            for item in items:
                yield item if isinstance(item, str) else self._remember(turn, item)

    @property
    def plain(self) -> Plain:
        """Answers without the memory and the reward, for when these fail."""
        return Plain(self._parts, self._told)

    def asked(self, user: str, prompt: str | Sequence[Message], options: Options) -> Asked:
        """A request for `plain`."""
        messages = checked(as_messages(prompt))
        return Asked(
            user=user,
            messages=messages,
            request=self._plainly(messages, options),
            n=options.get("show", 1),
            country=options.get("country"),
            answer_id=options.get("answer_id") or new_id("chatcmpl"),
        )

    def compare(
        self, user: str, prompt: str | Sequence[Message], methods: Sequence[str], **options: Unpack[Options]
    ) -> Iterator[tuple[int, str | Answer]]:
        """What `stream` yields, by each of several methods in turn, with the method's place; none knows of another's.

        All answers are kept or, where the caller leaves before the last, none.
        """
        asked = [Options(**{**options, "method": method, "answer_id": new_id("chatcmpl")}) for method in methods]
        turns = [replace(self._recall(user, prompt, each), is_compared=True) for each in asked]
        answers = list[Answer]()
        for place, turn in enumerate(turns):
            with closing(self._written(turn)) as items:
                for item in items:
                    answers += [item] if isinstance(item, Answer) else []
                    if len(answers) == len(turns):
                        for each in zip(turns, answers, strict=True):
                            self._remember(*each)
                    yield place, item

    def feedback(self, user: str, feedback: Feedback, key: str | None = None) -> Profile:
        """Record what a person says of an answer or of themselves, and learn from it: both or neither.

        What is sent again with the same `key` is learnt from once. Raises IdempotencyConflict.
        """
        person = self.store.user(user)
        with person.transaction() as transaction:
            turns = Turns(transaction, self.learner.version)
            event, is_known = event_of(turns, feedback), False
            if key is not None:
                event, is_known = once(transaction, event, key)
            demand(transaction, event)
            learner = self.learner
            belief = learner.belief(transaction) if is_known else learner.learn(transaction, event, turns)
            said = transaction.preferences()  # here, so that beliefs in words and in numbers are of one moment
            return profile_of(transaction, self.learner, belief, said)

    def prefer(self, user: str, chosen: Candidate | Answer | str, over: Candidate | Answer | str) -> Profile:
        """`chosen` was preferred over the other; candidates or their ids."""
        return self.feedback(user, Feedback(kind="choice", answer=_id(chosen), over=_id(over)))

    def rate(self, user: str, answer: Candidate | Answer | str, value: float | str) -> Profile:
        """From 1 to 5, or "up" or "down"."""
        return self.feedback(user, Feedback(kind="rating", answer=_id(answer), value=value))

    def edit(self, user: str, answer: Candidate | Answer | str, text: str) -> Profile:
        """The person would have written this text instead."""
        return self.feedback(user, Feedback(kind="edit", answer=_id(answer), value=text))

    def say(self, user: str, text: str) -> Profile:
        """The person says something of themselves, or of how they like their answers."""
        return self.feedback(user, Feedback(kind="statement", value=text))

    def correct(self, user: str, attribute: str, weight: float) -> Profile:
        """The person sets a weight by hand; 0 says "I have no taste here"."""
        return self.feedback(user, Feedback(kind="correction", attribute=attribute, value=weight))

    def load(self) -> None:
        """Open the model now instead of at the first answer. Raises an IdiolectError that says what is missing."""
        self._parts.model  # noqa: B018 - a property that opens it

    def profile(self, user: str) -> Profile:
        """All that is believed of a person."""
        person = self.store.user(user)
        belief, said = self.learner.belief(person), person.preferences()
        return profile_of(person, self.learner, belief, said)

    def memory(self, user: str) -> Memory:
        """What is remembered of a person, to be seen and changed by them."""
        return Memory(self.store.user(user), self.learner, lambda: self._parts.caches)

    def workshop(self) -> "Workshop":
        """What people's adapters are made with: the model open, and the folder. Raises BadInput where there is none."""
        return self._parts.workshop()

    def interview(self, user: str) -> Interviewer:
        """A few questions by which a new person's tastes are found fast."""
        return Interviewer(self.store.user(user), self.learner)

    def answer_by_id(self, user: str, answer: str) -> Answer:
        """An earlier answer with its trace, by its id or a candidate's. Raises AnswerNotFound."""
        return self.store.user(user).interaction(answer).answer

    def close(self) -> None:
        """Free the model and the store."""
        self._afterwards.close()
        self._measuring.shutdown()
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _plainly(self, messages: tuple[Message, ...], options: Options) -> Request:
        sampling = options.get("sampling", self.settings.sampling)
        plain = self._parts.plain(messages, sampling, options.get("extra", {}))
        return replace(plain, stops=(options["stop"],) if "stop" in options else ())

    def _recall(self, user: str, prompt: str | Sequence[Message], options: Options) -> Turn:
        messages, watch = checked(as_messages(prompt)), Stopwatch()
        with watch.step("bound"):
            verdict = self._parts.boundary.judge_request(messages)
        with watch.step("recall"):
            person, extra = self.store.user(user), options.get("extra", {})
            recalled = self._parts.recall(person, messages, extra)
            chosen = options.get("method") or chosen_for(person)
            believed = self.learner.belief(person)
            method = self._parts.method(chosen, options.get("candidates"), extra, recalled, believed.seen)
            method = replace(method, candidates=max(method.candidates or 1, options.get("show", 1)))
            asked = None if is_structured(extra) else self.learner.asked(newest(messages))
            belief = self.learner.reward.about(believed, asked)
            plain = self._plainly(messages, options)
            prepared = self._parts.prepare(plain, method, person, belief, recalled)
        return Turn(
            user=person.id,
            messages=messages,
            request=prepared.request,
            candidates=method.candidates or 1,
            chooser=method.chooser,
            workflow=self._parts.workflow(method, belief, recalled),
            method=method.name,
            model=str(extra.get("model", self.model.name)),
            verdict=verdict,
            belief=belief,
            asked=asked,
            inferred=self.learner.inferred(person),
            watch=watch,
            recalled=tuple(filter(is_of_the_store, recalled.ids)),
            statements=tuple(each.preference for each in recalled.preferences),
            earlier=tuple(dict.fromkeys((*recalled.turns, *prepared.turns))),
            is_told=prepared.is_told,
            strength=prepared.strength,
            notes=(*prepared.notes, *recalled.notes, *self._afterwards.trouble(person)),
            care=self._parts.boundary.note(verdict),
            is_temporary=options.get("temporary", False),
            country=options.get("country"),
            answer_id=options.get("answer_id") or new_id("chatcmpl"),
        )

    def _answered(self, turn: Turn, stop: Event | None = None) -> Answer:
        if turn.is_replaced:
            return refused(turn, self._parts.boundary.refusal(turn.verdict, turn.country))
        embedding = Embedding(self.learner.phi, self._measuring)
        with turn.watch.step("generate"):
            completions = self._writing.completions(turn, embedding.on_completion, stop)
        with turn.watch.step("measure"):
            phi = embedding.phi(len(completions))
        return self._chosen(turn, completions, phi)

    def _written(self, turn: Turn) -> Generator[str | Answer, None, None]:
        """Pieces as they may be shown, then the answer, which nobody keeps yet."""
        if turn.is_shown_as_written:
            answer = yield from self._streamed(turn)
        else:  # with several candidates, or an agent, the text comes after the choice
            answer = yield from awaited(lambda stop: self._answered(turn, stop))
            yield answer.text
        yield answer

    def _streamed(self, turn: Turn) -> Generator[str, None, Answer]:
        screen, shown = self._parts.boundary.stream_screen(turn.messages, turn.country), []
        with closing(self._parts.answers(turn.request).stream(turn.request)) as stream, turn.watch.step("generate"):
            for piece in stream:
                if isinstance(piece, Beside):
                    yield piece
                    continue
                shown.append(screen.feed(piece))
                yield shown[-1]
                if screen.cut:
                    break
            shown.append(screen.finish())
            yield shown[-1]
        if screen.cut:
            return refused(turn, "".join(shown), screen.verdict)
        turn.spend([stream.completion], turn.watch.milliseconds["generate"] / 1000)
        with turn.watch.step("measure"):
            phi = self.learner.phi([stream.completion.text])
        return self._chosen(turn, [stream.completion], phi)

    def _chosen(self, turn: Turn, completions: Sequence[Completion], phi: Array) -> Answer:
        judged = self._choosing.judged(turn, [completion.text for completion in completions], phi, turn.watch)
        with turn.watch.step("choose"):
            turn.phi, scores, chosen = phi, judged.scores, judged.chosen
            if chosen is None:
                worst = min(judged.verdicts, key=lambda verdict: verdict.score)
                return refused(turn, self._parts.boundary.refusal(worst, turn.country), worst)
            second = self._asking.second(self.store.user(turn.user), turn, chosen, judged.admitted)
            turn.notes = (*turn.notes, *second.notes)
            space, (weights, _) = self.learner.space, self.learner.reward.weights(turn.belief)
            why = shares(space, weights, phi, chosen)
            why = ordered(why, shares_of_statements(turn.statements, judged.told, chosen))
            values = scores.mean - self.settings.kappa * scores.sd
            turn.otherwise = otherwise(space, weights, phi, values, judged.admitted, chosen)
            return answered(turn, completions, judged.verdicts, scores, chosen, second.rival, why)

    def _remember(self, turn: Turn, answer: Answer) -> Answer:
        if self._told is not None:
            self._told(answer)
        try:
            return answer if turn.is_temporary else self._keep(turn, answer)
        except StoreError as failed:
            raise NotKept(answer, failed) from failed

    def _keep(self, turn: Turn, answer: Answer) -> Answer:
        learns = self.settings.remember and not turn.is_replaced
        at = now()
        words = heard(turn.messages if learns else (), turn.prefix, at)
        person = self.store.user(turn.user)
        with person.transaction() as transaction:
            event = turn.event(answer, at, learns, follows=allows(transaction, "reactions"))
            said = remember(transaction, event, words)
            for proposal in () if answer.refused else turn.proposed:
                transaction.append(proposal)
            transaction.sent(turn.model, () if turn.is_replaced else turn.shown)
            if turn.phi is not None and answer.candidates:
                rows = zip(answer.candidates, self.learner.rows(turn.phi, turn.asked), strict=True)
                transaction.save_vectors(self.learner.version, {candidate.id: row for candidate, row in rows})
            if any(slots.attribute for statement in said for slots in statement.slots or ()):
                self.learner.refresh(transaction)
        self._afterwards.begin(person, answer.id, words)
        return answer


def _id(thing: Candidate | Answer | str) -> str:
    return thing if isinstance(thing, str) else thing.id
