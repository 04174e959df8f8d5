"""An operator's file on top of the shipped policy: it may tighten and add, and loosen only what is not universal."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from idiolect.boundary.policy import Category, Context, HelpLine, Name, Part, Policy, Rule, explained, parse
from idiolect.errors import PolicyError
from idiolect.schema import Action
from idiolect.settings import Country

STRICTNESS: tuple[Action, ...] = ("allow", "care", "helpline", "refuse")


class Change(Part):
    """A category of the operator's file: a new one with all its keys, or changes to one that exists."""

    name: Name
    title: str | None = None
    action: Action | None = None
    universal: bool | None = None
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    instead: str | None = None
    examples: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    drop: tuple[Name, ...] = ()  # ids of rules that no longer hold


class Layer(Part):
    """An operator's file."""

    version: Annotated[str, Field(min_length=1, max_length=60)]
    tau: Annotated[float, Field(gt=0, lt=1)] | None = None
    helpline: Annotated[str, Field(min_length=1)] | None = None
    help_lines: dict[Country, HelpLine] = Field(default_factory=dict)
    words: dict[Name, tuple[str, ...]] = Field(default_factory=dict)
    context: tuple[Context, ...] = ()
    category: tuple[Change, ...] = ()


def on_top(base: Policy, path: Path) -> Policy:
    """The base with an operator's file on top of it. Raises PolicyError with the file, the key and the reason."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"the policy file {path} cannot be read: {error}") from error
    layer = parse(text, str(path), Layer)
    try:
        return layered(base, layer)
    except ValidationError as error:
        raise PolicyError(explained(error, str(path))) from error
    except PolicyError as error:
        raise PolicyError(f"{path}, {error}") from error


def layered(base: Policy, layer: Layer) -> Policy:
    """The policy in force. Raises PolicyError when the layer would loosen what holds for everyone."""
    if layer.tau is not None and layer.tau < base.tau:
        raise PolicyError(f"tau: {layer.tau} is below {base.tau}, which holds for everyone: leave it out or raise it")
    taken = sorted(set(layer.words) & set(base.words))
    if taken:
        raise PolicyError(f"words.{taken[0]}: this group exists; give yours another name")
    there = {category.name: category for category in base.category}
    changes = {change.name: change for change in layer.category}
    if len(changes) < len(layer.category):
        raise PolicyError("category: one name stands twice; put its changes together")
    changed = tuple(_changed(category, changes.get(category.name)) for category in base.category)
    added = tuple(_new(change) for change in layer.category if change.name not in there)
    universal = {category.name for category in changed if category.universal}
    for context in layer.context:
        _check_context(context, universal)
    whole = {
        "version": f"{base.version}+{layer.version}",
        "tau": layer.tau or base.tau,
        "helpline": layer.helpline or base.helpline,
        "help_lines": {**base.help_lines, **layer.help_lines},
        "words": {**base.words, **layer.words},
        "context": base.context + layer.context,
        "category": changed + added,
    }
    return Policy.model_validate(whole)


def _changed(category: Category, change: Change | None) -> Category:
    if change is None:
        return category
    action = change.action or category.action
    threshold = change.threshold or category.threshold
    universal = category.universal if change.universal is None else change.universal
    unknown = sorted(set(change.drop) - {rule.id for rule in category.rules})
    if unknown:
        raise PolicyError(f"category {category.name!r}, drop: it has no rule {unknown[0]!r}")
    if category.universal:
        _check_universal(category, change, action, threshold)
    return category.model_copy(
        update={
            "title": change.title or category.title,
            "action": action,
            "universal": universal,
            "threshold": threshold,
            "instead": change.instead or category.instead,
            "examples": category.examples + change.examples,
            "harmless": category.harmless + change.harmless,
            "rules": tuple(rule for rule in category.rules if rule.id not in change.drop) + change.rules,
        }
    )


def _check_universal(category: Category, change: Change, action: Action, threshold: float) -> None:
    loosened = {
        "universal": change.universal is False,
        "drop": bool(change.drop),
        "action": STRICTNESS.index(action) < STRICTNESS.index(category.action),
        "threshold": threshold > category.threshold,
    }
    for key in (key for key, is_looser in loosened.items() if is_looser):
        raise PolicyError(f"category {category.name!r}, {key}: it is universal and can be made stricter, never looser")


def _check_context(context: Context, universal: set[str]) -> None:
    softened = sorted(set(context.categories) & universal)
    if context.factor < 1 and not context.categories:
        raise PolicyError(f"context {context.id!r}: it lowers the risk everywhere; name the categories that it is for")
    if context.factor < 1 and softened:
        raise PolicyError(f"context {context.id!r}: it lowers the risk in {softened[0]!r}, which is universal")


def _new(change: Change) -> Category:
    missing = [key for key in ("title", "action", "instead") if getattr(change, key) is None]
    if missing or change.title is None or change.action is None or change.instead is None:
        raise PolicyError(f"category {change.name!r} is new and lacks {missing[0]!r}")
    if change.drop:
        raise PolicyError(f"category {change.name!r} is new: there is nothing to drop")
    return Category(
        name=change.name,
        title=change.title,
        action=change.action,
        universal=change.universal or False,
        threshold=change.threshold or 0.5,
        instead=change.instead,
        examples=change.examples,
        harmless=change.harmless,
        rules=change.rules,
    )
