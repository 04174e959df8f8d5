"""In-context examples: the person's latest choices stand in the prompt (after ICA of AlignX, Li et al., 2503.15463).

    y ~ pi(. | E_u, x),  E_u = the latest k of (x_i, y_i preferred, y_i rejected)

No training: the model as it is reads the examples.  Shared: the template.  Per user: k choices.  Cold start: plain.
"""

from collections.abc import Callable
from typing import ClassVar, Self

from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.system_text import one_line, quoted, template, with_system_text, within
from idiolect.models.protocol import Request

TEMPLATE = "examples-1"
LATEST = 4
BUDGET = 800  # tokens
LONGEST_ANSWER = 400  # characters of each answer: its beginning shows its style


class InContext:
    """Shows the model the person's latest choices."""

    family: ClassVar[str] = "prompting"

    def __init__(
        self, system_prompt: str, count_tokens: Callable[[str], int], k: int = LATEST, budget: int = BUDGET
    ) -> None:
        self.system_prompt = system_prompt
        self.count_tokens = count_tokens
        self.k = k
        self.budget = budget

    @classmethod
    def open(cls, host: Host) -> Self:
        """Counts tokens as the host's model does."""
        return cls(host.system_prompt, host.model.count_tokens)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Append the examples to the system message, oldest first; without choices nothing changes."""
        latest = person.choices[max(0, len(person.choices) - self.k) :]
        newest_first = [_example(*choice) for choice in reversed(latest)]
        frame = template(TEMPLATE).render(examples=[])
        room = self.budget - self.count_tokens(frame) if newest_first else 0
        kept = within(newest_first, room, self.count_tokens)
        if not kept:
            return Prepared(request)
        text = template(TEMPLATE).render(examples=kept[::-1]).strip()
        note = f"The model was shown {len(kept)} earlier choice{'' if len(kept) == 1 else 's'} (template {TEMPLATE})."
        return Prepared(with_system_text(request, text, self.system_prompt), notes=(note,))


def _example(prompt: str, chosen: str, rejected: str) -> str:
    return (
        f'Question: "{one_line(prompt)}"\n'
        f'Preferred answer: "{quoted(chosen, LONGEST_ANSWER)}"\n'
        f'Rejected answer: "{quoted(rejected, LONGEST_ANSWER)}"'
    )
