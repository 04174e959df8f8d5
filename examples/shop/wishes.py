"""What a customer told the shop of themselves on purpose, kept by Idiolect's own memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from idiolect.assistant import Assistant
from idiolect.errors import BadInput
from idiolect.memory.extraction import extract, style_statements
from idiolect.memory.rights.asking import Forgetting
from idiolect.schema import Preference


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
        return [each for each in self.assistant.store.user(self.user).preferences() if each.status == "held"]

    def forget(self, statement: str) -> None:
        """Without a trace. Raises NotFound for what is nobody's, or somebody else's."""
        self.assistant.memory(self.user).forget(Forgetting.model_validate({"statement": statement}))

    def erase(self) -> None:
        """All that the memory holds of the person."""
        self.assistant.memory(self.user).erase()
