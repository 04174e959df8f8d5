"""Training of the shared experts that soups are made of: each moves the model's own answers along one named attribute.

No person's words are in them: the answers are the plain model's, and how much of the attribute they have is how well
they are liked. One look at the answers trains the experts of all attributes, and the expert of less is that of more
with its sign turned.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from idiolect.errors import BadInput, UnknownMethod
from idiolect.features.space import PreferenceSpace
from idiolect.generation.parameters.inner.patched import Text
from idiolect.generation.parameters.inner.training import Trained, tangents
from idiolect.generation.parameters.soups import Expert, place_of
from idiolect.generation.parameters.training import Workshop, figures
from idiolect.generation.token_samples import read_samples

STRENGTH = 3.0  # nats: a mixture of several moves less than any one of them
LEARNT = 0.2  # correlation with what is held out, from which an expert is kept that nobody named


def answers_of(samples: Path, shop: Workshop) -> list[tuple[Text, list[str]]]:
    """What is read of the answers, prompt by prompt: as ids, and as words."""
    several = defaultdict[str, list[str]](list)
    for sample in read_samples(samples):
        if sample.text.strip() and sample.text not in several[sample.prompt]:
            several[sample.prompt].append(sample.text)
    found = list[tuple[Text, list[str]]]()
    for prompt, texts in several.items():
        if len(texts) > 1 and len(found) < shop.lora.most // shop.lora.answers:
            text = shop.text(prompt, texts[: shop.lora.answers])
            with shop.model.alone() as network:
                found.append((text, [str(network.loaded.tokenizer.decode(list(ids))) for ids in text.answers]))
    return found


def train_experts(
    shop: Workshop, space: PreferenceSpace, wanted: Sequence[tuple[str, int]], samples: Path
) -> Iterator[Expert]:
    """Train some, each an attribute and its side, 1 or -1; none named: both sides of all that can be learnt.

    Each is kept in the place of the one before. Raises UnknownMethod for an attribute that there is not, and BadInput
    where the answers do not differ in one that is named.
    """
    known = space.names[: space.attributes]
    for attribute, _ in wanted:
        if attribute not in known:
            raise UnknownMethod(f"no attribute named {attribute!r}; there are: {', '.join(known)}")
    read = answers_of(samples, shop)
    if len(read) < shop.lora.least:
        raise BadInput(
            f"{samples} has several answers to {len(read)} prompts, and experts need {shop.lora.least}: draw more with "
            "`idiolect models sample`"
        )
    phi = space.phi([text for _, texts in read for text in texts], None)[:, : space.attributes]
    seen = tangents(shop.network().module, [text for text, _ in read], shop.lora)
    settings = shop.lora.model_copy(update={"strength": STRENGTH})
    for attribute, sign in wanted or [(name, sign) for name in known for sign in (1, -1)]:
        trained = seen.fitted(sign * phi[:, known.index(attribute)], settings)
        if trained.has_learnt and (wanted or trained.correlation >= LEARNT):
            yield _kept(shop, attribute, sign, trained, len(read))
        elif wanted:
            raise BadInput(
                f"nothing foretells {attribute} in the answers of {samples}: draw more, or choose another attribute"
            )


def _kept(shop: Workshop, attribute: str, sign: int, trained: Trained, prompts: int) -> Expert:
    place = place_of(shop.registry.root, attribute, sign)
    card = shop.card(prompts).model_copy(update={"kind": "expert", "figures": figures(trained)})
    return Expert(attribute, sign, place, shop.registry.put_expert(place, trained.lora, card))
