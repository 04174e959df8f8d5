"""An answer in any case: where memory or reward fail, the person gets a plain one, and is told so."""

import logging
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from idiolect.assistant import Assistant, Options
from idiolect.errors import FeatureMismatch, IdiolectError, StoreError, WeightsError
from idiolect.plain import NotKept
from idiolect.schema import Answer, Cost, Message
from idiolect.server.wire import Lacking

logger = logging.getLogger(__name__)

FORGIVEN = (StoreError, FeatureMismatch, WeightsError)  # and what nobody expected


@dataclass
class Insisting:
    """One turn. `lacking` says what failed, once it has: the memory, or what makes answers personal."""

    assistant: Assistant
    user: str
    messages: Sequence[Message]
    options: Options
    spent: Callable[[Cost], None]  # hears what was shown to a client that left before the end
    lacking: Lacking | None = field(default=None, init=False)

    def answer(self) -> Answer:
        """Raises what the request itself, the model or the boundary is to blame for."""
        try:
            return self.assistant.answer(self.user, self.messages, **self.options)
        except NotKept as unkept:
            self._note(unkept)
            return unkept.answer
        except Exception as failure:  # noqa: BLE001 - what is not ours to forgive is raised again
            self._forgive(failure)
        return self.assistant.plain.answer(self.assistant.asked(self.user, self.messages, self.options))

    def stream(self) -> Generator[str | Answer, None, None]:
        """The same, as it is written. What fails after words went out ends the stream as an error does."""
        shown = ""
        with closing(self.assistant.stream(self.user, self.messages, **self.options)) as items:
            try:
                for item in items:
                    shown += item if isinstance(item, str) else ""
                    yield item
            except GeneratorExit:
                self._charge(shown)
                raise
            except NotKept as unkept:
                self._note(unkept)
                yield unkept.answer
                return
            except Exception as failure:
                if shown:
                    raise
                self._forgive(failure)
            else:
                return
        yield from self.assistant.plain.stream(self.assistant.asked(self.user, self.messages, self.options))

    def _charge(self, shown: str) -> None:
        """Whoever leaves before the end pays for what they were shown, as far as it can be told."""
        if shown:
            count = self.assistant.model.count_tokens
            prompt = sum(count(message.text) for message in self.messages)
            self.spent(Cost(calls=1, prompt_tokens=prompt, completion_tokens=count(shown)))

    def _forgive(self, failure: Exception) -> None:
        """Raise anew what a plain answer would not mend."""
        if isinstance(failure, IdiolectError) and not isinstance(failure, FORGIVEN):
            raise failure
        self._note(failure)

    def _note(self, failure: Exception) -> None:
        self.lacking = "memory" if isinstance(failure, StoreError) else "personalization"
        places = "".join(traceback.format_tb(failure.__traceback__))
        logger.error("%s failed, the answer is plain: %s\n%s", self.lacking, type(failure).__name__, places)
