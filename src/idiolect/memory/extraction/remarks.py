"""Sentences that no pattern knows and that the classifier takes for lasting: kept nearly whole, as weak statements."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from idiolect.features.embedder import Embedder
from idiolect.memory.extraction.admission import is_for, kind_of
from idiolect.memory.extraction.classifier import may_be_lasting, shipped
from idiolect.memory.extraction.objects import phrase
from idiolect.memory.extraction.sentences import Sentence
from idiolect.memory.extraction.topics import sensitive_of
from idiolect.schema import Slots

STRENGTH: Final = 0.5
MOST: Final = 8  # sentences of a message that are embedded: each takes some 10 ms
SUBJECT: Final = re.compile(
    r"\W*(?:(?:and|but|so|also|because|since)\W+)?(?:i|we)(?:['\u2019](?:m|ve|d))?(?!\w)(?:\s+(?:am|have|would"
    r"|do|need|want|also|just|really)\b)*\s*"
    r"|\W*",
    re.IGNORECASE,
)


def remarks(told: Sequence[Sentence], text: str, embedder: Embedder) -> Iterator[Slots]:
    """A statement for each sentence that the classifier takes for lasting; none with an embedder of another name."""
    asked = [sentence for sentence in told if may_be_lasting(sentence)][:MOST]
    classifier = shipped()
    if not asked or classifier.embedder != embedder.name:
        return
    chances = classifier.probability(embedder.embed([sentence.text.strip() for sentence in asked]))
    for sentence, chance in zip(asked, chances, strict=True):
        subject = SUBJECT.match(sentence.text)
        cut = phrase(sentence.text[subject.end() if subject else 0 :], compares=False)
        if chance < classifier.floor or not cut.object:
            continue
        yield Slots(
            kind=kind_of(sentence.text),
            object=cut.object,
            polarity=1 if is_for(sentence.text) else -1,
            strength=STRENGTH,
            scope=cut.scope,
            sensitive=sensitive_of(sentence.text),
            span=text[sentence.start : sentence.start + len(sentence.text)].strip(),
        )
