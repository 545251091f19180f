"""Files are read by a limited child process, so that no file can take down, fill or hold up this one.

Small plain text is read here: its readers take time and memory in proportion to what is given.
"""

import json
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from ..errors import DocumentError
from . import ocr
from .child import MOST_CHARS, SECONDS, frame
from .loaders import loaded, parse
from .parts import Loaded, Part, Reading, Wish

QUICK, SMALL = (".txt", ".md", ".markdown", ".csv", ".tsv", ".jsonl"), 256 * 2**10
START = 60  # seconds for the child to start, on a busy machine
LOOK_APART = 0.1  # seconds between two looks whether the job was stopped
MOST_BYTES = 6 * MOST_CHARS  # of an answer


class Stopped(Exception):
    """The job was stopped while a file was being read; its child is gone."""


class Reader:
    """A child that reads one file after the other; it starts with the first file that needs it."""

    def __init__(
        self,
        wish: Wish,
        stopped: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda _: None,
        seconds: float = SECONDS,
    ) -> None:
        self.wish, self._stopped, self._say, self.seconds = wish, stopped, say, seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._news: queue.SimpleQueue[bytes] = queue.SimpleQueue()  # what the child has said, b"" at its end
        self._read = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child; a later file would start another."""
        child, self._child = self._child, None
        if child is not None:
            with suppress(OSError, AttributeError):
                os.killpg(child.pid, signal.SIGKILL)  # with an OCR that it may have started
            child.kill()
            child.wait()
            with suppress(OSError):
                child.stdin.close()  # type: ignore[union-attr]
        self._read.clear()

    def parse(self, path: Path, data: bytes, wish: Wish | None = None) -> Loaded:
        """The text in the bytes of a file; DocumentError says why there is none, Stopped that nobody waits for it."""
        wish = wish or self.wish
        if path.suffix.lower() in QUICK and len(data) <= SMALL:
            return parse(path, data, wish)
        answer = self._ask({"suffix": path.suffix, "wish": wish.to_json()}, data)
        if answer["last"]:  # the child has used much memory and is ending: it must not be asked again
            self.close()
        if "error" in answer:
            raise DocumentError(answer["error"])
        parts = [Part(text, page, markdown) for text, page, markdown in answer["parts"]]
        return loaded(path, data, Reading(parts, answer["heading"], answer["note"], answer["pages"]))

    def _ask(self, request: dict[str, Any], data: bytes) -> dict[str, Any]:
        """The child's answer; one that had ended between two files is replaced."""
        try:
            self._send(request, data)
        except OSError:
            self.close()
            try:
                self._send(request, data)
            except OSError as error:
                self.close()
                raise DocumentError(f"The process that reads files cannot be started ({error}).") from error
        try:
            answer = self._receive(self.seconds)
            while "alive" in answer:
                self._say(answer["alive"])
                answer = self._receive(self.seconds + ocr.SECONDS)
            return answer
        except BaseException:
            self.close()
            raise

    def _send(self, request: dict[str, Any], data: bytes) -> None:
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child, self._news = start(), queue.SimpleQueue()
            threading.Thread(target=pump, args=(self._child.stdout, self._news), daemon=True).start()
            try:
                self._receive(START)
            except BaseException:
                self.close()
                raise
        assert self._child.stdin
        frame(self._child.stdin, json.dumps(request).encode())
        frame(self._child.stdin, data)

    def _receive(self, seconds: float) -> dict[str, Any]:
        """The next frame from the child, waited for at most so long."""
        end = time.monotonic() + seconds
        self._fill(8, end, seconds)
        size = struct.unpack(">Q", self._read[:8])[0]
        if size > MOST_BYTES:
            raise DocumentError("The file gave more text than is read; split it.")
        self._fill(8 + size, end, seconds)
        answer = json.loads(self._read[8 : 8 + size])
        del self._read[: 8 + size]
        return answer

    def _fill(self, size: int, end: float, seconds: float) -> None:
        assert self._child
        while len(self._read) < size:
            if self._stopped():
                raise Stopped
            if time.monotonic() > end:
                raise DocumentError(too_long(seconds))
            try:
                found = self._news.get(timeout=LOOK_APART)
            except queue.Empty:
                continue
            if not found:
                raise DocumentError(ended(self._child.wait(), seconds))
            self._read += found


def start() -> "subprocess.Popen[bytes]":
    """A child of its own session: what stops this process does not stop it in the middle, the end of stdin does."""
    root = str(Path(__file__).parents[2])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "OMP_NUM_THREADS": "1",  # a thread costs address space, which is limited
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.child"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def pump(pipe: IO[bytes], news: "queue.SimpleQueue[bytes]") -> None:
    """Hand on what comes through a pipe, until it ends: waiting for a pipe with a limit is not possible everywhere."""
    with pipe:
        while found := os.read(pipe.fileno(), 2**20):
            news.put(found)
    news.put(b"")


def ended(code: int, seconds: float) -> str:
    """What the end of a child in the middle of a file means to the user."""
    if code == -getattr(signal, "SIGXCPU", 0):
        return too_long(seconds)
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"Reading the file crashed the process that read it ({how}), nothing else; save it in another format."


def too_long(seconds: float) -> str:
    return f"The file takes more than {seconds:.0f} seconds to read; split it or save it in a simpler format."
