"""What a customer said of themselves, kept by Idiolect's own memory, and when it holds in the shop.

A wish about health ("nut allergy") is kept beyond the day only if the person agrees; on the day it holds at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from idiolect.assistant import Assistant
from idiolect.curating import Changes
from idiolect.errors import BadInput
from idiolect.memory.extraction import extract, style_statements
from idiolect.memory.rights.asking import Forgetting
from idiolect.schema import Preference, now

VISIT: Final = timedelta(hours=12)


@dataclass(frozen=True)
class Wishes:
    """Of one person."""

    assistant: Assistant
    user: str

    def say(self, text: str) -> None:
        """Keep it. Raises BadInput for words in which there is no wish, and for what may not be kept."""
        if not extract(text) and not style_statements(text):
            raise BadInput(
                'there is no wish in these words that I can read; say it as "I hate leather", "I have a nut allergy", '
                '"I like wool" or "shorter answers, please"'
            )
        self.assistant.memory(self.user).add(text)

    def held(self) -> Sequence[Preference]:
        """What counts now, oldest first."""
        said = self.assistant.store.user(self.user).preferences()
        today = now() - VISIT
        return [each for each in said if each.status == "held" or (each.status == "unconsented" and each.at >= today)]

    def consent(self, statement: str) -> None:
        """What was told of health counts beyond the day."""
        self.assistant.memory(self.user).change(statement, Changes.model_validate({"consented": True}))

    def forget(self, statement: str) -> None:
        """Without a trace. Raises NotFound for what is nobody's, or somebody else's."""
        self.assistant.memory(self.user).forget(Forgetting.model_validate({"statement": statement}))

    def erase(self) -> None:
        """All that the memory holds of the person."""
        self.assistant.memory(self.user).erase()
