from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from idiolect.assistant import Assistant
from idiolect.features.attributes import ATTRIBUTES
from idiolect.generation.bridge import Bridge, directions, directions_of
from idiolect.generation.protocol import Person
from idiolect.generation.system_text import SystemText
from idiolect.models.protocol import Request
from idiolect.prompting import OfBridge
from idiolect.schema import Message, Preference
from idiolect.settings import Settings

START = datetime(2026, 3, 1, tzinfo=UTC)
ASKED = Request((Message(role="user", content="Which wine goes with a mushroom risotto?"),))
NAMES = tuple(ATTRIBUTES)
COUNTED: list[str] = []


def count(text: str) -> int:
    COUNTED.append(text)
    return len(text.split())


SYSTEM = SystemText("You are a helpful assistant.", count)


def person(preferences: Sequence[Preference] = (), weights: dict[str, float] | None = None, sd: float = 0.3) -> Person:
    mean = np.array([(weights or {}).get(name, 0.0) for name in NAMES])
    return Person(preferences, mean, np.full(len(NAMES), sd), NAMES, len(preferences) + len(weights or {}))


SHORT = Preference(id="a", kind="style", text="shorter", attribute="length", polarity=-1, at=START)
RIOJA = Preference(id="b", kind="topic", text="I like Rioja", object="Rioja", at=START + timedelta(days=1))
NOISE = Preference(id="c", kind="topic", text="I avoid noise", object="noise", polarity=-1, at=START)
NUTS = Preference(id="d", kind="constraint", text="I can't have nuts", object="nuts", polarity=-1, at=START)
TEACHER = Preference(id="e", kind="about_me", text="I teach physics", object="physics", at=START)


def prompt(known: Person, budget: int = 300) -> str:
    return Bridge(SYSTEM, OfBridge(budget_tokens=budget)).prepare(ASKED, known).request.messages[0].text


def signs(known: Person) -> dict[str, int]:
    return {each.name: each.sign for each in directions(known) if each.sign}


def test_neutral_in_everything_is_the_plain_request() -> None:
    unsure = person(weights=dict.fromkeys(NAMES, 0.4))  # 1.33 standard deviations
    assert signs(unsure) == {}
    assert [each.name for each in directions(unsure)] == list(NAMES)
    assert Bridge(SYSTEM).prepare(ASKED, unsure).request is ASKED


def test_a_sure_weight_points_where_its_sign_says() -> None:
    known = person(weights={"length": -0.6, "hedging": 0.6, "emoji": 0.3})
    assert signs(known) == {"length": -1, "hedging": 1}
    line = next(line for line in prompt(known).split("\n") if line.startswith("- Answers that they like"))
    assert line == f"- Answers that they like: {'; '.join(_words('length', 'hedging'))}"


def _words(low: str, high: str) -> list[str]:
    order = sorted((low, high), key=NAMES.index)
    return [ATTRIBUTES[name].low if name == low else ATTRIBUTES[name].high for name in order]


def test_what_was_said_goes_before_what_was_seen_and_a_number_set_by_hand_before_both() -> None:
    seen = person([SHORT], {"length": 0.9})
    assert signs(seen) == {"length": -1}
    assert signs(replace(seen, sd=np.full(len(NAMES), 0.1))) == {"length": 1}
    assert signs(person([SHORT], sd=0.1)) == {}


def test_stated_topics_are_directions_too_and_facts_are_none() -> None:
    known = person([RIOJA, NOISE, NUTS, TEACHER])
    assert signs(known) == {"Rioja": 1, "noise": -1, "nuts": -1}
    lines = prompt(known).split("\n")
    assert '- Limits that they set: "I can\'t have nuts"' in lines
    assert '- In favour of: "I like Rioja"' in lines
    assert '- Against: "I avoid noise"' in lines
    assert "physics" not in prompt(known)


def test_a_style_with_a_scope_is_told_with_it_and_leaves_the_attribute_neutral() -> None:
    scoped = SHORT.model_copy(update={"scope": "when I am at work"})
    known = person([scoped])
    assert {each.name for each in directions(known)[: len(NAMES)] if each.sign} == set()
    assert f"when I am at work: {ATTRIBUTES['length'].low}" in prompt(known)


def test_the_list_is_the_same_whatever_is_asked_and_its_tokens_are_counted_once() -> None:
    method, known = Bridge(SYSTEM), person([SHORT, RIOJA, NUTS])
    first = method.prepare(ASKED, known).request.messages[0]
    COUNTED.clear()
    other = Request((Message(role="user", content="What is a fugue?"),))
    assert method.prepare(other, known).request.messages[0] == first
    assert COUNTED == []


@pytest.mark.parametrize("budget", [0, 50, 60, 70, 200])
def test_the_list_keeps_to_its_budget_and_likes_go_before_limits(budget: int) -> None:
    many = [RIOJA.model_copy(update={"id": f"r{n}", "text": f"I like the wine number {n}"}) for n in range(30)]
    prepared = Bridge(SYSTEM, OfBridge(budget_tokens=budget)).prepare(ASKED, person([*many, NUTS]))
    if prepared.request is ASKED:
        assert budget < 60
    else:
        text = prepared.request.messages[0].text
        assert "nuts" in text
        assert len(text.split()) - len(SYSTEM.default.split()) <= budget


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with Assistant(settings=Settings(model="scripted", store="sqlite://", embedder="none", method="bridge")) as opened:
        yield opened


def told(assistant: Assistant, question: str) -> list[str]:
    notes = assistant.answer("ana", question, candidates=1).trace.notes
    return [note for note in notes if "template" in note]


def test_the_person_edits_the_list_by_what_they_say_correct_and_forget(assistant: Assistant) -> None:
    one = "The model was told 1 direction of preference (template bridge-1)."
    assert told(assistant, "What is a fugue?") == []
    assistant.say("ana", "shorter answers, please")
    assert told(assistant, "What is a canon?") == [one]
    assistant.correct("ana", "length", 0)
    assert told(assistant, "What is a round?") == []
    assistant.correct("ana", "length", 2)
    assert told(assistant, "What is a motet?") == [one]
    assistant.memory("ana").erase()
    assert told(assistant, "What is a mass?") == []


def test_the_list_as_the_person_sees_it_is_the_one_that_the_model_is_told(assistant: Assistant) -> None:
    assistant.say("ana", "shorter answers, please")
    assistant.say("ana", "I like Rioja")
    assistant.correct("ana", "hedging", -2)
    seen = directions_of(assistant.profile("ana"))
    assert {each.name: each.sign for each in seen.directions if each.sign} == {"length": -1, "hedging": -1, "Rioja": 1}
    assert {each.name: each.source for each in seen.directions if each.sign}["hedging"] == "seen"
    ids = {each.id for each in assistant.store.user("ana").preferences()}
    assert {each.statement for each in seen.directions if each.source == "said"} == ids
    assert "The model was told 3 directions of preference (template bridge-1)." in told(assistant, "Which Rioja?")
