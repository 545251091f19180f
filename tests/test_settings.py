from pathlib import Path

import pytest

from ragft_core import Settings, SettingsError


def test_flags_beat_the_environment_which_beats_the_file(home: Path, tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "ragft.toml"
    file.write_text("top_k = 5\nseed = 7\nmax_new_tokens = 50\n")
    monkeypatch.setenv("RAGFT_SEED", "8")
    monkeypatch.setenv("RAGFT_MAX_NEW_TOKENS", "60")
    settings = Settings.load(file, home=home, max_new_tokens=70)
    assert (settings.top_k, settings.seed, settings.max_new_tokens, settings.port) == (5, 8, 70, 7860)


def test_a_flag_that_was_not_given_changes_nothing(home: Path) -> None:
    assert Settings.load(home=home, top_k=None).top_k == Settings.load(home=home).top_k


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"chunk_size": 20, "chunk_overlap": 20}, "smaller than chunk_size"),
        ({"max_new_tokens": 2000}, "over max_new_tokens_limit"),
        ({"top_k": 0}, "top_k"),
        ({"temperature": -1}, "temperature"),
        ({"precision": "int3"}, "precision"),
        ({"colour": "teal"}, "colour"),
        ({"port": 70000}, "port"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(home: Path, wrong: dict, part: str) -> None:
    with pytest.raises(SettingsError, match=part) as caught:
        Settings.load(home=home, **wrong)
    assert str(caught.value).startswith("These settings cannot be used") and "\n" not in str(caught.value)


def test_a_missing_or_broken_file_is_said(home: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no settings file"):
        Settings.load(tmp_path / "none.toml", home=home)
    broken = tmp_path / "broken.toml"
    broken.write_text("top_k = = 3")
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load(broken, home=home)


def test_settings_do_not_change_after_they_are_made(settings: Settings) -> None:
    with pytest.raises(Exception, match="frozen"):
        settings.top_k = 9


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("chroma", "localhost:8000"), ("chroma", "http://a/b"), ("chroma", "ftp://a"), ("ocr", "-x"), ("ocr", "eng; rm")],
)
def test_addresses_and_languages_that_cannot_be_meant_are_refused(home: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} must"):
        Settings.load(home=home, **{name: value})


def test_a_chroma_server_and_languages_are_taken(home: Path) -> None:
    settings = Settings.load(home=home, chroma="http://[::1]:8000/", ocr="eng+deu")
    assert (settings.chroma, settings.ocr) == ("http://[::1]:8000/", "eng+deu")
