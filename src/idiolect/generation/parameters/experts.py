"""Training of the shared experts that soups are made of: DPO on the model's own answers, by one named attribute.

No person's words are in them: the answers are the plain model's, and the attribute says which is preferred.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np

from idiolect.errors import BadInput, UnknownMethod
from idiolect.features.space import PreferenceSpace
from idiolect.generation.parameters.evidence import Example
from idiolect.generation.parameters.soups import Expert, place_of
from idiolect.generation.parameters.training import Workshop, figures, fitted
from idiolect.generation.token_samples import read_samples


def pairs_of(samples: Path, space: PreferenceSpace, attribute: str, sign: int, most: int) -> list[Example]:
    """Of each prompt's answers the one with most of the attribute over the one with least, the widest gaps first."""
    if attribute not in space.names[: space.attributes]:
        raise UnknownMethod(
            f"no attribute named {attribute!r}; there are: {', '.join(space.names[: space.attributes])}"
        )
    column, answers = space.names.index(attribute), defaultdict[str, list[str]](list)
    for sample in read_samples(samples):
        answers[sample.prompt].append(sample.text)
    found = list[tuple[float, Example]]()
    for prompt, texts in answers.items():
        values = sign * space.phi(texts, None)[:, column]
        top, bottom = int(np.argmax(values)), int(np.argmin(values))
        if values[top] > values[bottom]:
            found.append((float(values[top] - values[bottom]), Example(prompt, texts[top], texts[bottom])))
    return [example for _, example in sorted(found, key=lambda each: -each[0])[:most]]


def train_expert(shop: Workshop, space: PreferenceSpace, attribute: str, sign: int, samples: Path, most: int) -> Expert:
    """Train one and keep it in the place of the one before. Raises BadInput where the answers do not differ."""
    examples = pairs_of(samples, space, attribute, sign, most)
    if len(examples) < shop.lora.least:
        raise BadInput(
            f"{samples} has {len(examples)} prompts whose answers differ in {attribute}, and an expert needs "
            f"{shop.lora.least}: draw more with `idiolect models sample`"
        )
    trained = fitted(shop.network(), shop.texts(examples), shop.lora)
    place = place_of(shop.registry.root, attribute, sign)
    card = shop.card(examples).model_copy(update={"kind": "expert", "figures": figures(trained)})
    return Expert(attribute, sign, place, shop.registry.put_expert(place, trained.lora, card))
