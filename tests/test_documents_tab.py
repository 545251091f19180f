"""Adding and forgetting in the page, without a browser: what is told while a job runs, a stop, columns, undo."""

import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ragft_core import NotFoundError, Settings, Studio
from ragft_core.documents import Columns
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_core.types import FileReport, IndexReport, Progress
from ragft_ui import adding, render_documents
from ragft_ui.uploads import moved_uploads


class SlowIndex(OnePageIndex):
    """Takes files one by one, as fast as it is let, and notes how it was asked."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.given: dict[str, Any] = {}

    def add(self, paths: Sequence[Path], progress: Callable[[Progress], None], **how: Any) -> IndexReport:
        self.given, rows = how | {"paths": list(paths)}, []
        for done, path in enumerate(paths):
            rows.append(FileReport(str(path), "added", chunks=1, pages=done))
            progress(Progress(done, len(paths), f"Reading {path.name}", (rows[-1],)))
            while not self.go.wait(0.01):
                if how["stopped"]():
                    return IndexReport(tuple(rows), done, 0.1, stopped=True)
        return IndexReport(tuple(rows), len(rows), 2.0, 60, 2.0)

    def forget(self, sources: Sequence[str], *, for_good: bool = False) -> int:
        return len(sources)

    def undo_forget(self) -> list[str]:
        raise NotFoundError("There is nothing to bring back.")


@pytest.fixture
def page(home: Path) -> Any:
    """{name: function} of the page over a slow index, and the index."""
    from ragft_ui import build

    index = SlowIndex()
    with Studio(Settings.load(home=home, demo=False), engine=EchoEngine(), retrieval=index) as studio:
        blocks = build(studio)
        yield {fn.name: fn.fn for fn in blocks.fns.values()}, index


def uploads(folder: Path, *names: str) -> list[str]:
    files = []
    for n, name in enumerate(names):
        (folder / f"up{n}").mkdir()
        files.append(folder / f"up{n}" / name)
        files[-1].write_text("text")
    return list(map(str, files))


def shown(frame: dict[Any, Any]) -> str:
    return " ".join(str(value) for value in frame.values())


def test_every_file_shows_up_as_it_is_through_and_the_report_has_the_speed(page: Any, tmp_path: Path) -> None:
    by_name, index = page
    frames = by_name["index"](uploads(tmp_path, "a.txt", "b.pdf"))
    first, second = next(frames), next(frames)
    assert "Starting" in shown(first)
    assert "Reading a.txt" in shown(second) and "Files so far" in shown(second)
    index.go.set()
    text = " ".join(map(shown, frames))
    assert "2 files in 2.0 s, 30 passages embedded a second." in text and "b.pdf" in text
    assert index.given["columns"] is None
    assert not [path for path in index.given["paths"] if path.exists()]  # the uploads are gone


def test_stop_ends_the_job_and_says_so(page: Any, tmp_path: Path) -> None:
    by_name, _ = page
    frames = by_name["index"](uploads(tmp_path, "a.txt", "b.txt"))
    next(frames), next(frames)
    by_name["halt"]()
    assert "Stopped; what was finished is kept." in " ".join(map(shown, frames))


def test_columns_are_handed_on(page: Any, tmp_path: Path) -> None:
    by_name, index = page
    index.go.set()
    list(by_name["index"](uploads(tmp_path, "a.csv"), " text ", "who, when,", 20, 3))
    assert index.given["columns"] == Columns("text", ("who", "when"), 20, 3)
    assert adding.columns("", "", None, None) is None
    assert adding.columns("", "", 5, None) == Columns(limit=5)


def test_a_folder_joins_the_files_chosen_before(page: Any) -> None:
    take = page[0]["take_folder"]
    assert take(["a"], ["b", "a"]) == ["a", "b"] and take(None, ["b"]) == ["b"]


def test_uploads_of_one_name_stay_apart(tmp_path: Path) -> None:
    moved = moved_uploads(tmp_path / "uploads", uploads(tmp_path, "a.txt", "a.txt"))
    assert [path.name for path in moved] == ["a.txt", "a (2).txt"]


def test_forgetting_offers_undo_and_a_failed_undo_is_told(page: Any) -> None:
    by_name, _ = page
    told = by_name["forget_pending"](["sky.md"])
    assert "1 document forgotten." in told[3] and told[4].visible
    told = by_name["undo_forget"]()
    assert "There is nothing to bring back." in told[3] and not told[4].visible


def test_what_comes_fast_is_taken_at_once() -> None:
    news: queue.SimpleQueue = queue.SimpleQueue()
    assert adding.fresh(news, 0.01) == []
    for n in range(3):
        news.put(n)
    assert adding.fresh(news) == [0, 1, 2]


def test_progress_shows_the_latest_files_and_the_report_the_problems_first() -> None:
    rows = [FileReport(f"n{n}.md", "added", chunks=1) for n in range(20)]
    html = render_documents.progress(Progress(20, 30, "Reading"), rows)
    assert "n19.md" in html and "n12.md" in html and "n11.md" not in html
    report = IndexReport((*rows, FileReport("bad.pdf", "failed", "<b>Broken</b>")), 20, 1.0)
    html = render_documents.report(report)
    assert html.index("bad.pdf") < html.index("n0.md") and "&lt;b&gt;" in html
