import json
import re
from pathlib import Path

import pytest

import idiolect
from idiolect.cli import main
from idiolect.errors import SettingsError
from idiolect.schema import Sampling
from idiolect.settings import Settings, config_file, load_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "idiolect.toml") -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def test_every_setting_has_a_default_and_a_description() -> None:
    assert all(field.description and not field.is_required() for field in Settings.model_fields.values())
    assert load_settings().model == "starter"


def test_an_argument_goes_before_a_variable_before_the_file_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().port == 8642
    write("port = 1\nkappa = 0.25")
    assert load_settings().port == 1
    monkeypatch.setenv("IDIOLECT_PORT", "2")
    assert load_settings().port == 2
    assert load_settings(port=3).port == 3
    assert load_settings(port=3).kappa == 0.25


def test_an_argument_that_is_none_was_not_given() -> None:
    write("model = './mine.gguf'")
    assert load_settings(model=None).model == "./mine.gguf"


@pytest.mark.parametrize(
    ("variable", "folder"), [("IDIOLECT_CONFIG", "elsewhere/idiolect.toml"), ("XDG_CONFIG_HOME", "elsewhere")]
)
def test_the_file_may_lie_elsewhere(
    variable: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "elsewhere" / ("idiolect" if variable == "XDG_CONFIG_HOME" else "")
    place.mkdir(parents=True)
    (place / "idiolect.toml").write_text("port = 7")
    monkeypatch.setenv(variable, str(tmp_path / folder))
    assert load_settings().port == 7


def test_the_file_in_the_working_folder_goes_before_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / "idiolect").mkdir(parents=True)
    (tmp_path / "home" / "idiolect" / "idiolect.toml").write_text("port = 7")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    write("port = 8")
    assert config_file() == Path("idiolect.toml")
    assert load_settings().port == 8


def test_an_unknown_key_is_refused_with_its_file_and_the_key_that_was_meant() -> None:
    write("prot = 1")
    with pytest.raises(SettingsError, match=r"unknown setting 'prot' in idiolect\.toml; did you mean 'port'\?"):
        load_settings()


def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_MODLE", "starter")
    with pytest.raises(SettingsError, match=r"'modle' in the environment .* did you mean 'model'\?"):
        load_settings()


def test_an_unknown_argument_lists_what_there_is_when_nothing_is_close() -> None:
    with pytest.raises(
        SettingsError, match=r"unknown setting 'zzzz' in the arguments; there are: adapters, .*api_key, .*top_p"
    ):
        load_settings(zzzz=1)


def test_a_value_that_cannot_be_read_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    write("port = 'high'")
    with pytest.raises(
        SettingsError, match=r"'port' in idiolect\.toml cannot be read: input should be a valid integer"
    ):
        load_settings()
    monkeypatch.setenv("IDIOLECT_PORT", "70000")
    with pytest.raises(SettingsError, match="'port' in the variable IDIOLECT_PORT cannot be read"):
        load_settings()
    with pytest.raises(SettingsError, match="'port' in the arguments cannot be read"):
        load_settings(port=-1)


def test_a_broken_file_is_told_with_its_line() -> None:
    write("port = = 1")
    with pytest.raises(SettingsError, match=r"idiolect\.toml is not valid TOML: .*line 1"):
        load_settings()


def test_a_file_of_another_encoding_is_told() -> None:
    Path("idiolect.toml").write_bytes(b"model = '\xff\xfe'")
    with pytest.raises(SettingsError, match=r"idiolect\.toml cannot be read"):
        load_settings()


def test_a_named_file_that_is_missing_is_told() -> None:
    with pytest.raises(SettingsError, match=r"there is no settings file gone\.toml"):
        load_settings(Path("gone.toml"))


def test_a_key_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_API_KEY", "sk-canary")
    settings = load_settings()
    assert "sk-canary" not in repr(settings) + settings.model_dump_json()
    assert settings.api_key is not None and settings.api_key.get_secret_value() == "sk-canary"


def test_an_error_never_shows_the_value_of_a_key() -> None:
    write("api_key = ['sk-canary']")
    with pytest.raises(SettingsError) as told:
        load_settings()
    assert "canary" not in str(told.value)


def test_the_sampling_is_that_of_the_settings() -> None:
    assert load_settings(temperature=0.0, max_tokens=5).sampling == Sampling(temperature=0.0, max_tokens=5)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]  # that it is refused is what is tested


def test_every_setting_is_read_somewhere() -> None:
    source = Path(idiolect.__file__).parent
    code = "\n".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    assert not [name for name in Settings.model_fields if not re.search(rf"\b(settings|self)\.{name}\b", code)]


def test_where_each_value_comes_from_is_told_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("idiolect.toml").write_text('model = "scripted"\ncandidates = 2\n')
    monkeypatch.setenv("IDIOLECT_CANDIDATES", "3")
    monkeypatch.setenv("IDIOLECT_API_KEY", "sk-hidden")
    monkeypatch.setenv("IDIOLECT_STORE", "postgresql://me:hidden@host/name")
    with pytest.raises(SystemExit):
        main(["config", "show", "--json"])
    shown = capsys.readouterr().out
    assert "hidden" not in shown
    assert json.loads(shown) == {
        "model": {"value": "scripted", "from": "idiolect.toml"},
        "candidates": {"value": 3, "from": "IDIOLECT_CANDIDATES in the environment"},
        "api_key": {"value": "**********", "from": "IDIOLECT_API_KEY in the environment"},
        "store": {"value": "postgresql://me:***@host/name", "from": "IDIOLECT_STORE in the environment"},
    }
