"""The process that reads files for another one, within limits: `python -m ragft_core.documents.child`, see reader.py.

On stdin comes, for every file, a JSON request and the file's bytes; on stdout go JSON answers. It opens no file.
"""

import json
import os
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ..errors import DocumentError
from .loaders import read
from .parts import Wish

MEMORY, FILE_SIZE = 1536 * 2**20, 256 * 2**20
SECONDS = 25  # of the processor, for one file, so that its row comes within 30; every scanned page gets as many again
NICE = 5  # gives way to who asks a question meanwhile
ENOUGH = 700 * 2**20  # a child that has used so much memory makes place for a fresh one
MOST_CHARS = 20_000_000


def main() -> None:
    """Answer until stdin ends. What libraries print goes to stderr: stdout is for answers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    limit()
    send(answers, {"ready": os.getpid()})

    def alive(doing: str) -> None:
        limit_cpu()
        send(answers, {"alive": doing})

    while request := receive(sys.stdin.buffer):
        data = receive(sys.stdin.buffer)
        limit_cpu()
        answer = answer_to(json.loads(request), data, alive)
        answer["last"] = peak() > ENOUGH
        send(answers, answer)
        if answer["last"]:
            return


def answer_to(request: dict[str, Any], data: bytes, alive: Callable[[str], None]) -> dict[str, Any]:
    """A reading as plain data, or the sentence why there is none."""
    try:
        found = read(request["suffix"], data, Wish.from_json(request["wish"]), alive)
        chars = sum(len(part.text) for part in found.parts)
        if chars > MOST_CHARS:
            raise DocumentError(f"The file has {chars:,} characters; at most {MOST_CHARS:,} are read. Split it.")
    except DocumentError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "The file needs more memory than there is."}
    except Exception as error:  # noqa: BLE001 - whatever a file makes a library do, the other files are read
        return {"error": f"The file could not be read ({type(error).__name__}: {str(error)[:200]})."}
    parts = [(part.text, part.page, part.markdown) for part in found.parts]
    return {"parts": parts, "heading": found.heading, "note": found.note, "pages": found.pages}


def send(stream: IO[bytes], value: Any) -> None:
    frame(stream, json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def frame(stream: IO[bytes], data: bytes) -> None:
    """Write bytes with their length before them."""
    stream.write(struct.pack(">Q", len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """The next frame; empty at the end of the stream."""
    head = stream.read(8)
    return stream.read(struct.unpack(">Q", head)[0]) if len(head) == 8 else b""


def limit() -> None:
    """Bound memory and what is written; systems without `resource` have the parent's patience only."""
    with suppress(AttributeError, ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's to handle
    with suppress(AttributeError, OSError):
        os.nice(NICE)
    with suppress(ImportError):
        import resource

        for what, most in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, FILE_SIZE),
            (resource.RLIMIT_AS, MEMORY),
        ):
            hard = resource.getrlimit(what)[1]
            with suppress(ValueError, OSError):
                resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def limit_cpu() -> None:
    """Allow SECONDS of the processor from now on."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + SECONDS, hard))


def peak() -> int:
    """The most memory this program has held, in bytes; 0 where it cannot be told.

    Not by getrusage: on Linux its peak is inherited from the process that started this one, which may hold a model.
    """
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()
