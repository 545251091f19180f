"""What every test may ask for: a home folder, a Studio without weights, and a network that is closed."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragft_core import Settings, Studio
from ragft_core.testing import EchoEngine, OnePageIndex

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder that does not exist yet, outside what counts as the temporary folder here and in children."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings.load(home=home, demo=False)


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    """A Studio whose model echoes and whose index has one page."""
    with Studio(settings, engine=EchoEngine(), retrieval=OnePageIndex()) as studio:
        yield studio


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection that leaves this machine fails the test that made it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in LOOPBACK:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
