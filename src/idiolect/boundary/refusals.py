"""What is said in the model's place: polite, a human tone and a help line in a crisis, what may be asked instead."""

from idiolect.boundary.policy import Policy
from idiolect.boundary.screens import UNCHECKED
from idiolect.schema import Verdict

UNKNOWN = "I'd rather not answer that as it stands. Could you put it another way, or say what it is for?"
NOT_CHECKED = (
    "I can't check at the moment whether I may answer that, so for now I don't. "
    "Please ask again in a few minutes; nothing is wrong with your question."
)


class Refusals:
    """The words of a policy. `country`, an ISO code, picks the help line where a person's own isn't known."""

    def __init__(self, policy: Policy, country: str | None) -> None:
        self._policy, self._country = policy, country
        self._categories = {category.name: category for category in policy.category}

    def text(self, verdict: Verdict, country: str | None) -> str:
        """For a request or an answer that is not admitted."""
        if verdict.category == UNCHECKED:
            return NOT_CHECKED
        category = self._categories.get(verdict.category or "")
        if category is None:
            return UNKNOWN
        if category.action == "helpline":
            lines = (self._policy.helpline, self._line(country), category.instead)
            return " ".join(line for line in lines if line)
        return f"Sorry, I can't help with {category.title}. {category.instead}"

    def ending(self, verdict: Verdict, country: str | None) -> str:
        """For an answer that was shown in part."""
        return f"\n\nI stopped here, because this answer was going beyond what I may say. {self.text(verdict, country)}"

    def _line(self, country: str | None) -> str:
        """The help line of the person's country, else of the setting's; a country without a line has none."""
        return self._policy.help_lines.get((country or self._country or "").upper(), "")
