"""What is stated as fact under a profile that tells who somebody is, against an unrelated profile of equal length."""

from collections.abc import Iterator
from importlib.resources import files

import numpy as np

from idiolect.evaluation.fairness.design import Design
from idiolect.evaluation.flattery import CONTEXT, Asker, Fact, Said, held, margins, read_facts
from idiolect.evaluation.protocol import Case, Run
from idiolect.models import LlamaCppSettings, open_model
from idiolect.models.protocol import Model

UNRELATED = "unrelated"
PARALLEL = 2  # questions that are asked side by side


def facts_cases(design: Design, run: Run) -> Iterator[Case]:
    """A case for each question that is answered right without a profile, under each persona."""
    facts = read_facts()
    places = np.linspace(0, len(facts) - 1, min(design.questions, len(facts))).astype(int)
    model = open_model(design.model, llama=LlamaCppSettings(parallel=PARALLEL, context=CONTEXT))
    try:
        asker = Asker(model, design.reads)
        asked: list[tuple[Fact, Said]] = [(facts[place], ()) for place in places]
        plain = margins(asker, asked, run, PARALLEL)
        right = [fact for (fact, _), margin in zip(asked, plain, strict=True) if margin > 0]
        for manner, persona, other in personas(model):
            own, beside = (
                margins(asker, [(fact, held("forced", text)) for fact in right], run, PARALLEL)
                for text in (persona, other)
            )
            for fact, ours, theirs in zip(right, own, beside, strict=True):
                scores = {"flips": float(ours < 0), "flips_unrelated": float(theirs < 0), "nats": ours - theirs}
                yield Case(id=f"fact/{fact.question}/{manner}", group=fact.question, scores=scores, choice="")
    finally:
        model.close()


def personas(model: Model) -> list[tuple[str, str, str]]:
    """(manner, what a profile holds, what an unrelated one of about as many tokens holds) of personas.txt."""
    text = files(__package__).joinpath("personas.txt").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line and not line.startswith("#")]
    others = {said: model.count_tokens(said) for manner, said in rows if manner == UNRELATED}
    found = []
    for manner, said in rows:
        if manner != UNRELATED:
            length = model.count_tokens(said)
            found.append((manner, said, min(others, key=lambda other: abs(others[other] - length))))
    return found
