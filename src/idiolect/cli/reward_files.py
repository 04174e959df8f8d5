"""What `idiolect reward` does and shows: files in, files out, tables. Progress goes to stderr."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, JsonValue, ValidationError
from rich.progress import Progress as Bars

from idiolect.cli.show import console, first_line, note, stderr, table
from idiolect.errors import BadInput, NotFound, SettingsError
from idiolect.features.embedder import open_embedder
from idiolect.features.space import PreferenceSpace
from idiolect.reward import PERSONAL
from idiolect.reward.checkpoint import Checkpoint
from idiolect.reward.measured import Measured, measured
from idiolect.reward.population import Progress
from idiolect.reward.protocol import Belief, Chosen, FittedReward, LinearReward, PersonalReward, Tied
from idiolect.reward.shelf import Card, Source, fitted_method, open_reward, save_reward
from idiolect.reward.workers import Workers
from idiolect.schema import Array, Noun
from idiolect.settings import load_settings, spelt

SHOWN = 12  # weights
VERSION = metadata.version("idiolect")
MANY = 5000  # choices; fewer are predicted before other processes have started
EVEN = 1e-9  # rewards that differ by less are equal


class Prediction(Noun):
    """One choice: how likely it was among its answers, from so many other choices of the person."""

    line: int
    user: str
    probability: float
    foreseen: float  # 1 where the chosen answer scores best, 0 where another does, .5 where they are equal
    answers: int
    tied: bool
    known: int
    in_fit: bool  # the reward was fitted on this choice, so that foreseeing it proves nothing


class Predictions(Noun):
    """All of a file. An accuracy is the mean over people; of ties it says nothing."""

    choices: tuple[Prediction, ...]
    accuracy: float | None
    accuracy_not_in_fit: float | None  # on the choices that the reward was not fitted on
    in_fit: int
    people: int


class Inspection(Noun):
    """A fitted reward: its card, the shapes of its arrays, and the weights that it gives a person, or a new one."""

    card: Card
    shapes: dict[str, tuple[int, ...]]
    who: str
    known: int
    weights: dict[
        str, tuple[float, float]
    ]  # mean and sd, by direction; the largest first; empty where it is not linear
    arrays: dict[str, tuple[float, ...]]  # what is believed of the person, where it is small
    figures: dict[str, float]  # of the fit, on people held out, where the method has some


def measured_file(data: Path, form: str, cache: Path, config: Path | None) -> Measured:
    """The file as features, under a progress bar."""
    embedder = open_embedder(load_settings(config).embedder)
    with bar() as progress:
        return measured(data, PreferenceSpace.shipped(), embedder, cache, form, progress)


@dataclass(frozen=True)
class Wanted:
    """What is to be fitted: a method under settings, and the file to write."""

    method: str
    settings: Mapping[str, str]
    seed: int | None
    out: Path
    every: float  # seconds between two writings of a checkpoint


def fitted(wanted: Wanted, data: Measured) -> Card:
    """Fit and write. A fit that was stopped goes on from its checkpoint, which lies beside the file meanwhile."""
    method = wanted.method
    kind = fitted_method(method)
    given = settings_of(kind, method, wanted.settings, wanted.seed)
    key: dict[str, JsonValue] = {"method": method, "settings": given.model_dump(mode="json")}
    key |= {"choices": data.folder.name, "idiolect": VERSION}
    checkpoint = Checkpoint(wanted.out.with_name(wanted.out.name + ".checkpoint"), key, wanted.every)
    if checkpoint.found:
        note(checkpoint.found)
    with bar() as progress:
        reward = kind.fit(data.population(), given, progress, checkpoint)
    card = Card(
        method=method,
        settings=given.model_dump(mode="json"),
        space=PreferenceSpace.shipped().version,
        dim=PreferenceSpace.shipped().dim,
        source=Source(sha256=data.sha256, people=len(data.users), choices=len(data.lines)),
        at=datetime.now(UTC),
    )
    save_reward(reward, card, wanted.out, data.digests)
    checkpoint.forget()
    for doubt in data.doubts():
        note(f"warning: {doubt}")
    return card


def settings_of(kind: type[FittedReward], name: str, said: Mapping[str, str], seed: int | None) -> BaseModel:
    """Each value is JSON, or else bare text. Raises SettingsError."""
    values = {key: spelt(text) for key, text in said.items()}
    if seed is not None:
        if "seed" not in kind.Settings.model_fields:
            raise BadInput(f"{name} draws nothing, so that it has no seed: leave --seed out")
        values["seed"] = seed
    try:
        return kind.Settings.model_validate(kind.small().model_dump() | values)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        setting, known = ".".join(map(str, first["loc"])), ", ".join(kind.Settings.model_fields)
        raise SettingsError(f"reward {name}, setting {setting}: {first['msg']}. Its settings are: {known}") from wrong


def predicted(file: Path, data: Measured, history: Measured | None, workers: int = 0) -> Predictions:
    """Every choice from the person's history, or from all their other choices; many people side by side."""
    shelved = open_reward(file)
    reward = shelved.reward_for(PreferenceSpace.shipped())
    in_fit = shelved.fitted_on(data.sha256, data.digests)
    asked = (_asked(data, history, in_fit, user, places) for user, places in data.by_user())
    found = list[Prediction]()
    with bar() as progress:
        for number, own in enumerate(_answered(reward, asked, workers if len(data.lines) >= MANY else 1)):
            found += own
            progress((number + 1) / len(data.users), "predicting")
    found.sort(key=lambda each: each.line)
    return Predictions(
        choices=tuple(found),
        accuracy=_accuracy(found),
        accuracy_not_in_fit=_accuracy([each for each in found if not each.in_fit]),
        in_fit=sum(each.in_fit for each in found),
        people=len(data.users),
    )


@dataclass(frozen=True)
class _Asked:
    """One person's choices to be predicted, each with what it is learnt from."""

    user: str
    lines: tuple[int, ...]
    pieces: tuple[Chosen | Tied, ...]
    in_fit: tuple[bool, ...]
    past: tuple[Chosen | Tied, ...]
    without: tuple[NDArray[np.bool_], ...]  # which of the past each is learnt from: never from itself


def _asked(
    data: Measured, history: Measured | None, in_fit: NDArray[np.bool_], user: str, places: NDArray[np.intp]
) -> _Asked:
    source = history or data
    past = places if history is None else history.of(user)
    return _Asked(
        user=user,
        lines=tuple(int(data.lines[place]) for place in places),
        pieces=tuple(data.choice(int(place)) for place in places),
        in_fit=tuple(bool(in_fit[place]) for place in places),
        past=tuple(source.choice(int(place)) for place in past),
        without=tuple(source.digests[past] != data.digests[place] for place in places),
    )


def _answered(reward: PersonalReward, asked: Iterable[_Asked], workers: int) -> Iterator[list[Prediction]]:
    if workers == 1:
        yield from (_predictions(reward, each) for each in asked)
        return
    with Workers(workers, reward) as side_by_side:
        yield from side_by_side.each(_predictions, asked)


def _predictions(reward: PersonalReward, asked: _Asked) -> list[Prediction]:
    found = []
    for line, piece, in_fit, known in zip(asked.lines, asked.pieces, asked.in_fit, asked.without, strict=True):
        belief = reward.rebuild([each for each, told in zip(asked.past, known, strict=True) if told])
        found.append(_prediction(reward, belief, piece, line, asked.user, in_fit))
    return found


def _accuracy(found: Sequence[Prediction]) -> float | None:
    by_person: dict[str, list[float]] = {}
    for each in found:
        if not each.tied:
            by_person.setdefault(each.user, []).append(each.foreseen)
    right = [float(np.mean(values)) for values in by_person.values()]
    return float(np.mean(right)) if right else None


def show_predictions(made: Predictions) -> None:
    """One row a choice, and the accuracy."""
    rows = [
        (
            str(each.line),
            each.user,
            "tie" if each.tied else f"{each.probability:.3f}",
            str(each.answers),
            str(each.known),
            "yes" if each.in_fit else "",
        )
        for each in made.choices
    ]
    columns = ("line", "user", "probability", "of answers", "known", "in the fit")
    console().print(table("how likely each choice was", columns, rows))
    if made.accuracy is not None:
        console().print(f"foreseen: {made.accuracy:.1%} of the choices, the mean over {made.people} people")
    if made.in_fit:
        new = made.accuracy_not_in_fit
        rest = "no other is in this file" if new is None else f"of the others {new:.1%} were foreseen"
        console().print(
            f"The reward was fitted on {made.in_fit} of these {len(made.choices)} choices, so that foreseeing them "
            f"proves little; {rest}."
        )


def inspected(file: Path, user: str | None, data: Measured | None) -> Inspection:
    """The card and what was learnt; of a person, from their choices in `data`."""
    shelved = open_reward(file)
    space = PreferenceSpace.shipped()
    reward = shelved.reward_for(space)
    belief = reward.prior()
    if user is not None and data is not None:
        past = dict(data.by_user())
        if user not in past:
            raise NotFound(f"{user} chose nothing in this file; it holds {len(past)} people")
        belief = reward.rebuild(data.evidence(past[user]))
    weights: dict[str, tuple[float, float]] = {}
    if isinstance(reward, LinearReward):
        mean, sd = reward.weights(belief)
        weights = {space.names[j]: (float(mean[j]), float(sd[j])) for j in np.argsort(-np.abs(mean))}
    small = {name: array for name, array in belief.arrays.items() if array.ndim == 1 and 0 < len(array) <= SHOWN}
    return Inspection(
        card=shelved.card,
        shapes={name: array.shape for name, array in reward.arrays().items()},
        who=user or "a new person",
        known=belief.seen,
        weights=weights,
        arrays={name: tuple(map(float, array)) for name, array in small.items()},
        figures=dict(reward.figures),
    )


def show_inspection(made: Inspection) -> None:
    """Tables."""
    card, out = made.card, console()
    shown = {
        "method": card.method,
        "settings": json.dumps(card.settings),
        "fitted on": f"{card.source.choices} choices of {card.source.people} people (sha256 {card.source.sha256[:12]})",
        "at": card.at.isoformat(timespec="seconds"),
        "by": f"idiolect {card.idiolect}, preference space {card.space} of {card.dim} directions",
        "arrays": ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in made.shapes.items()),
    }
    if made.figures:
        shown["on people held out"] = ", ".join(f"{name} {value:.3f}" for name, value in made.figures.items())
    out.print(table("fitted reward", ("", ""), list(shown.items())))
    out.print()
    if made.arrays:
        rows = [(name, "  ".join(f"{value:+.3f}" for value in values)) for name, values in made.arrays.items()]
        out.print(table(f"believed of {made.who}, from {made.known} choices", ("array", "values"), rows))
    if made.weights:
        largest = list(made.weights.items())[:SHOWN]
        rows = [(name, f"{mean:+.3f} ± {sd:.3f}" if sd else f"{mean:+.3f}") for name, (mean, sd) in largest]
        out.print(table(f"largest weights of {made.who}", ("direction", "weight"), rows))


def described() -> list[tuple[str, str, str]]:
    """Every method: its name, the first line of its paper's file, its settings."""
    found = []
    for name, kind in sorted(PERSONAL.items()):
        settings = ", ".join(kind.Settings.model_fields) if issubclass(kind, FittedReward) else "it is not fitted here"
        found.append((name, first_line(sys.modules[kind.__module__].__doc__), settings))
    return found


@contextmanager
def bar() -> Iterator[Progress]:
    """A progress bar on stderr."""
    with Bars(console=stderr(), transient=True) as bars:
        task = bars.add_task("", total=1.0)
        yield lambda share, what: bars.update(task, completed=share, description=what)


def _prediction(
    reward: PersonalReward, belief: Belief, piece: Chosen | Tied, line: int, user: str, in_fit: bool
) -> Prediction:
    scores = reward.score(belief, piece.phi, piece.asked).mean
    pair = len(piece.phi) == 2
    probability = reward.probability(belief, piece.phi, piece.asked) if pair else float(_softmax(scores)[0])
    ahead = float(scores[0] - scores[1:].max())
    return Prediction(
        line=line,
        user=user,
        probability=probability,
        foreseen=0.5 if abs(ahead) < EVEN else float(ahead > 0),
        answers=len(piece.phi),
        tied=isinstance(piece, Tied),
        known=belief.seen,
        in_fit=in_fit,
    )


def _softmax(scores: Array) -> Array:
    raised = np.exp(scores - scores.max())
    return np.asarray(raised / raised.sum())
