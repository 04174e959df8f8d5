"""What all tests share."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from browsing import Opened
    from idiolect.assistant import Assistant
    from idiolect.memory.store import Store, UserStore

IN_CI = os.environ.get("CI") == "true"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI everything that a test may want is installed: a skipped test is a failed one."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever runs the tests has settings of their own; they stay out."""
    for variable in [name for name in os.environ if name.startswith("IDIOLECT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-config"))


@pytest.fixture(scope="module")
def address(assistant: "Assistant") -> Iterator[str]:
    """Of a server of the module's own `assistant`."""
    from idiolect.server.app import create_app
    from serving import running

    with running(create_app(assistant)) as at:
        yield at


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A real Chromium."""
    from browsing import chromium

    with chromium() as opened:
        yield opened


@pytest.fixture
def opened(browser: "Browser", address: str) -> Iterator["Opened"]:
    """Opens the page for somebody."""
    from browsing import visits

    with visits(browser, address) as open_page:
        yield open_page


@pytest.fixture(params=["file", "memory", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Store"]:
    """A store of every kind, empty."""
    from idiolect.memory.store import open_store
    from postgres import empty_database

    if request.param == "postgresql":
        for at in empty_database():
            with open_store(at) as opened:
                yield opened
    else:
        with open_store("sqlite://" if request.param == "memory" else str(tmp_path / "me.db")) as opened:
            yield opened


@pytest.fixture
def ana(store: "Store") -> "UserStore":
    """Somebody in it."""
    return store.user("ana")
