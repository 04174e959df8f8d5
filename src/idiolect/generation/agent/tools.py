"""The tools that a model may call while it answers: they read, propose and ask; none of them writes a belief.

After MemGPT (Packer et al., 2310.08560), where the model edits its memory itself: here the person has the last word.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from idiolect.generation.agent.protocol import Desk
from idiolect.generation.profile_prompt import words_of
from idiolect.models.wire import Wire
from idiolect.schema import Completion

MOST_CALLS = 8  # of one exchange; the others are told that they were too many
LONGEST_RESULT = 12  # statements


class Search(BaseModel):
    """Look up what this person has said they like, dislike, need or are. Use it before answering what depends on it."""

    model_config = ConfigDict(extra="ignore")

    query: str = Field(min_length=1, max_length=1000, description="What it should bear on, such as: food for a dinner")


class Propose(BaseModel):
    """Propose one lasting preference to be remembered. The person decides later; nothing is stored by this."""

    model_config = ConfigDict(extra="ignore")

    text: str = Field(
        min_length=1, max_length=300, description="One thing, as the person would say it: I like quiet hotels"
    )


class Ask(BaseModel):
    """Ask the person one question instead of answering, only where the answer would be useless without it."""

    model_config = ConfigDict(extra="ignore")

    question: str = Field(min_length=1, max_length=500, description="The question, as they will read it")


@dataclass(frozen=True)
class Tool:
    """Its arguments, whose docstring tells the model what it is for, and what it does with them."""

    name: str
    arguments: type[BaseModel]
    use: Callable[[str, Desk], str]
    asks: bool = False

    @property
    def schema(self) -> dict[str, JsonValue]:
        """In OpenAI's form."""
        told = self.arguments.model_json_schema()
        about = told.pop("description")
        return {"type": "function", "function": {"name": self.name, "description": about, "parameters": told}}


class Function(Wire):
    """What is called: `arguments` is JSON in a string."""

    name: str = ""
    arguments: str = ""


class Call(Wire):
    """One call of a tool, as the model wrote it."""

    id: str = ""
    function: Function = Function()


class Calls(Wire):
    """Of one answer."""

    tool_calls: list[Call] = Field(default_factory=list)


def calls_of(written: Completion) -> list[Call]:
    """The tools that the model calls instead of answering, if it does; what isn't of the form calls none."""
    try:
        return Calls.model_validate(written.extra).tool_calls[:MOST_CALLS]
    except ValidationError:
        return []


def asked(calls: Sequence[Call]) -> str | None:
    """The first question to the person among the calls."""
    return next((each for call in calls if call.function.name == "ask_person" and (each := _argument(call))), None)


def run(call: Call, desk: Desk) -> str:
    """What a tool says to a call; to one that is not of the form, what is wrong with it."""
    tool = TOOLS.get(call.function.name)
    if tool is None:
        return f"there is no tool of that name; there are: {', '.join(TOOLS)}"
    argument = _argument(call)
    if argument is None:
        return f"the arguments are not of the form: {tool.name} takes {', '.join(tool.arguments.model_fields)}, as JSON"
    return tool.use(argument, desk)


def _argument(call: Call) -> str | None:
    """Every tool takes one text."""
    tool = TOOLS.get(call.function.name)
    if tool is None:
        return None
    try:
        (value,) = tool.arguments.model_validate_json(call.function.arguments).model_dump().values()
    except ValidationError:
        return None
    return str(value)


def _search(query: str, desk: Desk) -> str:
    found = desk.search(query)[:LONGEST_RESULT]
    desk.note(f"The model looked up what is remembered: {len(found)} statement{'' if len(found) == 1 else 's'}.")
    return "\n".join(f"- They said: {words_of(each)}" for each in found) or "nothing that bears on it is remembered"


def _propose(text: str, desk: Desk) -> str:
    return desk.propose(text)


def _ask(question: str, desk: Desk) -> str:
    return "the person was asked just now: answer with what is known"


TOOLS: Final[dict[str, Tool]] = {
    tool.name: tool
    for tool in (
        Tool("search_preferences", Search, _search),
        Tool("propose_preference", Propose, _propose),
        Tool("ask_person", Ask, _ask, asks=True),
    )
}
