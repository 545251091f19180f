"""An indexing job can be stopped and goes on; tables keep their columns; what was forgotten comes back."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ragft_core.documents import Columns
from ragft_core.errors import NotFoundError
from ragft_core.retrieval.undo import FORGOTTEN
from ragft_core.types import FileReport, Progress

from . import files
from .test_retrieval import Desk, statuses


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.write(shot="# Flu shot\nThe flu shot costs 45 euros.", holt="# Dr. Holt\nDr. Holt treats children.")
    yield desk
    desk.close()


# -------------------------------------------------------------------- stopping


def test_a_stopped_job_reports_and_goes_on(desk: Desk) -> None:
    for n in range(80):
        (desk.docs / f"n{n:02}.txt").write_text(f"File {n} is here.")
    asked = iter(range(10_000))
    report = desk.index.add([desk.docs], stopped=lambda: next(asked) > 40)
    assert report.stopped and len(report.files) == 82
    kinds = {row.status for row in report.files}
    assert kinds == {"skipped"} and report.files[0].reason.startswith("Stopped before it was indexed")
    asked = iter(range(10_000))
    report = desk.index.add([desk.docs], stopped=lambda: next(asked) > 70)  # after the first documents were written
    added = [row for row in report.files if row.status == "added"]
    assert report.stopped and 0 < len(added) < 82 and desk.index.size == len(added)
    report = desk.index.add([desk.docs])
    assert not report.stopped
    assert statuses(report) == dict.fromkeys(statuses(report), "added") | {
        Path(row.path).name: "unchanged" for row in added
    }
    assert desk.collection() == set(desk.index._shelf.ids()) and desk.index.size == 82


def test_a_stopped_job_removes_nothing(desk: Desk) -> None:
    desk.add()
    (desk.docs / "holt.md").unlink()
    assert desk.index.add([desk.docs], stopped=lambda: True).stopped
    assert len(desk.store.documents()) == 2


def test_what_a_stopped_job_embedded_is_not_embedded_again(desk: Desk) -> None:
    (desk.docs / "long.txt").write_text("\n\n".join(f"Paragraph {n} {'word ' * 30}" for n in range(100)))
    seen: list[str] = []
    embed = desk.embed
    desk.embed = lambda texts: (seen.extend(texts), embed(texts))[1]
    report = desk.index.add([desk.docs], stopped=lambda: len(seen) >= 64)
    assert report.stopped and statuses(report)["long.txt"] == "skipped"
    desk.add()
    assert len(seen) == len(set(seen)) == desk.index.size


def test_every_row_is_told_once_and_the_speed_is_reported(desk: Desk) -> None:
    (desk.docs / "bad.pdf").write_bytes(b"")
    told: list[FileReport] = []
    report = desk.index.add([desk.docs], lambda p: told.extend(p.files))
    assert told == list(report.files)
    assert report.embedded == 2 and 0 < report.embed_seconds <= report.seconds
    assert desk.index.add([desk.docs]).embedded == 0


# -------------------------------------------------------------------- pages and columns


def test_pages_are_counted_and_cited(desk: Desk) -> None:
    (desk.docs / "prices.pdf").write_bytes(files.pdf("A flu vaccination costs 45 euros.", "", "An eye test is free."))
    report = desk.index.add([desk.docs])
    row = next(row for row in report.files if row.path.endswith(".pdf"))
    assert (row.status, row.pages, row.chunks, row.chars) == ("added", 3, 2, 53)
    found = desk.index.search("eye test free", 1)[0]
    assert (found.source, found.page) == ("prices.pdf", 3)


def test_columns_are_remembered_until_others_are_wished(desk: Desk) -> None:
    table = desk.docs / "t.csv"
    table.write_text("who,text\nAnn,Hello\nBob,Goodbye\n")
    path = [desk.docs]
    desk.index.add(path, columns=Columns("text", ("who",)))
    assert [p.text for p in desk.index.search("Hello", 1)] == ["Hello\nwho: Ann"]
    assert statuses(desk.index.add(path))["t.csv"] == "unchanged"
    table.write_text("who,text\nAnn,Hello again\n")
    assert statuses(desk.index.add(path))["t.csv"] == "updated"
    assert [p.text for p in desk.index.search("Hello", 1)] == ["Hello again\nwho: Ann"]
    assert statuses(desk.index.add(path, columns=Columns()))["t.csv"] == "updated"
    assert [p.text for p in desk.index.search("Hello", 1)] == ["who: Ann\ntext: Hello again"]
    assert set(statuses(desk.index.add(path)).values()) == {"unchanged"}


# -------------------------------------------------------------------- undo


def everything(desk: Desk) -> list:
    tables = ("documents", "chunks", "placements")
    return [sorted(desk.store.rows(f"SELECT * FROM {table}")) for table in tables]


def test_what_was_forgotten_comes_back_as_it_was(desk: Desk) -> None:
    (desk.docs / "copy.md").write_text((desk.docs / "shot.md").read_text())  # its chunk stays when one of them goes
    desk.add()
    before = everything(desk)
    assert desk.index.forget(["shot.md", "holt.md"]) == 2
    assert sorted(desk.again().forgotten()) == ["holt.md", "shot.md"]
    assert sorted(desk.index.undo_forget()) == ["holt.md", "shot.md"]
    assert everything(desk) == before
    assert desk.collection() == set(desk.index._shelf.ids())
    assert desk.index.search("children", 1)[0].source == "holt.md"
    with pytest.raises(NotFoundError, match="nothing to bring back"):
        desk.index.undo_forget()
    assert set(desk.add().values()) == {"unchanged"}


def test_only_the_last_forgetting_can_be_undone(desk: Desk) -> None:
    desk.add()
    desk.index.forget(["shot.md"])
    desk.index.forget(["holt.md"])
    assert desk.index.undo_forget() == ["holt.md"]


def test_what_was_indexed_again_meanwhile_stays_as_it_is(desk: Desk) -> None:
    desk.add()
    desk.index.forget(["shot.md", "holt.md"])
    desk.write(shot="# Flu shot\nIt costs 99 euros.")
    desk.index.add([desk.docs / "shot.md"])
    assert desk.index.undo_forget() == ["holt.md"]
    assert "99" in desk.index.search("flu shot", 1)[0].text


def test_forgotten_for_good_leaves_nothing(desk: Desk) -> None:
    desk.add()
    desk.index.forget(["shot.md"])
    desk.index.forget(["holt.md"], for_good=True)
    assert desk.index.forgotten() == []
    desk.close()
    assert not [path for path in desk.home.glob("ragft.sqlite*") if b"treats children" in path.read_bytes()]
    desk.open()


def test_after_a_day_nothing_is_kept(desk: Desk) -> None:
    desk.add()
    desk.index.forget(["shot.md"])
    kept = json.loads(desk.store.fact(FORGOTTEN) or "")
    kept["when"] = (datetime.now(UTC) - timedelta(days=1, seconds=1)).isoformat()
    desk.store.set_fact(FORGOTTEN, json.dumps(kept))
    assert desk.index.forgotten() == []
    desk.again()
    assert desk.store.fact(FORGOTTEN) is None


def test_progress_without_rows_is_as_before() -> None:
    assert Progress(1, 2, "x").files == ()
