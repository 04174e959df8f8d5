"""The wire format in small, and the scripted model's answers."""

import numpy as np
import pytest

from idiolect.models import Request
from idiolect.models.remote import _shared_out
from idiolect.models.scripted import STYLES, Scripted, tokens
from idiolect.models.wire import SEEDS, Draft, Reply, body, largest, seed_of
from idiolect.schema import Message, Sampling, as_messages


def draft_of(*chunks: dict[str, object]) -> Draft:
    draft = Draft()
    for chunk in chunks:
        for choice in Reply.model_validate({"choices": [{"index": 0, **chunk}]}).choices:
            draft.take(choice)
    return draft


def test_a_tool_call_that_comes_in_pieces_is_put_together() -> None:
    draft = draft_of(
        {"delta": {"role": "assistant", "content": None}},
        {"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "look_up", "arguments": ""}}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"q":'}}]}},
        {"delta": {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "add", "arguments": "{}"}}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}},
        {"delta": {}, "finish_reason": "tool_calls"},
    )
    completion = draft.completion(3, 4)
    assert completion.text == ""
    assert completion.finish_reason == "tool_calls"
    assert completion.extra == {
        "tool_calls": [
            {"index": 0, "id": "a", "function": {"name": "look_up", "arguments": '{"q":1}'}},
            {"index": 1, "id": "b", "function": {"name": "add", "arguments": "{}"}},
        ]
    }


def test_what_a_message_holds_beside_its_words_is_kept_unless_it_is_empty() -> None:
    message = {"role": "assistant", "content": "Hi", "refusal": None, "reasoning_content": "They greet."}
    assert draft_of({"message": message}).completion(1, 1).extra == {"reasoning_content": "They greet."}


def test_the_mean_log_probability_is_over_tokens_not_pieces() -> None:
    draft = draft_of(
        {"delta": {"content": "a"}, "logprobs": {"content": [{"logprob": -1.0}]}},
        {"delta": {"content": "b"}, "logprobs": {"content": [{"logprob": -2.0}, {"logprob": -6.0}]}},
    )
    assert draft.completion(1, 3).mean_logprob == pytest.approx(-3.0)


def test_what_idiolect_sets_wins_over_the_same_name_in_extra() -> None:
    request = Request(as_messages("Hi"), Sampling(temperature=0.5), extra={"temperature": 2.0, "top_k": 7})
    assert body(request)["temperature"] == 0.5
    assert body(request)["top_k"] == 7


def test_a_message_goes_out_with_exactly_the_fields_it_came_with() -> None:
    came = {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]}
    assert body(Request((Message.model_validate(came),)))["messages"] == [came]


def test_the_largest_biases_are_those_farthest_from_nothing() -> None:
    assert largest({1: 0.1, 2: -5.0, 3: 2.0}, 2) == {2: -5.0, 3: 2.0}


@pytest.mark.parametrize(("total", "weights"), [(10, [1, 1, 1]), (7, [5]), (3, [0, 0]), (100, [3, 0, 5, 1])])
def test_shares_of_a_count_add_up(total: int, weights: list[int]) -> None:
    shares = _shared_out(total, weights)
    assert sum(shares) == total
    assert min(shares) >= 0


def test_eight_scripted_candidates_are_of_eight_kinds() -> None:
    done = Scripted().complete(Request(as_messages("How do I bake bread?")), 8)
    assert len({completion.text for completion in done}) == len(STYLES) == 8
    lengths = np.array([completion.completion_tokens for completion in done])
    assert lengths.max() > 3 * lengths.min()
    assert all("bread" in completion.text for completion in done)


def test_seeds_share_no_candidate_whether_they_are_neighbours_or_far_apart() -> None:
    seeds = [*range(20_000), -1, -2, 2**30, 2**63 - 3]
    begin = np.sort([seed_of(Sampling(seed=seed)) or 0 for seed in seeds])
    assert np.diff(begin).min() > 1000
    assert begin[0] + SEEDS - begin[-1] > 1000
    first, *others = (seed_of(Sampling(seed=7), index) for index in range(3))
    assert first is not None
    assert others == [first + 1, first + 2]
    assert seed_of(Sampling(), 3) is None


def test_scripted_answers_depend_on_the_prompt_and_the_seed() -> None:
    def first(prompt: str, seed: int | None) -> str:
        return Scripted().complete(Request(as_messages(prompt), Sampling(seed=seed)))[0].text

    assert first("Bake bread?", 1) == first("Bake bread?", 1)
    assert len({first("Bake bread?", seed) for seed in range(8)}) > 3
    assert first("Bake bread?", 1) != first("Grow a tree?", 1)


def test_a_prompt_of_braces_is_only_text() -> None:
    assert Scripted().complete(Request(as_messages("{0} {topic} {{}} %s")))[0].text


def test_tokens_joined_are_the_text() -> None:
    text = "  Two words,\n\nand more.  "
    assert "".join(tokens(text)) == text
