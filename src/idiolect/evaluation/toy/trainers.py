"""Trainings in the toy world, by the code that `idiolect train` runs: a tiny model learns, and what it says is counted.

Labels are exact: every pair is read in both orders, each as likely as the reward prefers it, so that the optimum of
what a method seeks itself is known. All answers are scored by the world.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np

from idiolect.alignment.training.data import Pair
from idiolect.alignment.training.items import Said
from idiolect.alignment.training.preference import set_to
from idiolect.alignment.training.protocol import Scorer
from idiolect.alignment.training.runs import Plan, settings_of, train
from idiolect.evaluation.toy.language import QUESTIONS, answer_ids, distribution, messages, prompt_ids
from idiolect.evaluation.toy.world import TASTES, WORLD, World
from idiolect.generation.parameters.lora_file import Lora, mixed
from idiolect.models.white_box.settings import WhiteBoxSettings
from idiolect.models.white_box.weights import Loaded, load
from idiolect.reward.protocol import sigmoid
from idiolect.schema import Array

EVERY = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SETTINGS: Mapping[str, object] = {
    "rank": 16,
    "alpha": 16,
    "modules": EVERY,
    "rate": 1e-2,
    "weight_decay": 0,
    "batch": 64,
    "at_once": 64,
    "held_out": 0,
    "least": 2,
    "save_every": 10_000,
}
PAIRED: Mapping[str, object] = {"beta": WORLD.beta, "steps": 500}
DRAWN: Mapping[str, object] = {
    "pull": WORLD.beta,
    "answers": 64,
    "answer_tokens": 5,
    "standardised": False,
    "steps": 200,
    "rate": 5e-3,
    "batch": 2,
    "at_once": 2,
}
BOTH: Mapping[str, float] = {"warm": 0.5, "concise": 0.5}


@dataclass(frozen=True)
class Trained:
    """One policy (n,) after a question, and the reward (n,) that the training itself seeks."""

    name: str
    question: str
    policy: Array
    own: Array


@dataclass(frozen=True)
class School:
    """The model as it is, and a folder for what comes out of it."""

    model: Path
    folder: Path
    pairs: int = 400  # of each question
    seed: int = 0
    share: float = 1.0  # of the steps
    world: World = WORLD

    @cached_property
    def ref(self) -> Mapping[str, Array]:
        """What the model says, by question."""
        loaded = self.loaded()
        return {name: distribution(loaded.module, loaded.tokenizer, messages(name)) for name in QUESTIONS}

    def labelled(self, reward: Array, user: str = "ada", group: str = "", count: int | None = None) -> list[Pair]:
        """Pairs of answers, in both orders, each as likely as the reward prefers it."""
        rng, found, texts = np.random.default_rng((self.seed, len(user))), list[Pair](), self.world.texts
        for question in QUESTIONS:
            chance = 0.5 * self.ref[question] + 0.5 / len(texts)
            drawn = rng.choice(len(texts), size=(count or self.pairs, 2), p=chance)
            for first, second in drawn[drawn[:, 0] != drawn[:, 1]]:
                share = float(sigmoid(reward[first] - reward[second]))
                found += [
                    Pair(user, question, texts[first], texts[second], group, weight=share),
                    Pair(user, question, texts[second], texts[first], group, weight=1 - share),
                ]
        return found

    def train(self, method: str, pairs: Sequence[Pair], settings: Mapping[str, object]) -> Path:
        """The folder of what a method makes of them."""
        worth = dict(zip(self.world.texts, self.world.phi, strict=True))
        nothing = np.zeros(len(self.world.objectives))  # of what is no answer of this world

        def scorer(column: int) -> Scorer:
            return lambda _, answers: np.array([worth.get(text, nothing)[column] for text in answers])

        scorers = {name: scorer(column) for column, name in enumerate(self.world.objectives)}
        out = self.folder / method
        steps = max(1, round(self.share * int(str(settings["steps"]))))
        wanted = settings_of(method, {**SETTINGS, **settings, "steps": steps, "seed": self.seed})
        train(Plan(method, wanted, f"transformers:{self.model}", tuple(pairs), scorers, device="cpu"), out)
        return out

    def said(self, adapter: Path, name: str, own: Array) -> list[Trained]:
        """What the model says with an adapter."""
        from peft import PeftModel

        loaded = self.loaded()
        served = PeftModel.from_pretrained(loaded.module, str(adapter)).eval()
        told = {each: distribution(served, loaded.tokenizer, messages(each)) for each in QUESTIONS}  # type: ignore[arg-type]  # what the trainer gave back
        return [Trained(name, question, policy, own) for question, policy in told.items()]

    def spread(self, pairs: Sequence[Pair], objective: str) -> float:
        """The standard deviation by which a method divides an objective."""
        worth = dict(zip(self.world.texts, self.world.phi[:, self.world.objectives.index(objective)], strict=True))
        return float(np.std([worth[text] for pair in pairs for text in (pair.chosen, pair.rejected)]))

    def loaded(self) -> Loaded:
        """The model as it is, anew."""
        return load(str(self.model), WhiteBoxSettings(dtype="float32", device="cpu"))


def by_dpo(school: School) -> list[Trained]:
    """One taste."""
    reward = school.world.reward(TASTES["warm"])
    return school.said(school.train("dpo", school.labelled(reward), PAIRED) / "policy", "dpo", reward)


def by_p_dpo(school: School) -> list[Trained]:
    """Four opposed tastes."""
    rewards = {taste: school.world.reward(weights) for taste, weights in TASTES.items()}
    pairs = [pair for taste, reward in rewards.items() for pair in school.labelled(reward, taste)]
    more = {**PAIRED, "user_tokens": 4, "share": 0.9, "steps": 900}
    folder = school.train("p-dpo", pairs, more) / "policy"
    return [each for taste, reward in rewards.items() for each in _as_person(school, folder, taste, reward)]


def by_modpo(school: School) -> list[Trained]:
    """Pairs by one objective, another as margin."""
    world = school.world
    warm, concise = (world.phi[:, world.objectives.index(name)] for name in BOTH)
    pairs = school.labelled(warm)
    folder = school.train("modpo", pairs, {**PAIRED, "weight": 0.5, "others": {"concise": 0.5}}) / "policy"
    return school.said(folder, "modpo", 0.5 * warm + 0.5 * concise / school.spread(pairs, "concise"))


def by_soups(school: School) -> list[Trained]:
    """Two experts, each as it is, and both mixed."""
    pairs, own = _of_both(school)
    out = school.train("soups", pairs, {**PAIRED, "objectives": list(BOTH), "noise": 1.0})
    found = [each for name in BOTH for each in school.said(out / name, f"expert {name}", own[name])]
    place = out / "mixed"
    place.mkdir()
    mixed([Lora.load(out / name) for name in BOTH], list(BOTH.values())).save(place, "toy")
    return [*found, *school.said(place, "soups, half each", weighed(BOTH, own))]


def by_panacea(school: School) -> list[Trained]:
    """Set to each objective, and to both."""
    pairs, own = _of_both(school)
    more = {**PAIRED, "objectives": list(BOTH), "noise": 1.0, "steps": 900}
    folder = school.train("panacea", pairs, more) / "policy"
    settings = {**{name: {name: 1.0} for name in BOTH}, "half each": dict(BOTH)}
    return [
        each
        for at, (name, weights) in enumerate(settings.items())
        for each in school.said(
            set_to(folder, weights, school.folder / f"panacea-{at}"),
            f"panacea, {name}",
            weighed(weights, own),
        )
    ]


def by_gradient(method: str) -> "Trainer":
    """Two objectives, their sum."""

    def run(school: School) -> list[Trained]:
        world = school.world
        own = weighed(BOTH, {name: world.phi[:, world.objectives.index(name)] for name in BOTH})
        more = {**DRAWN, "weights": dict(BOTH)}
        return school.said(school.train(method, school.labelled(own), more) / "policy", method, own)

    return run


Trainer: TypeAlias = Callable[[School], list[Trained]]
TRAINERS: Mapping[str, Trainer] = {
    "dpo": by_dpo,
    "p-dpo": by_p_dpo,
    "modpo": by_modpo,
    "soups": by_soups,
    "panacea": by_panacea,
    "rloo": by_gradient("rloo"),
    "grpo": by_gradient("grpo"),
}


def weighed(weights: Mapping[str, float], rewards: Mapping[str, Array]) -> Array:
    """(n,): a reward of several."""
    return np.asarray(np.sum([weight * rewards[name] for name, weight in weights.items()], axis=0))


def _of_both(school: School) -> tuple[list[Pair], dict[str, Array]]:
    """Pairs that prefer nothing, and by objective the reward as a method scales it."""
    pairs = school.labelled(np.zeros(len(school.world.answers)))[::2]
    columns = {name: school.world.phi[:, school.world.objectives.index(name)] for name in BOTH}
    return pairs, {name: column / school.spread(pairs, name) for name, column in columns.items()}


def _as_person(school: School, folder: Path, taste: str, reward: Array) -> list[Trained]:
    """What the model says with a person's vectors before the text."""
    import torch
    from peft import PeftModel
    from safetensors import safe_open

    from idiolect.alignment.training.inner.rows import padded  # noqa: PLC0415 - it needs torch

    loaded = school.loaded()
    served = PeftModel.from_pretrained(loaded.module, str(folder)).eval()
    with safe_open(folder / "users.safetensors", "pt") as file:
        people: list[str] = json.loads(file.metadata()["people"])
        vectors = file.get_tensor("vectors")[1 + people.index(taste)]
    found, answers = [], answer_ids(loaded.tokenizer, school.world)
    for question in QUESTIONS:
        rows = padded([Said(tuple(prompt_ids(loaded.tokenizer, messages(question))), tuple(each)) for each in answers])
        words = served.get_input_embeddings()(rows["ids"])
        before = vectors.expand(len(answers), -1, -1)
        read = torch.cat([torch.ones(before.shape[:2], dtype=torch.long), rows["read"]], dim=1)
        with torch.inference_mode():
            said = served(inputs_embeds=torch.cat([before, words], dim=1), attention_mask=read).logits
        nats = said[:, before.shape[1] :][:, :-1].log_softmax(-1).gather(-1, rows["ids"][:, 1:, None])[..., 0]
        totals = (nats * rows["answer"][:, 1:]).sum(-1).double()
        found.append(Trained(f"p-dpo, {taste}", question, np.asarray(totals.softmax(-1).numpy()), reward))
    return found
