"""The child that reads files: what it gives is what reading here gives, and no file takes more down than itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ragft_core.documents import Reader, Stopped, Wish, parse, reader
from ragft_core.documents.child import NICE
from ragft_core.errors import DocumentError

from . import files

ROOT = Path(__file__).parents[1]
PAGE = b"<h1>Hours</h1><p>We open at eight."


@pytest.fixture(scope="module")
def child() -> Iterator[Reader]:
    with Reader(Wish()) as child:
        yield child


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.html", PAGE), ("a.pdf", files.pdf("One", "Two")), ("a.txt", "ü \ud800".encode("utf-8", "replace") * 150_000)],
)
def test_a_child_reads_as_this_process_does(child: Reader, name: str, data: bytes) -> None:
    assert child.parse(Path(name), data) == parse(Path(name), data)


def test_one_child_reads_file_after_file(child: Reader) -> None:
    child.parse(Path("a.html"), PAGE)
    pid = child._child.pid  # type: ignore[union-attr]
    with pytest.raises(DocumentError, match="content is not a PDF"):
        child.parse(Path("a.pdf"), b"x")
    child.parse(Path("b.html"), PAGE)
    assert child._child.pid == pid  # type: ignore[union-attr]


def test_the_child_gives_way_to_this_process(child: Reader) -> None:
    child.parse(Path("a.html"), PAGE)
    mine = psutil.Process().nice()
    assert psutil.Process(child._child.pid).nice() == min(mine + NICE, 19)  # type: ignore[union-attr]


def test_small_plain_text_needs_no_child() -> None:
    with Reader(Wish()) as fresh:
        assert fresh.parse(Path("a.txt"), b"text").parts[0].text == "text"
        assert fresh._child is None


def test_a_child_that_is_killed_is_a_sentence_and_the_next_file_gets_another(child: Reader) -> None:
    child.parse(Path("a.html"), PAGE)
    os.kill(child._child.pid, signal.SIGKILL)  # type: ignore[union-attr]
    child._child.wait()  # type: ignore[union-attr]
    assert child.parse(Path("a.html"), PAGE).title == "Hours"
    assert "SIGSEGV" in reader.ended(-signal.SIGSEGV, 30) and "more than 30 seconds" in reader.ended(
        -signal.SIGXCPU, 30
    )


def code(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let children run `text` instead of the real program."""
    start = reader.subprocess.Popen
    fake = [sys.executable, "-c", "import sys\nfrom ragft_core.documents import child\n" + text + "\nchild.main()"]
    monkeypatch.setattr(reader.subprocess, "Popen", lambda command, **how: start(fake, **how))


def test_a_child_that_has_used_much_memory_makes_place_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    code(monkeypatch, "child.ENOUGH = 0")
    with Reader(Wish()) as fresh:
        assert {fresh.parse(Path("a.html"), PAGE).title for _ in range(3)} == {"Hours"}
        assert fresh._child is None


@pytest.mark.slow
def test_the_memory_of_whoever_started_it_is_not_the_child_s() -> None:
    """Linux hands getrusage's peak on to a new program: with a model in memory, every file had a child of its own."""
    program = [sys.executable, "-c", "from ragft_core.documents import child; print(child.peak())"]
    big = f"x = b'1' * 800 * 2**20; import subprocess; subprocess.run({program!r}, check=True)"
    done = subprocess.run([sys.executable, "-c", big], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 300 * 2**20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("child.read = lambda *_: bytearray(2 * 2**30)", "more memory"),
        ("child.read = lambda *_: 1 / 0", r"could not be read \(ZeroDivisionError"),
        (
            "import os; child.read = lambda *_: os.kill(os.getpid(), 11)",
            r"crashed the process that read it \(SIGSEGV\)",
        ),
        ("import time; child.read = lambda *_: time.sleep(60)", "more than 1 seconds"),
        ("child.read = lambda *_: print('x') or sys.exit(3)", "exit code 3"),
        ("child.MOST_CHARS = 3", r"has 26 characters; at most 3 are read"),
    ],
)
def test_what_a_file_does_to_a_reader_stays_there(monkeypatch: pytest.MonkeyPatch, fault: str, said: str) -> None:
    code(monkeypatch, fault)
    with Reader(Wish(), seconds=1) as child, pytest.raises(DocumentError, match=said):
        child.parse(Path("a.html"), PAGE)


@pytest.mark.slow
def test_a_stopped_job_waits_for_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    code(monkeypatch, "import time; child.read = lambda *_: time.sleep(60)")
    with Reader(Wish(), stopped=lambda: True) as child, pytest.raises(Stopped):
        child.parse(Path("a.html"), PAGE)


@pytest.mark.slow
def test_stopping_in_the_middle_of_ocr_leaves_no_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program, note = tmp_path / "tesseract", tmp_path / "pid"
    program.write_text(f"#!/bin/sh\necho $$ > {note}\nexec sleep 100\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    told: list[str] = []
    with Reader(Wish(), stopped=note.exists, say=told.append) as child, pytest.raises(Stopped):
        child.parse(Path("a.pdf"), files.scan("x"))
    assert told == ["OCR of page 1 of 1"]
    pid = int(note.read_text())
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
