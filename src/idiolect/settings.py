"""Configuration: arguments go before `IDIOLECT_*` variables, they before a TOML file, it before the defaults.

The file is the one named by IDIOLECT_CONFIG, else `idiolect.toml` here, else the one in the user's configuration
folder. Unknown keys are refused wherever they stand.
"""

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from idiolect.errors import SettingsError
from idiolect.prompting import Prompting
from idiolect.schema import Noun, Sampling


def is_country(code: str) -> str:
    """An ISO 3166 code of two letters. Raises ValueError."""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - its tables are large, and few settings name a country

    if code not in SUPPORTED_REGIONS:
        raise ValueError(f"{code!r} is no ISO 3166 code of a country, such as AT or GB")
    return code


Country = Annotated[str, AfterValidator(is_country)]
FILE_NAME = "idiolect.toml"
ENV_PREFIX = "IDIOLECT_"
CONFIG_VARIABLE = "IDIOLECT_CONFIG"
_PLAIN = Sampling()


class Rule(Noun):
    """After how many days what is forgotten; unsaid, never."""

    turns_days: PositiveInt | None = Field(None, description="Turns, with what was said in them and of their answers.")
    special_days: PositiveInt | None = Field(None, description="What names health, faith, politics, ...")

    def __bool__(self) -> bool:
        return self != Rule()


class Settings(BaseSettings):
    """All that can be configured. Made by hand it reads the environment but no file; `load_settings` reads both."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    model: str = Field(
        "starter",
        description="The model: `starter`, `./FILE.gguf`, `openai:NAME`, `ollama:NAME`, `hf:OWNER/REPO/FILE.gguf`.",
    )
    base_url: str | None = Field(None, description="The address of an OpenAI-compatible endpoint that serves `model`.")
    api_key: SecretStr | None = Field(None, description="The endpoint's key; better as a variable than in a file.")
    timeout_s: PositiveFloat = Field(
        60.0, description="Seconds that an endpoint may take before an answer is given up."
    )
    store: str = Field(
        "sqlite:///idiolect.db",
        description="Where events are kept: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`.",
    )
    erasures: Path | None = Field(
        None,
        description="Where erasures are noted, so that no backup undoes them; unset: `FILE.erasures`, a server: none.",
    )
    embedder: str = Field(
        "minilm", description="What turns a text into a vector: `minilm`, or `none` for attributes alone."
    )
    policy: Path | None = Field(
        None, description="A policy file for the boundary, on top of the shipped one: it may tighten and add."
    )
    guard: str | None = Field(
        None,
        description="Models that also judge requests and answers, parted by commas: `llama-guard:URL/v1/MODEL`, "
        "`shield-gemma:...`, `moderation`, `judge:...`; `judge` alone is the model that answers.",
    )
    guard_fails: Literal["closed", "open"] = Field(
        "closed", description="When a guard can't be asked: let nothing through, or all; the trace says so."
    )
    guard_timeout_s: PositiveFloat = Field(10.0, description="Seconds that a guard may be silent.")
    guard_key: SecretStr | None = Field(None, description="The guards' key; better as a variable than in a file.")
    country: Country | None = Field(
        None, description="ISO code of the country whose help line a person in crisis is told, such as `AT`."
    )
    method: str = Field(
        "auto", description="How an answer is made personal, such as `token-values+best-of-4`; or `auto`."
    )
    agent_rounds: Annotated[int, Field(ge=0, le=2)] = Field(
        2, description="Of the method `agent`: how often it may revise an answer; 0 for drafts alone."
    )
    candidates: Annotated[int, Field(ge=1, le=16)] | None = Field(
        None, description="Answers to choose among; unset: four on the starter, one on a model that costs money."
    )
    prompting: Prompting = Field(
        Prompting(), description="What the methods that write into the prompt put there, and how much."
    )
    context_tokens: PositiveInt | None = Field(
        None,
        description="Tokens of the model's context, prompt and answer together; what is too long loses its personal "
        "text first, then its oldest turns. Unset: as the engine tells; an endpoint does not.",
    )
    remember: bool = Field(
        True,
        description="Remember what people say of themselves in conversation; what they put in on purpose is always.",
    )
    read_by_model: bool = Field(
        False,
        description="Also let the model read what people say of themselves, after each answer; it must follow schemas.",
    )
    sensitive_to_remote: bool = Field(
        False, description="Let health, faith, sexuality, ethnicity and politics reach a model on another machine."
    )
    keep_turns_days: PositiveInt | None = Field(
        None,
        description="Turns older than this are erased, with what was said in them and of their answers; unset: never.",
    )
    keep_special_days: PositiveInt | None = Field(
        None, description="What names health, faith, sexuality, ethnicity or politics is erased after so many days."
    )
    keep_for: dict[str, Rule] = Field(
        {},
        description="Other days for the people of a tenant (`shop::`) or one person (`shop::ana`, `ana`): tables with "
        "`turns_days` and `special_days`; what they leave unsaid is as for everybody.",
    )
    turns_to_remote: bool = Field(False, description="Let earlier turns be quoted to a model on another machine.")
    kappa: NonNegativeFloat = Field(
        0.5, description="Caution of the choice: standard deviations subtracted from each answer's reward."
    )
    ask_above: NonNegativeFloat = Field(
        0.1,
        description="Show two answers and ask when the choice is expected to tell this much, in nats (at most 0.69); "
        "more after pairs that were just shown, most after pairs that were ignored.",
    )
    kl_budget: NonNegativeFloat | None = Field(
        None,
        description="How far token values or steering may move the model, in nats per token; unset: as was measured.",
    )
    token_values: Path | None = Field(
        None, description="A file of `idiolect models fit-token-values`; unset: the shipped one, for the starter."
    )
    steering: Path | None = Field(
        None, description="A file of `idiolect models fit-steering`; unset: the shipped one, for the starter."
    )
    soft_prompt: Path | None = Field(
        None, description="A file of `idiolect models fit-soft-prompt`; unset: the method soft-prompt is off."
    )
    values: Path | None = Field(
        None, description="A file of `idiolect models fit-values`; unset: the method value-guided is off."
    )
    adapters: Path | None = Field(
        None,
        description="The folder of people's adapters (LoRA); unset: `FILE.adapters`, beside a database server: none.",
    )
    train_adapters: bool = Field(
        False, description="Train a person's adapter behind their turns, once they have made enough choices."
    )
    system_prompt: str | None = Field(
        None, description="The system text of every conversation; unset: the model's own."
    )
    temperature: Annotated[float, Field(ge=0, le=2)] = Field(
        _PLAIN.temperature, description="Of the sampling; 0 is greedy."
    )
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(
        _PLAIN.top_p, description="Probability mass that sampling keeps."
    )
    max_tokens: Annotated[int, Field(ge=1, le=32_768)] = Field(
        _PLAIN.max_tokens, description="Longest answer, in tokens of the model."
    )
    host: str = Field("127.0.0.1", description="Address that the server listens on; `0.0.0.0` lets other machines in.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(8642, description="Port of the server; 0 takes a free one.")

    @property
    def sampling(self) -> Sampling:
        """How tokens are drawn unless a request says otherwise; what nobody said is left to an endpoint."""
        said = self.model_dump(include={"temperature", "top_p", "max_tokens"} & self.model_fields_set)
        return Sampling.model_validate(said)


def load_settings(config: Path | None = None, **arguments: object) -> Settings:
    """Settings from all sources; an argument that is None was not given. Raises SettingsError naming the culprit."""
    said = {key: value for key, value in arguments.items() if value is not None}
    _refuse_unknown(said, "the arguments")
    variables = {key.lower().removeprefix(ENV_PREFIX.lower()): key for key in os.environ if _is_ours(key)}
    _refuse_unknown(variables, f"the environment ({ENV_PREFIX}...)")
    file = config_file(config)
    written = _read(file) if file else {}
    _refuse_unknown(written, str(file))
    from_file = {key: value for key, value in written.items() if key not in variables}
    try:
        return Settings.model_validate(from_file | said)
    except ValidationError as error:
        raise SettingsError(_first(error, said, variables, file)) from error


def origins(config: Path | None = None) -> dict[str, str]:
    """Where the value of each setting comes from, arguments apart. Raises SettingsError as load_settings does."""
    load_settings(config)
    variables = {key.lower().removeprefix(ENV_PREFIX.lower()): key for key in os.environ if os.environ[key]}
    file = config_file(config)
    written = _read(file) if file else {}
    found = dict.fromkeys(Settings.model_fields, "default")
    found |= {key: str(file) for key in written}
    return found | {
        key: f"{name} in the environment" for key, name in variables.items() if key in found and _is_ours(name)
    }


def config_file(config: Path | None = None) -> Path | None:
    """The settings file in force, if there is one. Raises SettingsError when a named one is missing."""
    named = config or os.environ.get(CONFIG_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SettingsError(f"there is no settings file {named}: write it, or unset {CONFIG_VARIABLE} and --config")
        return Path(named)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return next((path for path in (Path(FILE_NAME), home / "idiolect" / FILE_NAME) if path.is_file()), None)


def spelt(text: str) -> JsonValue:
    """The value of a setting as a command spells it: JSON, or else bare text."""
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value


def _is_ours(variable: str) -> bool:
    return variable.startswith(ENV_PREFIX) and variable != CONFIG_VARIABLE


def _read(file: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error


def _refuse_unknown(keys: Iterable[str], where: str) -> None:
    for key in keys:
        if key not in Settings.model_fields:
            close = get_close_matches(key, Settings.model_fields, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(Settings.model_fields))}"
            raise SettingsError(f"unknown setting {key!r} in {where}; {hint}")


def _first(error: ValidationError, said: Mapping[str, object], variables: Mapping[str, str], file: Path | None) -> str:
    """The first complaint in one sentence, with the place where the value was written; never a secret's value."""
    complaint = error.errors(include_input=False, include_url=False)[0]
    key = str(complaint["loc"][0])
    if key in said:
        where = "the arguments"
    else:
        where = f"the variable {variables[key]}" if key in variables else str(file)
    return f"the setting {key!r} in {where} cannot be read: {complaint['msg'].lower()}"
