"""The parts behind the loop: the model is opened when it is first needed, and once."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from earlier_turns import TURNS
from idiolect.assistant import Assistant
from idiolect.errors import BadInput, ModelError, UnknownModel
from idiolect.models import WhiteBoxSettings, same_weights_open, starter
from idiolect.models.protocol import Model
from idiolect.models.scripted import Scripted
from idiolect.parts import open_parts
from idiolect.settings import Settings

SETTINGS = Settings(model="scripted", store="sqlite://", embedder="none")


def test_of_many_who_ask_at_once_one_opens_the_model() -> None:
    opened: list[Model] = []

    def slowly() -> Model:
        time.sleep(0.05)
        opened.append(Scripted())
        return opened[-1]

    parts = replace(open_parts(SETTINGS), open_model=slowly)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: parts.model, range(8)))
    assert len(opened) == 1
    assert all(each is opened[0] for each in found)
    parts.close()


def test_a_model_that_could_not_be_opened_is_tried_again() -> None:
    tries: list[int] = []

    def open_model() -> Model:
        tries.append(1)
        if len(tries) == 1:
            raise ModelError("not yet")
        return Scripted()

    parts = replace(open_parts(SETTINGS), open_model=open_model)
    with pytest.raises(ModelError, match="not yet"):
        _ = parts.model
    assert parts.model.name == "scripted"
    parts.close()


def test_what_is_closed_opens_nothing() -> None:
    parts = open_parts(SETTINGS)
    parts.close()
    with pytest.raises(ModelError, match="was closed"):
        _ = parts.model


def test_a_name_of_no_form_is_told_before_anything_is_opened() -> None:
    with pytest.raises(UnknownModel, match="nobody"):
        Assistant(settings=SETTINGS.model_copy(update={"model": "nobody"}))


def test_beliefs_are_read_and_taught_without_the_model() -> None:
    gone = SETTINGS.model_copy(update={"model": "./gone.gguf"})
    with Assistant(settings=gone) as assistant:
        assert assistant.say("ana", "shorter answers, please").evidence == 1
        assert assistant.profile("ana").evidence == 1
        with pytest.raises(UnknownModel, match="gone"):
            assistant.load()
        with pytest.raises(UnknownModel, match="gone"):
            assistant.answer("ana", "Hello?")


def test_an_erasure_empties_the_prompts_of_a_model_that_was_opened_since() -> None:
    with Assistant(settings=SETTINGS.model_copy(update={"model": "starter"})) as assistant:
        memory = assistant.memory("ana")
        assistant.say("ana", "I like tea.")
        assert "prompts" not in memory.erase(dry_run=True).caches
        assistant.load()
        assert "prompts" in memory.erase().caches


@pytest.mark.parametrize(("model", "quoted"), [("scripted", 1), ("starter", 0)])
def test_no_earlier_turn_is_put_before_a_model_that_is_too_small_to_use_it(model: str, quoted: int) -> None:
    with Assistant(settings=SETTINGS.model_copy(update={"model": model})) as assistant:
        assistant._parts.open_model = Scripted
        assistant.answer("ana", TURNS["book"][0])
        assert len(assistant.answer("ana", "Which novel about the sea did you recommend?").trace.turns) == quoted


def test_the_starter_opens_from_inside_and_a_stand_in_says_that_it_cannot() -> None:
    with pytest.raises(BadInput, match="--model transformers:starter"):
        same_weights_open("scripted")
    opened = same_weights_open("starter", WhiteBoxSettings(rows=1))
    assert opened.fingerprint == starter.SHA256
    opened.close()
