"""Of themselves, not of the world: what may be told to the memory on purpose."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from idiolect.assistant import Assistant
from idiolect.curating import Changes
from idiolect.errors import BadInput
from idiolect.memory.door import pass_the_door
from idiolect.memory.extraction import of_oneself, told
from idiolect.schema import Feedback, Statement
from idiolect.settings import Settings
from oneself_key import OF_ONESELF, OF_THE_WORLD, lines


def refused(texts: Iterable[str]) -> list[str]:
    """Those that are not kept."""
    found = []
    for text in texts:
        try:
            told(text)
        except BadInput:
            found.append(text)
    return found


def test_short_forms_and_whatever_people_say_of_themselves_are_kept() -> None:
    assert refused(lines(OF_ONESELF)) == []


def test_nine_of_ten_claims_about_the_world_are_refused() -> None:
    claims = lines(OF_THE_WORLD)
    assert len(refused(claims)) >= 0.9 * len(claims)


def test_the_refusal_repeats_the_words_and_says_what_to_write_instead() -> None:
    with pytest.raises(BadInput, match=r'"The sky is blue\." says nothing of you.*say it of yourself.*"I like') as said:
        told("The sky is blue.")
    assert str(said.value).count("\n") == 0


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Vegan. The earth is flat.", "Vegan."),
        ("The earth is flat. No nuts!\nParis is the capital of France.", "No nuts!"),
        ("I live in Graz. The winters are too cold.", "I live in Graz. The winters are too cold."),
    ],
)
def test_a_claim_beside_words_of_oneself_is_left_out_of_what_is_believed(text: str, kept: str) -> None:
    assert of_oneself(text) == kept
    assert all(slots.object.casefold() in kept.casefold() and slots.span in kept for slots in told(text))


def test_a_claim_about_the_world_is_refused_at_every_door_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    claim = "I think the earth is flat."
    with Assistant(settings=Settings(model="./gone.gguf", embedder="none", store=str(tmp_path / "me.db"))) as assistant:
        memory = assistant.memory("ana")
        (tea,) = memory.add("I like tea.").statements
        for door in (
            lambda: memory.add(claim),
            lambda: memory.change(tea.id, Changes(text=claim)),
            lambda: assistant.say("ana", claim),
            lambda: assistant.feedback("ana", Feedback(kind="statement", value=claim)),
        ):
            with pytest.raises(BadInput, match="say it of yourself"):
                door()
        assert [each.text for each in memory.person.preferences()] == ["I like tea"]


def test_what_was_kept_before_is_still_restored() -> None:
    """The rule holds for what is told; events that a person has are theirs to keep and to bring back."""
    pass_the_door(Statement(text="The sky is blue."))
