"""Other systems' exports become proposals: what is read of them, from whom, and what importing again does."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

import exports
from idiolect.errors import DataError, UnknownMethod
from idiolect.memory.importers import FORMATS, Report, import_file
from idiolect.memory.importers.person import as_said
from idiolect.memory.store import UserStore, open_store
from idiolect.schema import Proposal

TALK = (("user", "I like quiet hotels. What should I see?"), ("assistant", "I like the Pantheon."))


@pytest.fixture
def ana() -> Iterator[UserStore]:
    with open_store("sqlite://") as store:
        yield store.user("ana")


def imported(person: UserStore, data: bytes, name: str = "export.json", format_: str | None = None) -> Report:
    return import_file(person, io.BytesIO(data), name=name, format=format_)


def proposals(person: UserStore) -> list[Proposal]:
    return [each.event for each in person.events("proposal") if isinstance(each.event, Proposal)]


def objects(person: UserStore) -> set[str]:
    return {each.slots.object for each in proposals(person)}


def test_of_a_chatgpt_conversation_the_persons_words_on_the_last_branch_are_proposed(ana: UserStore) -> None:
    report = imported(ana, exports.dumped([exports.chatgpt(*TALK)]))
    (proposal,) = proposals(ana)
    assert proposal.slots.object == "quiet hotels"
    assert proposal.origin == "import"
    assert proposal.source == 'ChatGPT export, conversation "Rome" of 2025-03-02'
    assert proposal.said_at == datetime(2025, 3, 2, 12, tzinfo=UTC)
    assert (report.formats, report.messages, report.proposed) == (("chatgpt",), 1, 1)


def test_custom_instructions_of_every_conversation_are_proposed_once(ana: UserStore) -> None:
    hidden = exports.CHATGPT_INSTRUCTIONS
    talks: JsonValue = [exports.chatgpt(*TALK, title=title, hidden=hidden) for title in ("Rome", "Oslo")]
    imported(ana, exports.dumped(talks))
    sources = [each.source for each in proposals(ana) if each.slots.object == "chess"]
    assert sources == ["ChatGPT export, custom instructions"]


def test_instructions_about_the_form_of_answers_become_proposals_of_style(ana: UserStore) -> None:
    data: JsonValue = {
        "about_model_message": "Please keep your answers short. No emojis, please.",
        "about_user_message": "Role: mechanic",
    }
    hidden: JsonValue = {
        "author": {"role": "user"},
        "content": {"content_type": "user_editable_context"},
        "metadata": {"user_context_message_data": data},
    }
    report = imported(ana, exports.dumped([exports.chatgpt(*TALK, hidden=hidden)]))
    styles = {each.slots.attribute: each.slots.polarity for each in proposals(ana) if each.slots.kind == "style"}
    assert styles == {"length": -1, "emoji": -1}
    assert report.refused == {"it does not speak of the person": 1}


def test_a_conversation_that_was_not_to_be_remembered_is_not(ana: UserStore) -> None:
    report = imported(ana, exports.dumped([exports.chatgpt(*TALK, is_do_not_remember=True), exports.chatgpt()]))
    assert proposals(ana) == []
    assert report.refused == {"a conversation that was not to be remembered": 1}


def test_of_a_claude_conversation_the_persons_words_are_proposed_and_no_attachment(ana: UserStore) -> None:
    imported(ana, exports.dumped([exports.claude(("human", "I like quiet hotels."), ("assistant", "I like art."))]))
    (proposal,) = proposals(ana)
    assert proposal.slots.object == "quiet hotels"
    assert proposal.source == 'Claude export, conversation "Rome" of 2025-03-02'


def test_an_archive_gives_its_conversations_and_memories_and_nothing_of_its_other_files(ana: UserStore) -> None:
    archive = exports.zipped(
        {
            "conversations.json": exports.dumped([exports.claude(("human", "I like quiet hotels."))]),
            "memories.json": exports.dumped([{"conversations_memory": "User prefers tea. User hates noise."}]),
            "users.json": exports.dumped([{"full_name": "Sam", "bio": "I like accounts."}]),
            "projects/1.json": exports.dumped({"uuid": "1", "docs": [{"content": "I like projects."}]}),
            "chat.html": b"I like pages.",
        }
    )
    report = imported(ana, archive, "export.zip")
    assert objects(ana) == {"quiet hotels", "tea", "noise"}
    assert report.formats == ("claude",)


def test_conversations_in_numbered_parts_are_all_read(ana: UserStore) -> None:
    parts = {
        f"conversations-00{index}.json": exports.dumped([exports.chatgpt(("user", f"I like {what}."), title=what)])
        for index, what in enumerate(("plums", "figs"))
    }
    imported(ana, exports.zipped(parts))
    assert objects(ana) == {"plums", "figs"}


def test_memories_of_mem0_are_proposed_in_the_persons_voice_and_those_of_the_assistant_are_not(ana: UserStore) -> None:
    imported(ana, exports.dumped(exports.mem0("User likes plums", "Prefers tea")))
    report = imported(ana, exports.dumped(exports.mem0("User likes figs", role="assistant")))
    assert [(each.text, each.source) for each in proposals(ana)] == [
        ("I like plums", "Mem0 export"),
        ("I prefer tea", "Mem0 export"),
    ]
    assert {each.said_at for each in proposals(ana)} == {datetime(2025, 3, 2, 12, tzinfo=UTC)}
    assert report.refused == {"a memory of what the assistant said": 1}


def test_an_agent_file_gives_its_blocks_passages_and_the_persons_messages_but_not_the_persona(ana: UserStore) -> None:
    report = imported(ana, exports.dumped(exports.LETTA), "sam.af")
    assert objects(ana) == {"figs", "plums", "tea", "pears"}
    assert report.formats == ("letta",)
    assert report.refused == {"the agent's description of itself": 1, "it does not speak of the person": 1}


def test_an_older_agent_file_has_one_agent_with_its_core_memory(ana: UserStore) -> None:
    agent: JsonValue = {
        "agent_type": "memgpt_agent",
        "core_memory": [{"label": "human", "value": "User likes plums."}, {"label": "persona", "value": "I like you."}],
        "llm_config": {},
        "messages": [{"role": "user", "content": [{"type": "text", "text": "I like figs."}]}],
    }
    imported(ana, exports.dumped(agent))
    assert objects(ana) == {"plums", "figs"}


@pytest.mark.parametrize(
    "listed",
    [
        [{"id": "block-1", "label": "human", "value": "User likes plums.", "limit": 5000}],
        [{"id": "passage-1", "text": "User likes plums.", "archive_id": "archive-1", "embedding": None}],
    ],
)
def test_letta_also_gives_its_blocks_and_passages_as_lists(ana: UserStore, listed: JsonValue) -> None:
    report = imported(ana, exports.dumped(listed))
    assert (report.formats, objects(ana)) == (("letta",), {"plums"})


def test_lines_of_json_keep_their_times_and_topics(ana: UserStore) -> None:
    records: list[JsonValue] = [
        {"text": "I like plums", "at": "2025-03-02T12:00:00Z", "topic": "fruit"},
        {"memory": "User hates noise", "at": 1_740_916_800, "source": "my old notes"},
        {"role": "assistant", "content": "I like helping."},
    ]
    report = imported(ana, exports.lines(records), "list.jsonl")
    plums, noise = proposals(ana)
    assert (plums.said_at, plums.source) == (datetime(2025, 3, 2, 12, tzinfo=UTC), "imported list")
    assert plums.slots.topic == "food"  # "fruit" is no area of its own
    assert (noise.slots.polarity, noise.said_at) == (-1, datetime(2025, 3, 2, 12, tzinfo=UTC))
    assert noise.source == "imported list, my old notes"
    assert report.refused == {"words of the assistant": 1}


def test_a_list_in_plain_words_is_read_line_by_line(ana: UserStore) -> None:
    text = "# Memories\n\n- User likes plums\n* [2025-03-02] - Prefers tea\nThe earth is flat.\n"
    report = imported(ana, text.encode(), "memories.txt")
    assert [(each.text, each.said_at and each.said_at.year) for each in proposals(ana)] == [
        ("I like plums", None),
        ("I prefer tea", 2025),
    ]
    assert report.refused == {"it does not speak of the person": 1}
    assert report.refusals[0].text == "The earth is flat."


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("User likes jazz and hates rock.", "I like jazz and hate rock."),
        ("The user's dog is called Rex", "My dog is called Rex"),
        ("User has a sister who likes jazz", "I have a sister who likes jazz"),
        ("User is recently married", "I am recently married"),
        (
            "User studies physics, lives in Rome and doesn't eat meat",
            "I study physics, live in Rome and don't eat meat",
        ),
        ("User watches maps and plans", "I watch maps and plans"),
        ("Name is Sam", "My name is Sam"),
        ("Planning a trip to Japan", "I am planning a trip to Japan"),
        ("User asked about bonds", None),
        ("I'm vegan", "I'm vegan"),
        ("User interface is nice", None),
        ("The earth is flat", None),
    ],
)
def test_a_memory_of_the_user_is_read_as_the_person_would_say_it(entry: str, said: str | None) -> None:
    assert as_said(entry) == said


def test_a_memory_of_a_special_category_is_flagged_however_it_is_worded(ana: UserStore) -> None:
    imported(ana, exports.dumped(exports.mem0("User is a Muslim", "User's doctor treats their diabetes")))
    assert [each.slots.sensitive for each in proposals(ana)] == ["faith", "health"]


FILES: dict[str, bytes] = {
    "chatgpt": exports.dumped([exports.chatgpt(("user", "I like plums."))]),
    "claude": exports.dumped([exports.claude(("human", "I like plums."))]),
    "letta": exports.dumped(exports.LETTA),
    "mem0": exports.dumped(exports.mem0("User likes plums")),
    "jsonl": exports.lines([{"text": "I like plums"}]),
    "text": b"User likes plums\n",
}


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_every_format_is_told_from_its_content_alone(ana: UserStore, kind: str) -> None:
    report = imported(ana, FILES[kind], "a file")
    assert report.formats == (kind,)
    assert "plums" in objects(ana)


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_importing_again_adds_nothing(ana: UserStore, kind: str) -> None:
    before = imported(ana, FILES[kind])
    events = ana.events()
    again = imported(ana, FILES[kind])
    assert (again.proposed, again.already) == (0, before.proposed)
    assert ana.events() == events


def test_a_named_format_is_taken_in_place_of_the_one_that_was_told(ana: UserStore) -> None:
    assert imported(ana, b"User likes plums\n", format_="text").formats == ("text",)
    report = imported(ana, FILES["mem0"], format_="chatgpt")
    assert report.proposed == 0
    assert report.refused["a record that is no conversation"] == 2
    with pytest.raises(UnknownMethod, match="there are: chatgpt, claude"):
        imported(ana, b"x", format_="gpt")


def test_a_dry_run_counts_and_shows_what_an_import_would_do_and_keeps_nothing(ana: UserStore) -> None:
    data = exports.dumped([exports.chatgpt(*TALK)])
    dry = import_file(ana, io.BytesIO(data), dry_run=True)
    assert ana.events() == []
    real = imported(ana, data)
    assert [each.id for each in dry.sample] == [each.event.id for each in ana.events()]
    assert dry.model_copy(update={"dry_run": False, "sample": ()}) == real.model_copy(update={"sample": ()})


def test_an_import_that_was_interrupted_goes_on_where_it_was(ana: UserStore) -> None:
    data = exports.lines([{"text": f"I like fruit {index}"} for index in range(900)])

    class Interrupted(Exception):
        pass

    def interrupt(_done: int, _total: int) -> None:
        if len(ana.events()) >= 400:
            raise Interrupted

    with pytest.raises(Interrupted):
        import_file(ana, io.BytesIO(data), progress=interrupt)
    assert len(ana.events()) == 400  # two batches, each whole
    report = imported(ana, data)
    assert (report.proposed, report.already, len(ana.events())) == (500, 400, 900)


def test_the_progress_counts_bytes_up_to_the_size_of_the_file(ana: UserStore) -> None:
    data, seen = FILES["chatgpt"], list[tuple[int, int]]()
    import_file(ana, io.BytesIO(data), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(data), len(data))


def test_the_same_export_is_imported_for_two_people(ana: UserStore) -> None:
    imported(ana, FILES["mem0"])
    with open_store("sqlite://") as store:
        ana, ben = store.user("ana"), store.user("ben")
        assert imported(ana, FILES["mem0"]).proposed == imported(ben, FILES["mem0"]).proposed == 1


def test_a_file_of_nothing_that_is_known_is_refused_with_what_is(ana: UserStore) -> None:
    for data in (b"", b"[]", b'{"weather": "fine"}', b"\x00\x01\x02\x03" * 100):
        with pytest.raises(DataError, match=r"no export|neither text nor"):
            imported(ana, data)
    with pytest.raises(DataError, match=r"no conversations\.json"):
        imported(ana, exports.zipped({"picture.png": b"x"}))
