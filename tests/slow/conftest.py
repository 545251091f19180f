"""Real processes with a closed network: the command line and the app as a user starts them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The environment of a child whose network is closed, and the log of what it tried to reach."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "tmp").mkdir()
    log = folder / "network.log"
    env = {key: value for key, value in os.environ.items() if not key.startswith(("RAGFT_", "HF_"))}
    env |= {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "closed_network"), str(ROOT)]),
        "RAGFT_TEST_NETWORK_LOG": str(log),
        "TMPDIR": str(folder / "tmp"),
    }
    return SimpleNamespace(env=env, log=log, folder=folder)


@pytest.fixture(scope="session")
def demo_home(closed: SimpleNamespace) -> Path:
    """A home in which the demo is installed, shared by tests that only read and ask."""
    home = closed.folder / "demo-home"
    done = subprocess.run(ragft_words(home, "search", "opening hours"), env=closed.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return home


def ragft_words(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "ragft_core", words[0], "--home", str(home), *words[1:]]


@pytest.fixture
def ragft(closed: SimpleNamespace) -> Callable[..., Any]:
    """Run a command on a home; gives its JSON, or the finished process when `ok` is False."""

    def run(home: Path, *words: str, ok: bool = True) -> Any:
        done = subprocess.run(
            ragft_words(home, *words, *(["--json"] if ok else [])), env=closed.env, capture_output=True, text=True
        )
        if not ok:
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def start_app(closed: SimpleNamespace) -> Iterator[Callable[..., SimpleNamespace]]:
    """Start `python app.py` on a home and wait for its address; every app started is killed in the end."""
    apps: list[subprocess.Popen] = []

    def start(home: Path, *words: str) -> SimpleNamespace:
        app = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py"), "--home", str(home), "--port", "0", "--no-browser", *words],
            env=closed.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        apps.append(app)
        assert app.stdout is not None
        lines = []
        for line in app.stdout:
            lines.append(line)
            if "http://" in line:
                return SimpleNamespace(process=app, url="http://" + line.split("http://")[1].split()[0].rstrip("/."))
        raise AssertionError("the app did not start:\n" + "".join(lines))

    yield start
    for app in apps:
        app.send_signal(signal.SIGKILL)
        app.wait()


def wait_until(true: Callable[[], Any], seconds: float = 60) -> Any:
    """The first truthy answer, or a failure after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := true():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")
