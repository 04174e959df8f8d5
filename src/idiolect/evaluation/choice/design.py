"""The settings of the bench."""

from typing import ClassVar, Literal

from pydantic import Field

from idiolect.evaluation.protocol import Bench
from idiolect.evaluation.simulated import AGREEMENT


class Crowd(Bench):
    """Settings of a population of simulated people who choose among the real answers of a file."""

    needs: ClassVar[str] = 'JSON lines {"prompt", "responses": {model: answer}}, as .jsonl or .jsonl.gz'

    embedder: str = Field("minilm", description="Of the features and of the prompts; none for attributes alone.")
    seen_prompts: int = Field(100, ge=4, description="Prompts that people choose on.")
    unseen_prompts: int = Field(50, ge=2, description="Prompts that nobody has chosen on.")
    seen_users: int = Field(200, ge=8, description="People on whose choices the methods' shared parts are fitted.")
    unseen_users: int = Field(100, ge=2, description="People whom no method has met.")
    agreement: float = Field(AGREEMENT, gt=0.5, lt=1, description="How often people repeat a choice.")
    concentration: float = Field(0.1, gt=0, description="Of the Dirichlet that mixes the reward functions.")
    choices: int = Field(50, ge=1, description="That each person makes.")


class Design(Crowd):
    """All of the bench's settings."""

    methods: tuple[str, ...] = Field(
        (), description="By name; empty for all that are fitted on choices, and the baselines."
    )
    default: str = Field("gaussian", description="The method that the others are held against.")
    stages: tuple[int, ...] = Field((0, 1, 2, 5, 10, 20, 50), description="Choices before a test.")
    evaluated: int = Field(100, ge=2, description="Of the people met in training, how many are tested.")
    tests: int = Field(40, ge=1, description="Test pairs of a person on unseen prompts; half as many on seen ones.")
    rankings: int = Field(20, ge=1, description="Prompts of which a person is shown the best; half on seen ones.")
    tried: int = Field(4, ge=0, description="Settings of each method tried on the training users; 0 fits briefly.")
    workers: int = Field(0, ge=0, description="Processes side by side; 0 for as many as there are cores.")
    judge: str = Field(
        "", description="A model, such as `starter`, for the rewards that ask one; empty leaves them out."
    )
    judged: tuple[Literal["judge", "synthesizeme"], ...] = Field(
        ("judge", "synthesizeme"), description="Which of these rewards."
    )
    judge_people: int = Field(8, ge=2, description="People whom no method has met that they are asked about.")
    judge_pairs: int = Field(10, ge=1, description="Test pairs of each of them, on unseen prompts.")
    judge_stages: tuple[int, ...] = Field((0, 5), min_length=1, description="Choices that they are told of.")
