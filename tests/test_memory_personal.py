"""What is blotted out of what is remembered: secrets, personal data and names of others; and what stays."""

import subprocess
import sys
from pathlib import Path

import pytest

from idiolect.memory.door import pass_the_door
from idiolect.memory.extraction.personal import personal, redacted
from idiolect.schema import Slots, Statement

KEY = Path(__file__).parent / "personal_sentences.txt"
MISSED, FALSE = 0.02, 0.01


def sentences(mark: str) -> list[str]:
    return [line[2:] for line in KEY.read_text(encoding="utf-8").splitlines() if line.startswith(f"{mark} ")]


def test_what_is_personal_is_found_and_ordinary_sentences_are_left_alone() -> None:
    with_it, without = sentences("-"), sentences("+")
    assert len(with_it) >= 100
    assert len(without) >= 200
    assert sum(not personal(text) for text in with_it) <= MISSED * len(with_it)
    assert sum(bool(personal(text)) for text in without) <= FALSE * len(without)


@pytest.mark.parametrize("text", sentences("-"))
def test_what_is_blotted_out_is_found_no_more(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("I report to my boss Anna Berg and like it", "I report to my boss [name] and like it"),
        ("I see Dr. Szabo every month", "I see Dr. [name] every month"),
        ("My sons Tom, Max and Leo play chess", "My sons [name], [name] and [name] play chess"),
        ("My flatmate is called Finn O'Brien", "My flatmate is called [name]"),
        ("Emma Larsen is my accountant", "[name] is my accountant"),
        ("I use pypi-AgEIcHlwaS5vcmc" + "a1B2c3D4" * 10, "I use [key]"),
        ("my secret is 7Hq9Zt2LxVb4Nw8Rk3Pd", "my secret is [password]"),
        ("my session was Zx8Kq2Lm9Vt4Bn7Rw3Yp6Hc", "my session was [key]"),
    ],
)
def test_each_is_replaced_by_its_kind(text: str, kept: str) -> None:
    assert redacted(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "I love Agatha Christie",
        "I listen to Dr. Dre",
        "My favourite author is Haruki Murakami",
        "My name is Anna and my dog is called Bruno",
        "My wife is Hungarian and my boss lives in Paris",
        "I run meta-llama/Llama-3-70b-chat at home",
    ],
)
def test_a_name_that_a_taste_is_about_stays(text: str) -> None:
    assert redacted(text) == text


def test_the_name_of_another_does_not_enter_the_memory_by_any_slot() -> None:
    text = "I like walks with my friend Greta Lund"
    slots = Slots(kind="topic", object="walks with my friend Greta Lund", span=text, scope="with my friend Greta Lund")
    kept = pass_the_door(Statement(text=text, slots=(slots,)))
    assert "Greta" not in kept.model_dump_json()
    assert "walks with my friend [name]" in kept.model_dump_json()


def test_the_library_of_keys_is_imported_only_where_something_may_be_one() -> None:
    code = (
        "import sys; from idiolect.memory.extraction.personal import personal; personal('I like jazz, my boss Ann');"
        "assert 'detect_secrets' not in sys.modules; assert personal('key Zx8Kq2Lm9Vt4Bn7Rw3Yp6Hc');"
        "assert 'detect_secrets' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
