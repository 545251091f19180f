"""`index` and `forget` in a terminal: arguments become Studio calls, a first Ctrl+C becomes a clean end."""

import argparse
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from .documents import Columns
from .errors import DocumentError, NotFoundError
from .settings import Settings
from .studio import Studio
from .types import IndexReport, Progress, to_json

Result = tuple[Any, list[str]]


def add_documents(command: Callable[..., argparse.ArgumentParser], shown: Callable[..., Any]) -> None:
    """Add both commands; `shown(args)` gives what shows progress."""
    help = "index files or folders; run again to refresh: changed, new and gone files"
    index = command("index", lambda args, settings: run_index(args, settings, shown(args)), help)
    index.add_argument("paths", nargs="*", metavar="PATH")
    index.add_argument("--check", action="store_true", help="of the index itself, and which files have changed since")
    index.add_argument("--rebuild", action="store_true", help="make the vector index anew from the database")
    index.add_argument("--collection", metavar="NAME", help="put them into this collection, to be searched by itself")
    index.add_argument("--content", metavar="COLUMN", help="of tables: the column that holds the text")
    index.add_argument("--metadata", metavar="A,B", help="of tables: columns whose values are kept with it")
    index.add_argument("--rows", type=int, metavar="N", help="of tables: at most so many rows, a random sample")
    index.add_argument("--seed", type=int, default=0, help="of that sample")
    forget = command("forget", run_forget, "remove documents from the index, or bring the last ones back")
    forget.add_argument("sources", nargs="*", metavar="SOURCE", help="as `documents` lists it")
    forget.add_argument("--undo", action="store_true", help="bring back what was forgotten last")
    forget.add_argument("--for-good", action="store_true", help="keep no copy to undo it with")


def run_index(args: argparse.Namespace, settings: Settings, show: Callable[[Progress], None]) -> Result:
    if args.check or args.rebuild:
        return run_care(args, settings)
    if not args.paths:
        raise DocumentError("Name at least one file or folder, or give --check or --rebuild.")
    with Studio(settings) as studio, interruptible() as stopped:
        report = studio.index(args.paths, show, columns=columns_of(args), collection=args.collection, stopped=stopped)
    return to_json(report), report_lines(report)


def run_care(args: argparse.Namespace, settings: Settings) -> Result:
    """Rebuild the index, if asked to, and say how it is."""
    with Studio(settings) as studio:
        seconds = studio.retrieval.rebuild() if args.rebuild else None
        health = studio.retrieval.check(studio.home.folder / "uploads")
    lines = [f"{name}: {value}" for name, value in asdict(health).items() if name not in ("checked", "stale")]
    lines += [f"check: {'sound' if health.checked.sound else 'NOT SOUND'}, {asdict(health.checked)}"]
    lines += [f"stale: {stale.why}  {stale.source}" for stale in health.stale] or ["stale: none"]
    return asdict(health) | {"seconds": seconds}, lines


def run_forget(args: argparse.Namespace, settings: Settings) -> Result:
    if bool(args.sources) == args.undo:
        raise NotFoundError("Name the documents to forget, as `ragft documents` lists them, or give --undo.")
    with Studio(settings) as studio:
        if args.undo:
            back = studio.undo_forget()
            return {"restored": back}, [f"{len(back)} documents are back: {', '.join(back)}"]
        count = studio.forget(args.sources, for_good=args.for_good)
    how = "for good" if args.for_good else "(ragft forget --undo brings them back, for a day)"
    return {"forgotten": count}, [f"{count} documents forgotten {how}"]


def columns_of(args: argparse.Namespace) -> Columns | None:
    """The columns that the flags name; None when there are no such flags, so that each table is read as before."""
    if args.content is None and args.metadata is None and args.rows is None:
        return None
    metadata = tuple(name for name in (args.metadata or "").split(",") if name)
    return Columns(args.content or "", metadata, max(args.rows or 0, 0), args.seed)


def report_lines(report: IndexReport) -> list[str]:
    """A line per file, then how many of which kind, and how fast."""
    counts: dict[str, int] = {}
    for row in report.files:
        counts[row.status] = counts.get(row.status, 0) + 1
    lines = []
    for row in report.files:
        size = ", ".join(
            filter(None, [f"{row.pages} pages" * bool(row.pages), f"{row.chars:,} characters" * bool(row.chars)])
        )
        told = "; ".join(filter(None, [size, row.reason]))
        lines.append(f"{row.status:9} {row.path}{f'  ({told})' if told else ''}")
    summary = ", ".join(f"{n} {status}" for status, n in counts.items()) or "nothing found"
    rate = f", {report.embedded / report.embed_seconds:.0f} embedded a second" if report.embed_seconds else ""
    end = ["Stopped; what was finished is kept. Run the command again to go on."] if report.stopped else []
    return [*lines, f"{summary}; {report.chunks} chunks in {report.seconds:.1f} s{rate}", *end]


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl+C was pressed once; pressed again it interrupts as usual."""
    asked = threading.Event()

    def stop(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
