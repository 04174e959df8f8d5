"""The proof on one screen: two people of opposite tastes teach one model by a dozen choices, and get different answers.

Everything is live: the model writes, simulated people of known taste choose, the assistant learns from their choices
alone. Then both ask the same new questions, and each holds their answer against plain ones: same model, same prompt.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from idiolect.assistant import Assistant
from idiolect.evaluation.lenses import AttributeLens
from idiolect.evaluation.simulated import person
from idiolect.evaluation.statistics import wins
from idiolect.schema import Answer, Array, Feedback, Noun, Sampling
from idiolect.settings import Settings

LIVELY: Mapping[str, float] = {
    "exclamations": 1.0,
    "enthusiasm": 0.8,
    "warmth": 0.8,
    "you": 0.8,
    "list_items": 0.8,
    "contractions": 0.6,
}
PEOPLE: dict[str, tuple[str, Mapping[str, float]]] = {
    "Ada": ("sober and impersonal, in running text", {attribute: -weight for attribute, weight in LIVELY.items()}),
    "Ben": ("lively and warm, addressed to him, with lists", LIVELY),
}
TRAINING = (
    "How can I sleep better?",
    "What should I cook tonight?",
    "How do I learn to draw?",
    "Tell me about the sea.",
    "How do I prepare for an exam?",
    "What makes a good friend?",
    "How do I start a small garden?",
    "Why do people travel?",
    "How can I save money?",
    "What is a good hobby for the winter?",
    "How do I give a short speech?",
    "What should I know about bees?",
)
NOBODY = "nobody"
QUESTIONS = ("How do I learn a new language?", "What should I do this weekend?", "How can I stay healthy?")


@dataclass(frozen=True)
class Size:
    """How much is written."""

    choices: int
    questions: int
    candidates: int
    plain: int  # answers that each personalized answer is held against
    max_tokens: int


FULL = Size(choices=12, questions=3, candidates=4, plain=8, max_tokens=52)
SHORT = Size(choices=4, questions=1, candidates=3, plain=6, max_tokens=40)


class Learnt(Noun):
    """One attribute: the weight that chose (all together of unit length), and what was learnt of it."""

    attribute: str
    true: float
    mean: float
    sd: float


class Portrait(Noun):
    """How one person fared."""

    name: str
    likes: str
    tastes: tuple[Learnt, ...]
    agreement: float  # cosine of the learnt weights with the true ones, over the attributes
    preferred: float  # comparisons with a plain answer that the personalized one won, ties counting half
    comparisons: int


class Shown(Noun):
    """One new question with an answer for nobody and one for each person."""

    question: str
    plain: str
    answers: dict[str, str]


class DemoReport(Noun):
    """What `idiolect demo --json` writes."""

    model: str
    choices: int
    people: tuple[Portrait, ...]
    questions: tuple[Shown, ...]
    seconds: float


def run_demo(
    model: str = "starter", choices: int | None = None, short: bool = False, console: Console | None = None
) -> DemoReport:
    """Run it, show it on `console`, and return the figures. What was written is deleted at the end."""
    start, size, screen = perf_counter(), SHORT if short else FULL, console or Console()
    count = choices or size.choices
    with TemporaryDirectory(prefix="idiolect-demo-") as folder:
        settings = Settings(model=model, store=f"sqlite:///{folder}/demo.db", max_tokens=size.max_tokens)
        with Assistant(settings=settings) as assistant:
            stage = Stage(assistant, size)
            print_first_choice(stage.teach(count), screen)
            shown, won = stage.ask()
            portraits = tuple(stage.portrait(name, won[name]) for name in PEOPLE)
    seconds = round(perf_counter() - start, 1)
    report = DemoReport(model=model, choices=count, people=portraits, questions=shown, seconds=seconds)
    print_report(report, screen)
    return report


class Stage:
    """The assistant and the two people."""

    def __init__(self, assistant: Assistant, size: Size) -> None:
        self.assistant = assistant
        self.size = size
        lens = AttributeLens(assistant.learner.space)
        self.people = {name: person(name, lens, tastes) for name, (_, tastes) in PEOPLE.items()}

    def teach(self, choices: int) -> dict[str, Answer]:
        """Everybody chooses, all at once; returns each one's first choice, with the chosen answer as the shown one."""
        with _progress() as progress, ThreadPoolExecutor(len(PEOPLE)) as pool:
            bars = {name: progress.add_task(f"{name} chooses", total=choices) for name in PEOPLE}
            lessons = {
                name: pool.submit(self._lessons, name, choices, partial(progress.advance, bars[name]))
                for name in PEOPLE
            }
            return {name: lesson.result() for name, lesson in lessons.items()}

    def ask(self) -> tuple[tuple[Shown, ...], dict[str, Array]]:
        """Everybody asks the new questions; returns the answers, and each one's wins over the plain answers."""
        questions = QUESTIONS[: self.size.questions]
        asked = [(who, question) for question in questions for who in (NOBODY, *PEOPLE)]
        with _progress() as progress, ThreadPoolExecutor(len(PEOPLE) + 1) as pool:
            found = progress.track(
                pool.map(lambda each: self._answer(*each), asked), len(asked), description="questions"
            )
            answers = dict(zip(asked, found, strict=True))
        won = {name: np.concatenate([self._won(name, each, answers) for each in questions]) for name in PEOPLE}
        shown = tuple(
            Shown(
                question=question,
                plain=answers[NOBODY, question].text,
                answers={name: answers[name, question].text for name in PEOPLE},
            )
            for question in questions
        )
        return shown, won

    def portrait(self, name: str, won: Array) -> Portrait:
        """What was learnt of one person, against the truth."""
        learner = self.assistant.learner
        belief = learner.belief(self.assistant.store.user(name))
        mean, sd = learner.reward.weights(belief)
        true = self.people[name].weights
        mean, sd = mean[: len(true)], sd[: len(true)]
        tastes = tuple(
            Learnt(attribute=attribute, true=float(true[j]), mean=float(mean[j]), sd=float(sd[j]))
            for j, attribute in enumerate(learner.space.names[: len(true)])
            if true[j]
        )
        cosine = float(mean @ true / max(float(np.linalg.norm(mean) * np.linalg.norm(true)), 1e-12))
        likes = PEOPLE[name][0]
        return Portrait(
            name=name, likes=likes, tastes=tastes, agreement=cosine, preferred=float(won.sum()), comparisons=len(won)
        )

    def _lessons(self, name: str, choices: int, done: Callable[[], None]) -> Answer:
        chance, first = np.random.default_rng((*name.encode(),)), None
        for turn in range(choices):
            answer = self._answer(name, TRAINING[turn % len(TRAINING)], seed=1000 * (turn + 1))
            chosen = self.people[name].choose([each.text for each in answer.candidates], chance)
            ids = [each.id for each in answer.candidates]
            others = tuple(each for each in ids if each != ids[chosen])
            self.assistant.feedback(name, Feedback(kind="choice", answer=ids[chosen], over=others))
            first = first or answer.model_copy(update={"chosen": chosen})
            done()
        assert first is not None  # there is at least one choice
        return first

    def _answer(self, who: str, question: str, seed: int | None = None) -> Answer:
        sampling = Sampling(max_tokens=self.size.max_tokens, seed=seed)
        if who == NOBODY:
            method = f"plain+best-of-{self.size.plain}"
            return self.assistant.answer(who, question, sampling=sampling, method=method, temporary=True)
        return self.assistant.answer(who, question, sampling=sampling, candidates=self.size.candidates)

    def _won(self, name: str, question: str, answers: Mapping[tuple[str, str], Answer]) -> Array:
        reward = self.people[name].reward
        plain = [candidate.text for candidate in answers[NOBODY, question].candidates]
        return wins(reward([answers[name, question].text]), reward(plain))


def print_first_choice(first: Mapping[str, Answer], screen: Console) -> None:
    """The first question of both, with the answers that they saw and what each chose."""
    answers = next(iter(first.values()))
    takers = {answer.chosen: "" for answer in first.values()}
    for name, answer in first.items():
        takers[answer.chosen] += f" {name} chose this"
    panels = [
        Panel(Text(candidate.text), title=f"{number + 1}{takers.get(number, '')}", width=_width(screen, 4))
        for number, candidate in enumerate(answers.candidates)
    ]
    screen.rule(f"The first of their choices: {TRAINING[0]}")
    screen.print(Columns(panels))


def print_report(report: DemoReport, screen: Console) -> None:
    """Answers side by side, what was learnt, and the count."""
    for shown in report.questions:
        screen.rule(f"A new question: {shown.question}")
        answers = {"for nobody": shown.plain, **{f"for {name}": text for name, text in shown.answers.items()}}
        screen.print(
            Columns([Panel(Text(text), title=name, width=_width(screen, 3)) for name, text in answers.items()])
        )
    table = Table(title=f"What {report.choices} choices taught, and the taste that chose", title_justify="left")
    table.add_column("attribute")
    for one in report.people:
        table.add_column(f"{one.name}: true", justify="right")
        table.add_column("learnt", justify="right")
    for tastes in zip(*(one.tastes for one in report.people), strict=True):
        cells = [cell for taste in tastes for cell in (f"{taste.true:+.2f}", f"{taste.mean:+.2f} ± {taste.sd:.2f}")]
        table.add_row(tastes[0].attribute, *cells)
    screen.print(table)
    for one in report.people:
        screen.print(
            f"{one.name} ({one.likes}) prefers the personalized answer to a plain one in "
            f"[bold]{one.preferred:g} of {one.comparisons}[/bold] comparisons; learnt and true taste agree to "
            f"{one.agreement:.2f} (cosine)."
        )
    screen.print(f"{report.seconds:.0f} s with the model {report.model}; the store of this run is deleted.")


def _width(screen: Console, columns: int) -> int:
    return max(24, screen.width // columns - 1)


def _progress() -> Progress:
    return Progress(console=Console(stderr=True), transient=True)
