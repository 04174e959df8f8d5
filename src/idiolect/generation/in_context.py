"""In-context examples: the person's latest choices stand in the prompt (after ICA of AlignX, Li et al., 2503.15463).

    y ~ pi(. | E_u, x),  E_u = the latest k of (x_i, y_i preferred, y_i rejected),  x_i other than x

No training: the model as it is reads the examples.  Shared: the template.  Per user: k choices.  Cold start: plain.
A choice between answers to the very question that is asked is no example: it would give the answer away.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, Self

from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.system_text import SystemText, is_same, one_line, question, quoted, template
from idiolect.models.protocol import Request
from idiolect.prompting import OfInContext

TEMPLATE = "examples-1"
LONGEST_ANSWER = 400  # characters of each answer: its beginning shows its style
DEFAULT = OfInContext()


class InContext:
    """Shows the model the person's latest choices."""

    family: ClassVar[str] = "prompting"

    def __init__(
        self,
        system_prompt: str,
        count_tokens: Callable[[str], int],
        k: int = DEFAULT.k,
        budget: int = DEFAULT.budget_tokens,
        context: int | None = None,
    ) -> None:
        self.system = SystemText(system_prompt, count_tokens, context)
        self.k = k
        self.budget = budget

    @classmethod
    def open(cls, host: Host) -> Self:
        """Counts tokens as the host's model does."""
        text, settings = host.system_text, host.prompting.in_context
        return cls(text.default, text.count, settings.k, settings.budget_tokens, text.context)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Append the examples to the system message, oldest first; without choices nothing changes."""
        asked = question(request)
        others = [i for i, (prompt, _, _) in enumerate(person.choices) if not is_same(prompt, asked)]
        latest = others[max(0, len(others) - self.k) :][::-1]
        if not latest:
            return Prepared(request)
        text, kept = self.system.filled(request, self.budget, [person.choices[i] for i in latest], _rendered)
        if not kept:
            return Prepared(request)
        note = f"The model was shown {kept} earlier choice{'' if kept == 1 else 's'} (template {TEMPLATE})."
        turns = tuple(person.chosen_in[i] for i in latest[:kept] if person.chosen_in)
        return Prepared(self.system.add(request, text), notes=(note,), turns=turns)


def _rendered(newest_first: Sequence[tuple[str, str, str]]) -> str:
    return template(TEMPLATE).render(examples=[_example(*each) for each in reversed(newest_first)]).strip()


def _example(prompt: str, chosen: str, rejected: str) -> str:
    return (
        f'Question: "{one_line(prompt)}"\n'
        f'Preferred answer: "{quoted(chosen, LONGEST_ANSWER)}"\n'
        f'Rejected answer: "{quoted(rejected, LONGEST_ANSWER)}"'
    )
