import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ragft_core import HomeError
from ragft_core.home import Home, lasting, owner_of, write_atomically

HOLD = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from ragft_core.home import Home
home = Home.open(Path(sys.argv[1]))
home.announce("http://127.0.0.1:1")
print("held", flush=True)
time.sleep(60)
"""


def holder(home: Path) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_second_start_says_who_holds_the_home(home: Path) -> None:
    process = holder(home)
    try:
        started = time.monotonic()
        with pytest.raises(HomeError) as caught:
            Home.open(home)
        assert time.monotonic() - started < 2
        assert f"process {process.pid} on" in str(caught.value) and "http://127.0.0.1:1" in str(caught.value)
    finally:
        process.kill()
        process.wait()


def test_the_lock_goes_with_its_process_however_it_dies(home: Path) -> None:
    process = holder(home)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    opened = Home.open(home)
    assert owner_of(home)["pid"] == os.getpid()
    opened.close()
    opened.close()
    assert owner_of(home) == {}


def test_a_home_that_a_page_could_serve_is_refused(home: Path, tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(HomeError, match="temporary folder"):
        Home.open(Path(tempfile.gettempdir()) / "home")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HomeError, match="working directory"):
        Home.open(home)


def test_a_home_that_cannot_be_written_is_said(home: Path) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file, not a folder")
    with pytest.raises(HomeError, match=r"cannot be written .*--home"):
        Home.open(home)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "state.json"
    write_atomically(path, '{"n": 1}')

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, '{"n": 2}')
    assert json.loads(path.read_text()) == {"n": 1}


def test_an_unreadable_owner_file_is_no_obstacle(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "owner.json").write_text("{half")
    assert owner_of(home) == {}
    Home.open(home).close()


@pytest.mark.parametrize(
    ("mounts", "space", "kept"),
    [
        ({"/": "ext4"}, False, True),
        ({"/": "overlay"}, False, True),
        ({"/": "overlay"}, True, False),
        ({"/": "overlay", "/data": "fuse"}, True, True),
        ({"/": "ext4", "/data": "tmpfs"}, False, False),
        ({"/": "ext4", "/data/ragft": "ext4", "/data": "tmpfs"}, True, True),
    ],
)
def test_what_outlives_a_restart(
    monkeypatch: pytest.MonkeyPatch, mounts: dict[str, str], space: bool, kept: bool
) -> None:
    parts = [SimpleNamespace(mountpoint=place, fstype=kind) for place, kind in mounts.items()]
    monkeypatch.setattr("psutil.disk_partitions", lambda all: parts)
    monkeypatch.setenv("SPACE_ID", "someone/ragft") if space else monkeypatch.delenv("SPACE_ID", raising=False)
    assert lasting(Path("/data/ragft")) is kept
