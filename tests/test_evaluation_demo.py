import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from idiolect.evaluation.demo import PEOPLE, DemoReport, run_demo


@pytest.fixture(scope="module")
def shown() -> tuple[DemoReport, str]:
    screen = Console(file=StringIO(), width=160)
    report = run_demo("scripted", short=True, console=screen)
    assert isinstance(screen.file, StringIO)
    return report, screen.file.getvalue()


def test_two_people_of_opposite_taste_are_asked_the_same(shown: tuple[DemoReport, str]) -> None:
    report, _ = shown
    first, second = report.people
    assert [taste.true for taste in first.tastes] == pytest.approx([-taste.true for taste in second.tastes])
    assert all(set(question.answers) == set(PEOPLE) for question in report.questions)


def test_the_screen_says_how_often_each_prefers_their_own_answer(shown: tuple[DemoReport, str]) -> None:
    report, screen = shown
    for one in report.people:
        assert f"{one.preferred:g} of {one.comparisons}" in " ".join(screen.split())
        assert 0 <= one.preferred <= one.comparisons == 6
        assert -1 <= one.agreement <= 1


def test_every_answer_stands_on_the_screen(shown: tuple[DemoReport, str]) -> None:
    report, screen = shown
    for question in report.questions:
        assert question.question in screen
        for text in (question.plain, *question.answers.values()):
            assert text.split()[0] in screen


def test_the_report_is_json_for_programs(shown: tuple[DemoReport, str]) -> None:
    written = json.loads(shown[0].model_dump_json())
    assert set(written) == {"model", "choices", "people", "questions", "seconds"}


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", None)
    run_demo("scripted", choices=1, short=True, console=Console(file=StringIO()))
    assert list(tmp_path.iterdir()) == []
