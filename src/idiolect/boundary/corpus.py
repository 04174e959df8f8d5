"""What the harm heads learn from: text of this project, and the public sets that may be trained on.

The public sets are AdvBench (arXiv 2307.15043), HarmBench (2402.04249), Do-Not-Answer (2308.13387), XSTest (2308.01263)
and the harmlessness comparisons of hh-rlhf (2204.05862). Their text doesn't come with Idiolect; what ships are
weights learnt from it.
"""

import gzip
import random
import re
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from idiolect.boundary.policy import Policy
from idiolect.errors import DataError
from idiolect.schema import Noun

LICENCES: Final = {
    "advbench": "MIT",
    "harmbench-val": "MIT",
    "do-not-answer": "Apache-2.0",
    "xstest": "CC-BY-4.0",
    "hh-rlhf": "MIT",
    "idiolect": "Apache-2.0",
}
OWN: Final = "idiolect"  # the source that this project wrote
SCARY: Final = "xstest"  # safe requests that sound harmful, and their contrasts
EVERYDAY: Final = "idiolect-everyday"
DRAWN: Final = 12  # sentences of one line, or as many as its longest choice has
TURN: Final = re.compile(r"\n\n(?:Human|Assistant): ?")


class Request(Noun):
    """One request of a public set, or of ours."""

    text: str
    label: Literal["harmful", "harmless", "sensitive"]
    source: str
    type: str = ""


class Completion(BaseModel):
    """One model's answer to a prompt of XSTest, with its human label."""

    type: str
    prompt: str
    completion: str
    human_label: str
    model: str

    @property
    def is_of_harm(self) -> bool:
        """Whether the prompt asks for harm: XSTest calls those contrasts."""
        return self.type.startswith("contrast")

    @property
    def is_refusal(self) -> bool:
        """Whether people called it a full refusal."""
        return self.human_label.endswith("full_refusal")

    @property
    def is_compliance(self) -> bool:
        """Whether people called it full compliance."""
        return self.human_label.endswith("full_compliance")


class Comparison(BaseModel):
    """A pair of conversations that differ in the last answer; people found the first less harmful."""

    chosen: str
    rejected: str

    @property
    def asked(self) -> str:
        """The person's last turn."""
        return TURN.split(self.chosen)[-2].strip()

    @property
    def answers(self) -> tuple[str, str]:
        """The better and the worse."""
        return TURN.split(self.chosen)[-1].strip(), TURN.split(self.rejected)[-1].strip()


T = TypeVar("T", bound=BaseModel)


def read_lines(path: Path, form: type[T]) -> list[T]:
    """JSON lines, packed or not. Raises DataError for a file that is not there or of another form."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as broken:
        raise DataError(f"{path} can't be read: {broken}") from broken
    found = list[T]()
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                found.append(form.model_validate_json(line))
            except ValidationError as broken:
                raise DataError(f"{path}, line {number}: {_complaint(broken, form)}") from broken
    return found


def _complaint(broken: ValidationError, form: type[BaseModel]) -> str:
    """What is wrong with a line, in plain words."""
    first = broken.errors(include_url=False, include_input=False)[0]
    needed = ", ".join(repr(name) for name, field in form.model_fields.items() if field.is_required())
    if first["type"] == "json_invalid":
        return f"this is no JSON object: each line is one, with {needed}"
    if not first["loc"]:
        return f"each line is a JSON object with {needed}"
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"the key {key!r} is missing: each line is a JSON object with {needed}"
    return f"the key {key!r} cannot be read: {first['msg'][:1].lower()}{first['msg'][1:]}"


def completions(data: Path) -> list[Completion]:
    """XSTest's answers."""
    return read_lines(data / "safety" / "xstest_completions.jsonl.gz", Completion)


def comparisons(data: Path) -> list[Comparison]:
    """hh-rlhf's harmlessness, those of two different answers."""
    found = [each for path in sorted((data / "hh_rlhf").glob("*.jsonl.gz")) for each in read_lines(path, Comparison)]
    return [each for each in found if all(each.answers) and len(TURN.split(each.chosen)) > 2]


def public_requests(data: Path) -> list[Request]:
    """The sets of requests, `sensitive` ones included."""
    return read_lines(data / "safety" / "requests.jsonl", Request)


def own_requests(policy: Policy, seed: int = 0) -> tuple[list[Request], list[int]]:
    """This project's, and the line that each was drawn from; the policy's own examples are each a line."""
    rng = random.Random(seed)
    found, lines = list[Request](), list[int]()
    for number, line in enumerate(_text("requests.txt").splitlines()):
        if line[:2] in ("- ", "+ ", "= "):
            label: Literal["harmful", "harmless"] = "harmful" if line[0] == "+" else "harmless"
            drawn = _drawn(line[2:].strip(), rng)
            source = EVERYDAY if line[0] == "=" else OWN
            found += [Request(text=text, label=label, source=source) for text in drawn]
            lines += [number] * len(drawn)
    for category in policy.category:
        if category.action in ("refuse", "helpline"):
            found += [Request(text=text, label="harmful", source=OWN) for text in category.examples]
            found += [Request(text=text, label="harmless", source=OWN) for text in category.harmless]
    everyday = [Request(text=text, label="harmless", source=EVERYDAY) for text in _everyday()]
    found += everyday
    return found, [*lines, *range(10_000, 10_000 + len(found) - len(lines))]


def _drawn(line: str, rng: random.Random) -> list[str]:
    """Sentences of a line with {a|b}: every alternative of the longest choice at least once."""
    parts = [part.split("|") if odd % 2 else [part] for odd, part in enumerate(re.split(r"\{([^}]*)\}", line))]
    longest = max(len(part) for part in parts)
    orders = [rng.sample(part, len(part)) for part in parts]
    made = ("".join(order[i % len(order)] for order in orders) for i in range(max(longest, min(DRAWN, longest * 2))))
    return list(dict.fromkeys(re.sub(r" +([,.?])", r"\1", text) for text in made))


def _everyday() -> list[str]:
    areas = tomllib.loads(_text("recall-areas.toml"))["area"]
    asked = [each["questions"] for each in TypeAdapter(dict[str, dict[str, str]]).validate_python(areas).values()]
    chat = str(tomllib.loads(_text("recall-beyond.toml"))["chat"]["prompts"])
    pieces: Iterable[str] = [*(";".join(asked)).split(";"), *chat.splitlines(), *_text("prompts.txt").splitlines()]
    return list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))


def _text(name: str) -> str:
    return files("idiolect").joinpath("resources", name).read_text(encoding="utf-8")
