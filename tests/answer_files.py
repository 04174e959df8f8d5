"""A file of answers of several models, as the benches of personal rewards read it."""

import json
from pathlib import Path

import numpy as np

SENTENCES = [
    "You could walk to the river in the morning and watch the birds.",
    "First, heat the oil; then add rice, salt and two eggs.",
    "I think that it may depend on the price!",
    "However, the government established numerous laws in 1848.",
    "Don't worry, that's totally fine, friend!",
    "Have you asked your doctor about the pain in your knee?",
    "- Write a list\n- Read a book\n- Sleep well",
    "Energy is conserved because forces act in pairs.",
    "Once upon a time a small cat lived in a quiet house by the sea.",
    "The computer stores data, e.g. names and numbers, on a disk.",
    "It was a cold and wonderful day, as bright as gold.",
    "People share money, food and time with their family.",
]


def a_file_of_answers(folder: Path, prompts: int = 24, models: int = 8) -> Path:
    rng = np.random.default_rng(0)
    rows = [
        {
            "prompt": f"How do I begin with plan number {number}?",
            "responses": {
                f"model {m}": " ".join(rng.choice(SENTENCES, size=rng.integers(2, 9))) for m in range(models)
            },
        }
        for number in range(prompts)
    ]
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
