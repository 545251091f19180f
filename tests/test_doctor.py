import os
import socket
from pathlib import Path

import pytest

from ragft_core import Settings
from ragft_core.doctor import Check, adapters, documents, home, model, packages, python
from ragft_core.home import Home


def only(checks) -> Check:
    (check,) = list(checks)
    return check


def test_a_healthy_machine(settings: Settings) -> None:
    assert only(python(settings)).ok
    assert only(packages(settings)).ok, only(packages(settings)).detail
    assert only(model(settings)).ok, only(model(settings)).detail
    assert [check.name for check in adapters(settings) if not check.ok] == []


def test_a_home_is_looked_at_and_left_as_it_was(settings: Settings) -> None:
    disk, missing = home(settings)
    assert disk.ok and missing.ok and "will be made" in missing.detail and not settings.home.exists()
    Home.open(settings.home).close()
    assert "0 documents, 0 chunks" in list(home(settings))[1].detail


def test_a_held_home_is_named_with_its_holder(settings: Settings) -> None:
    opened = Home.open(settings.home)
    check = list(home(settings))[1]
    assert not check.ok and f"process {os.getpid()}" in check.detail and check.fix
    opened.announce("http://127.0.0.1:1")
    assert list(home(settings))[1].ok
    opened.close()


def test_a_database_that_is_none_is_said(settings: Settings) -> None:
    opened = Home.open(settings.home)
    opened.database.write_bytes(b"not a database" * 100)
    opened.close()
    check = list(home(settings))[1]
    assert not check.ok and check.fix


@pytest.mark.parametrize("present", [[], ["config.json"], ["config.json", "tokenizer.json"]])
def test_an_incomplete_model_folder_is_said(home: Path, tmp_path: Path, present: list[str]) -> None:
    for name in present:
        (tmp_path / name).write_text("{}")
    check = only(model(Settings.load(home=home, model=str(tmp_path))))
    assert not check.ok and "lacks" in check.detail and "safetensors" in check.detail


def test_a_hub_id_is_not_looked_up(home: Path) -> None:
    check = only(model(Settings.load(home=home, model="someone/some-model")))
    assert check.ok and "Hugging Face id" in check.detail


def test_ocr_and_the_chroma_server_are_looked_at(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    check = only(documents(settings))
    assert check.ok and "install tesseract" in check.detail  # no fault: scans are rare
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        there = settings.model_copy(update={"chroma": address})
        assert [check.ok for check in documents(there)] == [True, True]
    gone = list(documents(there))[1]
    assert not gone.ok and address in gone.detail and "chroma run" in gone.fix
