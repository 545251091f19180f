"""No acknowledged rating is lost when the process is killed, however often and whenever.

Ten kills by default; fifty with `RAGFT_KILLS=50 python -m pytest tests/slow/test_ratings_crash.py`.
"""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ragft_core.ratings import Ratings
from ragft_core.store import Store
from ragft_core.types import Answer, Comparison

pytestmark = pytest.mark.slow
THREADS, EACH = 8, 125
ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("RAGFT_KILLS", "10"))

CHILD = f"""
import os, sys, threading
from ragft_core.ratings import Ratings, Vote
from ragft_core.store import Store

database, acks, study = sys.argv[1:]
desk = Ratings(Store(database))
log, lock = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND), threading.Lock()

def rate(rater):
    for place in range({EACH}):
        choice = "AB"[(place + int(rater)) % 2]
        desk.vote(study, rater, place, Vote(choice, seconds=1.0), f"click-{{place:05}}")
        with lock:
            os.write(log, f"{{rater}} {{place}} {{choice}}\\n".encode())
            os.fsync(log)

threads = [threading.Thread(target=rate, args=(str(n),)) for n in range({THREADS})]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def comparison(n: int) -> Comparison:
    return Comparison(f"c{n}", f"Question {n}", tuple(Answer(arm, f"text {n}", "done") for arm in ("rag", "tuned")))


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 10**9, 2 * 10**9))


def run(database: Path, acks: Path, study: str, kill_at: int | None) -> None:
    """Rate in a child process; kill it when it has acknowledged `kill_at` ratings, or let it end."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(database), str(acks), study], cwd=ROOT, preexec_fn=limited
    )
    while kill_at is not None and child.poll() is None:
        if acks.exists() and acks.read_bytes().count(b"\n") >= kill_at:
            child.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    assert child.wait(300) in (0, -signal.SIGKILL)


def check(database: Path, acks: Path, study: str) -> int:
    """A fresh connection finds every acknowledged rating, no double, a sound file; returns how many are there."""
    lines = [line.split() for line in acks.read_text().splitlines()] if acks.exists() else []
    acknowledged = {(rater, int(place)): choice for rater, place, choice in lines}
    db = sqlite3.connect(database)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    store = Store(database)
    ratings = Ratings(store).ledger.ratings(study)
    versions = len(Ratings(store).ledger.history(study))
    store.close()
    present = {(rating.rater, rating.place): rating.choice for rating in ratings}
    assert len(present) == len(ratings) == versions, "one version of one rating each, though every run clicks again"
    missing = acknowledged.items() - present.items()
    assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged ratings are lost"
    return len(present)


def start(folder: Path) -> tuple[Path, str]:
    store = Store(folder / "ragft.sqlite")
    desk = Ratings(store)
    study, _ = desk.create("t", [comparison(n) for n in range(EACH)])
    for rater in range(THREADS):
        desk.join(study.id, str(rater))
    store.close()
    return folder / "ragft.sqlite", study.id


@pytest.mark.timeout(3600)
def test_killed_at_random_moments_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Every child starts from the beginning with the same keys, so it also retries what the killed ones had done."""
    chance = random.Random(7)
    total = acknowledged = 0
    for n in range(KILLS):
        folder = tmp_path / str(n)
        folder.mkdir()
        database, study = start(folder)
        acks = folder / "acks"
        run(database, acks, study, chance.randint(1, THREADS * EACH - 1))
        acknowledged += acks.read_bytes().count(b"\n")
        total += check(database, acks, study)
    print(f"\n{KILLS} kills: {acknowledged} acknowledged, {total} present, 0 lost")
    assert total >= acknowledged


@pytest.mark.timeout(1200)
def test_killed_again_and_again_on_one_file_all_1000_arrive_once(tmp_path: Path) -> None:
    database, study = start(tmp_path)
    for kill_at in (50, 400, 900, 1500):
        run(database, tmp_path / "acks", study, kill_at)
        check(database, tmp_path / "acks", study)
    run(database, tmp_path / "acks", study, None)
    assert check(database, tmp_path / "acks", study) == THREADS * EACH
