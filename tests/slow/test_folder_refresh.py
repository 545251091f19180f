"""A folder changes on disk: indexing it again from the command line does exactly that, with the real model."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .. import files
from .conftest import ragft_words

pytestmark = pytest.mark.slow


def statuses(report: dict) -> dict[str, str]:
    return {Path(row["path"]).name: row["status"] for row in report["files"]}


def test_a_refresh_does_exactly_what_changed_and_the_new_fact_is_found(
    ragft: Callable[..., Any], closed: Any, tmp_path: Path
) -> None:
    home, docs = closed.folder / "refresh-home", tmp_path / "docs"
    docs.mkdir()
    for n in range(20):
        (docs / f"page{n}.md").write_text(f"# Service {n}\n\nService number {n} costs {n * 7} euros.")
    (docs / "shot.md").write_text("# Flu shot\n\nThe flu shot costs 45 euros.")
    (docs / "gone.txt").write_text("Dr. Holt treats children.")
    assert set(statuses(ragft(home, "index", str(docs), "--no-demo")).values()) == {"added"}
    (docs / "shot.md").write_text("# Flu shot\n\nThe flu shot costs 99 euros.")
    (docs / "gone.txt").unlink()
    (docs / "new.pdf").write_bytes(files.pdf("An eye test takes ten minutes."))
    report = ragft(home, "index", str(docs), "--no-demo")
    changed = {name: status for name, status in statuses(report).items() if status != "unchanged"}
    assert changed == {"shot.md": "updated", "gone.txt": "removed", "new.pdf": "added"}
    assert (report["chunks"], report["embedded"]) == (2, 2)
    print(f"refreshed in {report['seconds']:.2f} s")
    assert report["seconds"] < 15
    found = ragft(home, "search", "What does the flu shot cost?", "-k", "1", "--no-demo")["passages"][0]
    assert "99 euros" in found["text"]
    (found,) = ragft(home, "search", "How long is an eye test?", "-k", "1", "--no-demo")["passages"]
    assert (found["source"], found["page"]) == ("new.pdf", 1)
    assert not [d for d in ragft(home, "documents", "--no-demo")["documents"] if d["source"] == "gone.txt"]
    assert ragft(home, "forget", "new.pdf", "shot.md", "--no-demo") == {"forgotten": 2}
    assert sorted(ragft(home, "forget", "--undo", "--no-demo")["restored"]) == ["new.pdf", "shot.md"]


def test_ctrl_c_ends_an_indexing_job_cleanly(ragft: Callable[..., Any], closed: Any, tmp_path: Path) -> None:
    home, docs = closed.folder / "interrupted-home", tmp_path / "docs"
    docs.mkdir()
    for n in range(40):
        (docs / f"page{n:02}.txt").write_text("\n\n".join(f"Line {n}x{m} {'tells of word ' * 40}" for m in range(20)))
    command = ragft_words(home, "index", str(docs), "--no-demo")
    child = subprocess.Popen(command, env=closed.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while time.monotonic() < until and not (home / "ragft.sqlite").is_file():
        time.sleep(0.1)
    time.sleep(8)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 130, err
    assert "Stopped; what was finished is kept." in out and "Traceback" not in err
