"""What was inferred, in numbers: weak, fading, told apart from what was said, and gone with its consent."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest

from idiolect.assistant import Assistant
from idiolect.curating import Allowing
from idiolect.errors import BadInput, NotAllowed
from idiolect.learning import Learner
from idiolect.memory.inference.counting import counting
from idiolect.memory.inference.writing import MOST
from idiolect.memory.store import UserStore
from idiolect.reward.inferred import SEEN
from idiolect.schema import Answer, Array, Feedback, Inference, Message, Sampling, SignalKind, now
from idiolect.settings import Settings
from inferring import SHORT, asked, hints, live, on_days

LONG_AGO = timedelta(days=90)


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    fields = Settings(model="scripted", store="sqlite://", embedder="none", candidates=2, ask_above=9)
    with Assistant(settings=fields) as opened:
        yield opened


def allow(assistant: Assistant, *kinds: Inference, allowed: bool = True) -> UserStore:
    for kind in kinds:
        assistant.memory("ana").allow(Allowing(inference=kind, allowed=allowed))
    return assistant.store.user("ana")


def weights(assistant: Assistant) -> Array:
    return np.array([taste.mean for taste in sorted(assistant.profile("ana").tastes, key=lambda each: each.attribute)])


def mean(assistant: Assistant, attribute: str) -> float:
    return next(taste.mean for taste in assistant.profile("ana").tastes if taste.attribute == attribute)


def kept_pair(assistant: Assistant) -> tuple[Answer, Answer]:
    """Asked twice, gone on from the second: with the times of a person."""
    person = assistant.store.user("ana")
    asked_for = "Name a song by the sea."
    first, second = (assistant.answer("ana", asked_for, sampling=Sampling(seed=seed)) for seed in (1, 2))
    turns = [person.interaction(each.id) for each in (first, second)]
    person.forget([turn.id for turn in turns])
    at = now()
    later = (turn.model_copy(update={"at": at + number * timedelta(minutes=1)}) for number, turn in enumerate(turns))
    live(person, *later)
    told = [Message(role="user", content=asked_for), Message(role="assistant", content=second.text)]
    assistant.answer("ana", [*told, Message(role="user", content="And its singer?")])
    return first, second


def test_a_hint_counts_at_its_power_and_half_of_it_is_left_after_ninety_days(assistant: Assistant) -> None:
    person = allow(assistant, "style")
    live(person, *on_days(*SHORT, start=now() - timedelta(days=4)))
    (today,) = (each for each in counting(person, now()).leanings if each.attribute == "length")
    (later,) = (each for each in counting(person, now() + LONG_AGO).leanings if each.attribute == "length")
    assert today.target == -0.4
    assert today.precision == pytest.approx(0.2)
    assert later.precision == pytest.approx(0.1)
    assert len(counting(person, now() + 5 * LONG_AGO)) == 0


def test_all_that_was_written_weighs_less_than_one_statement(assistant: Assistant) -> None:
    person = allow(assistant, "style")
    for week in range(14):
        live(person, *on_days(*SHORT, start=now() - timedelta(days=4), name=f"w{week}-"))
        live(person, *(asked(f"v{week}-{n}", words, now(), before=f"w{week}") for n, words in enumerate(SHORT)))
    (leaning,) = (each for each in counting(person, now()).leanings if each.attribute == "length")
    assert leaning.precision == MOST
    inferred = mean(assistant, "length")
    assistant.say("ben", "Keep your answers short.")
    said = next(taste.mean for taste in assistant.profile("ben").tastes if taste.attribute == "length")
    assert said < inferred < 0


def test_a_message_counts_once_however_messages_are_grouped(assistant: Assistant) -> None:
    person = allow(assistant, "style")
    live(person, *on_days(*SHORT, start=now() - timedelta(days=4)))
    (hint,) = (each for each in hints(person) if each.attribute == "length")
    again = hint.inferred.model_copy(update={"turns": (*hint.inferred.turns[1:], "other")})
    with person.transaction() as transaction:
        transaction.append(hint.model_copy(update={"id": "again", "inferred": again}))
    (leaning,) = (each for each in counting(person, now()).leanings if each.attribute == "length")
    assert leaning.precision == pytest.approx(0.2)


def test_the_attempt_that_was_kept_moves_the_weights_a_little_and_the_profile_and_why_say_so(
    assistant: Assistant,
) -> None:
    person = allow(assistant, "reactions")
    first, second = kept_pair(assistant)
    assistant._afterwards.rest()
    (hint,) = hints(person)
    assert (hint.chosen, hint.over) == (chosen(second), chosen(first))
    weak = weights(assistant)
    profile = assistant.profile("ana")
    assert (profile.evidence, profile.inferred) == (1, 1)
    answer = assistant.answer("ana", "What else?")
    assert (answer.trace.evidence, answer.trace.inferred) == (1, 1)
    assert "You gave no feedback yet; 1 weak sign, inferred as you allow, counted too." in answer.why()
    assistant.prefer("ana", second, over=first)
    assert 0 < np.abs(weak).max() < np.abs(weights(assistant)).max()
    assert "Learnt from 1 piece of feedback; 1 weak sign" in assistant.answer("ana", "And now?").why()


def test_taken_back_what_was_inferred_counts_no_more_at_once(assistant: Assistant) -> None:
    person = allow(assistant, "reactions", "style")
    kept_pair(assistant)
    assistant._afterwards.rest()
    live(person, *on_days(*SHORT, start=now() - timedelta(days=4)))
    assert np.abs(weights(assistant)).max() > 0
    allow(assistant, "reactions", "style", allowed=False)
    assert np.abs(weights(assistant)).max() == 0
    assert (assistant.profile("ana").evidence, assistant.profile("ana").inferred) == (0, 0)
    state = person.state("belief")
    assert state is not None
    assert state.seen == 0  # the stored belief, not only the one that is shown


def test_the_belief_with_hints_is_the_same_live_and_rebuilt(assistant: Assistant) -> None:
    person = allow(assistant, "reactions", "style")
    first, second = kept_pair(assistant)
    assistant._afterwards.rest()
    live(person, *on_days(*SHORT, start=now() - timedelta(days=4)))
    assistant.feedback("ana", Feedback(kind="signal", answer=second.id, value="copied"))
    assistant.rate("ana", first, 2)
    learner = assistant.learner
    assert learner.belief(person).arrays["mean"] == pytest.approx(learner.rebuild(person).arrays["mean"], abs=1e-2)
    assistant.say("ana", "Keep your answers short.")
    assert learner.belief(person).arrays["mean"] == pytest.approx(learner.rebuild(person).arrays["mean"], abs=1e-9)


def test_of_a_person_who_is_erased_while_a_belief_is_made_nothing_is_kept(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, inferred = allow(assistant, "style"), Learner.inferred
    live(person, *on_days(*SHORT, start=now() - timedelta(days=4)))

    def then_erased(learner: Learner, reader: UserStore) -> int:
        count = inferred(learner, reader)
        reader.erase()
        return count

    monkeypatch.setattr(Learner, "inferred", then_erased)
    assistant._afterwards._infer(person)
    assert assistant.store.users() == 0


# --- signals -------------------------------------------------------------------------------------------------------


def test_a_signal_is_kept_only_where_the_person_allows_it(assistant: Assistant) -> None:
    answer = assistant.answer("ana", "Name a song.")
    copied = Feedback(kind="signal", answer=answer.id, value="copied")
    with pytest.raises(NotAllowed, match="consent reactions"):
        assistant.feedback("ana", copied)
    assert assistant.store.user("ana").events("signal") == []
    allow(assistant, "reactions")
    profile = assistant.feedback("ana", copied)
    assert (profile.evidence, profile.inferred) == (1, 1)
    allow(assistant, "reactions", allowed=False)
    assert assistant.profile("ana").evidence == 0
    allow(assistant, "reactions")  # anew: what came before is not looked at
    assert assistant.profile("ana").evidence == 0


@pytest.mark.parametrize("what", sorted(SEEN))
def test_copied_speaks_for_an_answer_and_the_others_against_it(assistant: Assistant, what: SignalKind) -> None:
    allow(assistant, "reactions")
    answer = assistant.answer("ana", "Name a song.")
    assert answer.chosen is not None
    phi = assistant.learner.phi([answer.candidates[answer.chosen].text])[0]
    assistant.feedback("ana", Feedback(kind="signal", answer=answer.id, value=what))
    learner, person = assistant.learner, assistant.store.user("ana")
    reward = float(learner.reward.weights(learner.belief(person))[0] @ phi)
    assert np.sign(reward) == (1 if what == "copied" else -1)


def test_a_signal_says_what_was_done(assistant: Assistant) -> None:
    answer = assistant.answer("ana", "Name a song.")
    with pytest.raises(BadInput, match="copied, regenerated, abandoned"):
        assistant.feedback("ana", Feedback(kind="signal", answer=answer.id, value="liked"))


# --- the loop ------------------------------------------------------------------------------------------------------


def test_a_temporary_chat_shows_nothing(assistant: Assistant) -> None:
    person = allow(assistant, "repeats", "reactions", "style")
    before = person.head()
    for words in SHORT:
        assistant.answer("ana", words, temporary=True)
    assistant._afterwards.rest()
    assert person.head() == before


def test_with_remembering_off_nothing_is_read_then_or_later() -> None:
    fields = Settings(model="scripted", store="sqlite://", embedder="none", candidates=1, remember=False)
    with Assistant(settings=fields) as assistant:
        person = allow(assistant, "style")
        for words in SHORT:
            assistant.answer("ana", words)
        assistant._afterwards.rest()
        assert hints(person) == []


def test_the_words_that_a_client_marks_as_the_persons_own_are_kept_as_such(assistant: Assistant) -> None:
    person = assistant.store.user("ana")
    marked = Message.model_validate(
        {"role": "user", "content": "A document. What is it about?", "idiolect": {"own_words": "What is it about?"}}
    )
    assert person.interaction(assistant.answer("ana", [marked]).id).own == "What is it about?"
    assert person.interaction(assistant.answer("ana", "What is it about?").id).own is None


def test_where_turns_lead_is_noted_only_while_reactions_are_allowed(assistant: Assistant) -> None:
    person = assistant.store.user("ana")
    before = assistant.answer("ana", "Name a song.")
    allow(assistant, "reactions")
    after = assistant.answer("ana", "Name a river.")
    assert (person.interaction(before.id).onward, len(person.interaction(after.id).onward)) == ("", 16)


def chosen(answer: Answer) -> str:
    assert answer.chosen is not None
    return answer.candidates[answer.chosen].id
