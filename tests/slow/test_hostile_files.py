"""29 files that break readers: a right report row for each, none takes long, fills memory, or takes the others down."""

import re
import time
from pathlib import Path

import psutil
import pytest

from ragft_core.documents.reader import LOOK_APART
from ragft_core.types import Progress

from .. import files
from ..test_retrieval import Desk

pytestmark = pytest.mark.slow


def test_each_of_29_hostile_files_gets_its_row(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    expected = files.hostile(desk.docs)
    assert len(expected) == 29
    warm = desk.docs.parent / "warm.html"
    warm.write_text("<p>Start the libraries")
    began = time.monotonic()
    desk.index.add([warm])
    starting = time.monotonic() - began  # of a child: part of the first file after one that ended the last child
    process, limit = psutil.Process(), 0
    before, began, seconds = process.memory_info().rss, time.monotonic(), {}
    resting: list[str] = []

    def watch(step: Progress) -> None:
        nonlocal limit, began
        limit = max(limit, process.memory_info().rss - before)
        for name in resting:
            seconds[name] = time.monotonic() - began
        resting[:] = [step.message.removeprefix("Reading ")]
        began = time.monotonic()

    report = desk.index.add([desk.docs], watch)
    rows = {Path(row.path).name: row for row in report.files}
    assert len(report.files) == len(rows) == 29
    wrong = {
        name: (row.status, row.reason)
        for name, row in rows.items()
        if row.status != expected[name][0] or not re.search(expected[name][1], row.reason)
    }
    assert wrong == {}
    assert all(row.reason.endswith(".") for row in report.files if row.status != "added")
    print({name: round(took, 1) for name, took in seconds.items() if took > 1}, f"+{limit / 2**20:.0f} MB")
    assert max(seconds.values()) < 30 + max(0.0, starting - 3), starting  # a usual machine starts a child in 1 to 3 s
    assert limit < 100 * 2**20
    assert {"good.pdf", "good.txt"} <= {p.source for p in desk.index.search("When does the clinic open?", 5)}
    assert desk.collection() == set(desk.index._shelf.ids())
    desk.close()


def test_a_question_is_answered_while_a_bomb_is_read(tmp_path: Path) -> None:
    """Another user notices nothing: a search stays under twice what it takes alone, or under a tenth of a second."""
    desk = Desk(tmp_path)
    (desk.docs / "good.txt").write_text("The clinic opens at eight.")
    desk.add()
    slow = desk.docs / "slow.docx"
    slow.write_bytes(files.slow_docx())
    took: list[float] = []

    def search(_: Progress | None = None) -> None:
        began = time.monotonic()
        assert desk.index.search("When does the clinic open?", 1)
        took.append(time.monotonic() - began)

    def stopped() -> bool:
        search()
        return False

    search()
    took.clear()
    for _ in range(100):
        time.sleep(LOOK_APART)  # the same rest as between two searches below: a rested processor is a slower one
        search()
    alone = sorted(took)[95]
    took.clear()
    (row,) = desk.index.add([slow], stopped=stopped).files
    assert row.status == "failed" and re.search("more than|memory", row.reason), row
    busy = sorted(took)[int(0.95 * len(took))]
    print(f"p95 {alone * 1000:.1f} ms alone, {busy * 1000:.1f} ms with the bomb, {len(took)} searches; {row.reason}")
    assert busy < max(2 * alone, 0.1)
    desk.close()
