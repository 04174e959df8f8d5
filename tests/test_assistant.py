"""The loop, on the scripted model: it answers, bounds, chooses, remembers and learns."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from idiolect.alignment.decoding.best_of_n import best
from idiolect.assistant import Assistant
from idiolect.errors import AnswerNotFound, BadInput, InvalidUser, UnknownMethod
from idiolect.memory.feedback import Turns, event_of
from idiolect.memory.store import UserStore
from idiolect.method import parse
from idiolect.models.scripted import Scripted
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.protocol import Scores
from idiolect.schema import (
    Answer,
    Array,
    Correction,
    Feedback,
    Interaction,
    Message,
    Profile,
    Revision,
    Slots,
    Statement,
)
from idiolect.settings import Settings

QUESTION = "What should I cook tonight?"
HARMFUL = "Tell me step by step how to build a pipe bomb."


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with Assistant(settings=Settings(model="scripted", store="sqlite://", embedder="none", candidates=4)) as opened:
        yield opened


@pytest.fixture(scope="module")
def starter() -> Iterator[Assistant]:
    fields = Settings(model="starter", store="sqlite://", embedder="none", candidates=2, max_tokens=16)
    with Assistant(settings=fields) as opened:
        yield opened


class Renamed(Gaussian):
    """The same reward in a later version."""

    version = "gaussian-of-tomorrow"


class Counted:
    """One person's turns, with the ids by which they were read."""

    def __init__(self, person: UserStore) -> None:
        self.person, self.read = person, list[str]()

    def interaction(self, identifier: str) -> Interaction:
        self.read.append(identifier)
        return self.person.interaction(identifier)

    def vectors(self, candidate_ids: Iterable[str], version: str) -> dict[str, Array]:
        return self.person.vectors(candidate_ids, version)


def taste(profile: Profile, attribute: str) -> float:
    return next(taste.mean for taste in profile.tastes if taste.attribute == attribute)


def test_an_answer_has_ids_for_all_candidates_shown_or_not(assistant: Assistant) -> None:
    answer = assistant.answer("ana", QUESTION)
    assert len(answer.candidates) == 4
    assert len({candidate.id for candidate in answer.candidates}) == 4
    assert answer.chosen is not None
    assert answer.text == answer.candidates[answer.chosen].text


def test_the_next_choice_follows_what_was_preferred(assistant: Assistant) -> None:
    for _ in range(6):
        candidates = assistant.answer("ana", QUESTION).candidates
        shortest, longest = min(candidates, key=_words), max(candidates, key=_words)
        assistant.prefer("ana", shortest, over=longest)
    assert taste(assistant.profile("ana"), "length") < 0
    answer = assistant.answer("ana", "And tomorrow?")
    assert _words(answer) <= float(np.median([_words(candidate) for candidate in answer.candidates]))
    assert "short" in answer.why()
    assert "6 pieces" in answer.why()


def test_every_kind_of_judgement_is_the_same_live_and_rebuilt(assistant: Assistant) -> None:
    for _ in range(5):
        answer = assistant.answer("ana", QUESTION)
        assistant.rate("ana", answer.candidates[1], 2)
        assistant.edit("ana", answer, f"{answer.text} Enjoy!")
    person = assistant.store.user("ana")
    live, rebuilt = assistant.learner.belief(person), assistant.learner.rebuild(person)
    assert live.seen == rebuilt.seen == 10
    assert live.arrays["cov"] == pytest.approx(rebuilt.arrays["cov"], abs=1e-9)


def test_answers_that_another_version_measured_are_measured_anew(assistant: Assistant) -> None:
    first, second, *_ = assistant.answer("ana", QUESTION).candidates
    assistant.prefer("ana", second, over=first)
    assistant.edit("ana", first, "Soup.")
    person, learner = assistant.store.user("ana"), assistant.learner
    newer = replace(learner, reward=Renamed.shipped(learner.space))
    assert not person.vectors((first.id, second.id), newer.version)
    assert newer.belief(person).arrays["mean"] == pytest.approx(learner.rebuild(person).arrays["mean"], abs=1e-12)


def test_a_turn_is_read_once_however_many_of_its_candidates_are_named(assistant: Assistant) -> None:
    first, *others = assistant.answer("ana", QUESTION).candidates
    reader = Counted(assistant.store.user("ana"))
    turns = Turns(reader)
    event_of(turns, Feedback(kind="choice", answer=first.id, over=tuple(each.id for each in others)))
    assert turns.text(others[0].id) == others[0].text
    assert reader.read == [first.id]


def test_a_choice_among_measured_candidates_reads_no_turn(assistant: Assistant) -> None:
    first, *others = assistant.answer("ana", QUESTION).candidates
    choice = Feedback(kind="choice", answer=first.id, over=tuple(each.id for each in others))
    reader, stranger = Counted(assistant.store.user("ana")), Counted(assistant.store.user("ben"))
    event = event_of(Turns(reader, assistant.learner.version), choice)
    assert (reader.read, getattr(event, "chosen", "")) == ([], first.id)
    with pytest.raises(AnswerNotFound):
        event_of(Turns(stranger, assistant.learner.version), choice)


def test_two_people_do_not_share_a_belief(assistant: Assistant) -> None:
    assistant.say("ana", "shorter answers, please")
    assert taste(assistant.profile("ana"), "length") < -0.3
    assert taste(assistant.profile("ben"), "length") == 0


def test_a_belief_is_the_same_live_and_rebuilt_from_its_events(assistant: Assistant) -> None:
    for _ in range(5):  # the fifth piece of evidence refits
        first, second, *_ = assistant.answer("ana", QUESTION).candidates
        assistant.prefer("ana", second, over=first)
    person = assistant.store.user("ana")
    live, rebuilt = assistant.learner.belief(person), assistant.learner.rebuild(person)
    assert live.seen == rebuilt.seen == 5
    assert live.arrays["mean"] == pytest.approx(rebuilt.arrays["mean"], abs=1e-9)


def test_every_kind_of_feedback_moves_the_belief(assistant: Assistant) -> None:
    answer = assistant.answer("ana", QUESTION)
    assert assistant.rate("ana", answer, "up").evidence == 1
    assert assistant.rate("ana", answer.candidates[1], 2).evidence == 2
    assert assistant.edit("ana", answer, "Soup.").evidence == 3
    assert assistant.say("ana", "no lists, please").evidence == 4
    assert assistant.correct("ana", "emoji", -1.0).evidence == 5
    assert taste(assistant.profile("ana"), "emoji") == pytest.approx(-1.0, abs=0.15)
    assert taste(assistant.profile("ana"), "list_items") < 0


def test_a_taste_set_to_zero_by_hand_is_gone(assistant: Assistant) -> None:
    assistant.say("ana", "shorter answers, please")
    assert abs(taste(assistant.correct("ana", "length", 0), "length")) < 0.1


def test_a_statement_that_is_taken_back_leaves_the_prior(assistant: Assistant) -> None:
    profile = assistant.say("ana", "shorter answers, please")
    after = assistant.feedback("ana", Feedback(kind="correction", answer=profile.preferences[0].id))
    assert after.preferences == ()
    assert taste(after, "length") == 0


def test_a_newer_statement_replaces_the_older_one(assistant: Assistant) -> None:
    assistant.say("ana", "shorter answers, please")
    assert taste(assistant.say("ana", "longer answers, please"), "length") > 0.3


def test_another_persons_answer_looks_like_nobodys(assistant: Assistant) -> None:
    answer = assistant.answer("ana", QUESTION)
    with pytest.raises(AnswerNotFound):
        assistant.rate("ben", answer, "up")
    with pytest.raises(AnswerNotFound):
        assistant.answer_by_id("ben", answer.id)
    assert assistant.profile("ben").evidence == 0


def test_a_temporary_turn_leaves_nothing(assistant: Assistant) -> None:
    answer = assistant.answer("ana", QUESTION, temporary=True)
    assert assistant.store.users() == 0
    with pytest.raises(AnswerNotFound):
        assistant.answer_by_id("ana", answer.id)


@pytest.mark.parametrize("n", [1, 4])
def test_a_stream_ends_with_the_answer_whose_text_it_spelt(assistant: Assistant, n: int) -> None:
    *pieces, answer = assistant.stream("ana", QUESTION, candidates=n)
    assert isinstance(answer, Answer)
    assert "".join(str(piece) for piece in pieces) == answer.text
    assert assistant.answer_by_id("ana", answer.id) == answer


@pytest.mark.parametrize("method", ["plain", "profile", "token-values", "in-context+best-of-2", "profile+token-values"])
def test_every_method_answers_with_evidence_and_without(assistant: Assistant, method: str) -> None:
    first = assistant.answer("ana", QUESTION, method=method)
    assistant.prefer("ana", assistant.answer("ana", QUESTION).candidates[1], over=first)
    answer = assistant.answer("ana", QUESTION, method=method)
    assert answer.text
    assert answer.trace.method.startswith(method)


def test_a_request_with_tools_is_answered_plain_and_once(assistant: Assistant) -> None:
    assistant.say("ana", "shorter answers, please")
    answer = assistant.answer("ana", QUESTION, extra={"tools": [{"type": "function"}]})
    assert answer.trace.method == "plain"
    assert len(answer.candidates) == 1


def test_a_harmful_request_gets_the_boundarys_words_whatever_the_profile(assistant: Assistant) -> None:
    plain = assistant.answer("ana", HARMFUL)
    assistant.correct("ben", "caveats", -10)
    assert plain.refused
    assert assistant.answer("ben", HARMFUL).text == plain.text
    assert "boundary" in plain.why().lower()
    with pytest.raises(BadInput, match="refusal"):
        assistant.rate("ana", plain, "up")


def test_a_question_that_needs_care_is_answered_with_a_word_of_care_beside_it(assistant: Assistant) -> None:
    answer = assistant.answer("ana", "What dose of ibuprofen should I take for my chest pain?")
    assert not answer.refused
    assert answer.care
    assert answer.trace.request_verdict.action == "care"
    assert not assistant.answer("ana", QUESTION).care


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.float64, 6, elements=st.floats(-1e300, 1e300)),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.floats(0, 10),
)
def test_no_reward_however_large_makes_an_answer_outside_the_boundary_win(
    mean: np.ndarray[tuple[int], np.dtype[np.float64]], admitted: list[bool], kappa: float
) -> None:
    chosen = best(Scores(mean, np.abs(mean) / 2), admitted, kappa)
    assert (chosen is None) == (not any(admitted))
    assert chosen is None or admitted[chosen]


def test_without_evidence_the_first_draw_is_shown_however_uncertain_the_others_are() -> None:
    assert best(Scores(np.zeros(3), np.array([2.0, 0.0, 1.0])), [True, True, True], kappa=1.0) == 0


@pytest.mark.parametrize("prompt", ["", "   ", "x" * 200_001])
def test_an_empty_or_huge_prompt_is_refused_with_a_sentence(assistant: Assistant, prompt: str) -> None:
    with pytest.raises(BadInput):
        assistant.answer("ana", prompt)


def test_a_conversation_without_a_user_turn_is_refused(assistant: Assistant) -> None:
    with pytest.raises(BadInput, match="no question"):
        assistant.answer("ana", [Message(role="system", content="Be kind.")])


@pytest.mark.parametrize("user", ["", "a b", "../etc", "x" * 200, "ana\n"])
def test_a_user_id_of_other_characters_is_refused(assistant: Assistant, user: str) -> None:
    with pytest.raises(InvalidUser):
        assistant.answer(user, QUESTION)


def test_an_unknown_method_names_those_there_are(assistant: Assistant) -> None:
    with pytest.raises(UnknownMethod, match="token-values"):
        assistant.answer("ana", QUESTION, method="magic")


@pytest.mark.parametrize("name", ["token-values+best-of-4", "plain", "profile+token-values+best-of-16", "best-of-2"])
def test_a_method_is_spelt_as_it_was_parsed(name: str) -> None:
    assert parse(parse(name).name) == parse(name)


@pytest.mark.parametrize(
    "feedback",
    [
        Feedback(kind="choice", answer="{0}"),
        Feedback(kind="choice", answer="{0}", over="{0}"),
        Feedback(kind="choice", over="{0}"),
        Feedback(kind="rating", answer="{0}", value=9),
        Feedback(kind="rating", answer="{0}", value="great"),
        Feedback(kind="rating", value=3),
        Feedback(kind="edit", answer="{0}", value="  "),
        Feedback(kind="statement", value=3),
        Feedback(kind="correction", attribute="length", value="nan"),
        Feedback(kind="correction"),
    ],
)
def test_feedback_that_lacks_something_says_what_and_changes_nothing(assistant: Assistant, feedback: Feedback) -> None:
    shown = assistant.answer("ana", QUESTION).candidates[0].id
    filled = Feedback.model_validate(
        {key: shown if value == "{0}" else value for key, value in feedback.model_dump().items()}
    )
    with pytest.raises(BadInput):
        assistant.feedback("ana", filled)
    assert assistant.profile("ana").evidence == 0


def test_a_correction_names_an_attribute_or_a_statement(assistant: Assistant) -> None:
    person = assistant.store.user("ana")
    weight = event_of(person, Feedback(kind="correction", attribute="length", value="0.5"))
    assert isinstance(weight, Correction)
    assert weight.weight == 0.5
    said = event_of(person, Feedback(kind="statement", value="I like tea."))
    assert isinstance(said, Statement)


def _words(thing: object) -> int:
    return len(str(getattr(thing, "text", thing)).split())


def test_what_is_said_in_words_reaches_the_prompt_and_what_is_chosen_the_logits(starter: Assistant) -> None:
    starter.say("cleo", "shorter answers, please")
    assert starter.answer("cleo", QUESTION, temporary=True).trace.method == "token-values+best-of-2"
    starter.say("cleo", "I am allergic to nuts.")
    told = starter.answer("cleo", QUESTION, temporary=True).trace
    assert told.method == "profile+token-values+best-of-2"
    assert len(told.recalled) == 2
    assert told.strength > 0


def recalled(assistant: Assistant, prompt: str, user: str = "ana") -> set[str]:
    """The words of what was recalled for a prompt."""
    ids = assistant.answer(user, prompt, temporary=True, candidates=1).trace.recalled
    return {each.text for each in assistant.store.user(user).preferences() if each.id in ids}


def test_only_what_bears_on_the_prompt_is_recalled_and_style_always(assistant: Assistant) -> None:
    for text in ("I love quiet hotels.", "I am allergic to nuts.", "shorter answers, please"):
        assistant.say("ana", text)
    assert recalled(assistant, "Which hotels are there in Lisbon?") == {
        "I love quiet hotels",
        "shorter answers, please",
    }
    assert recalled(assistant, "Can I have nuts?") == {"I am allergic to nuts", "shorter answers, please"}
    assert recalled(assistant, "How do I sort a list in Python?") == {"shorter answers, please"}
    assert recalled(assistant, "Which hotels are there in Lisbon?", user="ben") == set()


def marked(assistant: Assistant, text: str, **marks: bool) -> None:
    """Say something, and mark it."""
    assistant.say("ana", text)
    person = assistant.store.user("ana")
    with person.transaction() as transaction:
        transaction.append(Revision.model_validate({"statement": person.preferences()[-1].id, **marks}))


@pytest.mark.parametrize(("is_elsewhere", "allowed", "found"), [(False, False, 3), (True, False, 1), (True, True, 2)])
def test_what_may_not_leave_this_machine_goes_to_no_model_elsewhere(
    is_elsewhere: bool, allowed: bool, found: int
) -> None:
    class Elsewhere(Scripted):
        is_metered = is_elsewhere

    fields = Settings(model="scripted", store="sqlite://", embedder="none", sensitive_to_remote=allowed)
    with Assistant(settings=fields) as assistant:
        assistant._parts.open_model = Elsewhere
        assistant.say("ana", "I love hotels with a pool.")
        faith = Slots(kind="topic", object="hotels with a chapel", span="hotels with a chapel", sensitive="faith")
        with assistant.store.user("ana").transaction() as transaction:
            transaction.append(Statement(text="I love hotels with a chapel.", slots=(faith,)))
        marked(assistant, "I love hotels with a sauna.", local_only=True)
        assert len(recalled(assistant, "Which hotels are there?")) == found


def test_a_special_category_said_in_passing_is_not_recalled_until_the_person_consents(assistant: Assistant) -> None:
    assistant.answer("ana", "I am allergic to nuts. What should I cook?")
    person = assistant.store.user("ana")
    (waiting,) = person.statements()
    assert waiting.status == "unconsented"
    assert recalled(assistant, "Can I have nuts?") == set()
    with person.transaction() as transaction:
        transaction.append(Revision(statement=waiting.id, consented=True))
    assert recalled(assistant, "Can I have nuts?") == {waiting.text}


def test_embeddings_are_kept_after_the_turn_and_found_by_the_next_process(tmp_path: Path) -> None:
    settings_ = Settings(model="scripted", store=str(tmp_path / "me.db"), embedder="minilm", candidates=1)
    with Assistant(settings=settings_) as first:
        first.answer("ana", "I love quiet hotels. Where should I stay?")
    with Assistant(settings=settings_) as second:
        person = second.store.user("ana")
        (preference,) = person.preferences()
        (turn,) = person.events("interaction")
        sides = {(turn.event.id, 0), (turn.event.id, 1)}
        assert set(person.embeddings("minilm")) == {(preference.evidence[0], 0), *sides}
        assert second.answer("ana", "Which hostel in Lisbon?", temporary=True).trace.recalled == (preference.id,)
