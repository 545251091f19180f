"""The database keeps what it acknowledged, whatever happens to the process and the disk."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragft_core.errors import HomeError
from ragft_core.store import SCHEMA, Store
from ragft_core.types import Answer, Comparison, Passage

ROOT = Path(__file__).parents[1]
CHILD = """
import resource, sys
from ragft_core.store import Store
from ragft_core.types import Answer, Comparison
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
store = Store(sys.argv[1])
number = store.value("SELECT count(*) FROM comparisons")
print("open", flush=True)
while True:
    answers = (Answer("rag", "x" * 500, "done"),)
    store.save_comparison(Comparison(f"c{number}", "q" * 500, answers, created=f"{number:09}"))
    print(f"c{number}", flush=True)
    number += 1
"""


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "ragft.sqlite")
    yield store
    store.close()


def asked(number: int, question: str = "Why?") -> Comparison:
    passage = Passage("p1", "The sky is blue.", "sky.md", 0.5, "Sky", 3, {"dense": 0.5})
    answers = (
        Answer("rag", "Because [1].", "done", (passage,), (1,), prompt="p", seconds=1.5),
        Answer("base", error="no"),
    )
    return Comparison(f"c{number}", question, answers, {"seed": 0}, None, 0.25, f"2026-01-01T00:00:{number:02}")


def test_a_comparison_comes_back_as_it_was(store: Store) -> None:
    store.save_comparison(asked(1))
    assert store.comparison("c1") == asked(1)
    assert store.comparison("c2") is None
    assert store.comparison("\ud800") is None


def test_saving_again_replaces(store: Store) -> None:
    store.save_comparison(asked(1, "first"))
    store.save_comparison(asked(1, "second"))
    assert [c.question for c in store.comparisons(10)] == ["second"]


def test_comparisons_come_newest_first(store: Store) -> None:
    for number in (2, 1, 3):
        store.save_comparison(asked(number))
    assert [c.id for c in store.comparisons(10)] == ["c3", "c2", "c1"]
    assert [c.id for c in store.comparisons(2)] == ["c3", "c2"]
    assert store.comparisons(0) == store.comparisons(-1) == []
    assert len(store.comparisons(10**30)) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(text=st.text(st.characters()))
def test_any_text_can_be_kept(store: Store, text: str) -> None:
    store.save_comparison(asked(1, text))
    assert store.comparison("c1") == asked(1, text)


def test_facts_are_remembered(store: Store) -> None:
    assert store.fact("demo") is None
    store.set_fact("demo", "installed")
    store.set_fact("demo", "refused")
    assert store.fact("demo") == "refused"


def test_an_empty_store_counts_nothing(store: Store) -> None:
    assert (store.count_documents(), store.count_chunks(), store.documents()) == (0, 0, [])


def test_what_was_saved_is_there_after_closing(store: Store) -> None:
    store.save_comparison(asked(1))
    store.close()
    store.close()
    again = Store(store.path)
    assert again.comparison("c1") == asked(1)
    again.close()


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(HomeError, match="was closed"):
        store.fact("demo")
    with pytest.raises(HomeError, match="was closed"):
        store.set_fact("demo", "x")


def test_a_transaction_is_kept_whole_or_not_at_all(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing() as db:
        db.execute("INSERT INTO facts VALUES ('a', '1')")
        raise RuntimeError
    assert store.fact("a") is None
    store.set_fact("a", "2")
    assert store.fact("a") == "2"


def test_wrong_data_is_a_fault_of_the_program(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.writing() as db:
        db.execute("INSERT INTO facts VALUES ('a', NULL)")


def test_many_threads_write_and_read(store: Store) -> None:
    failed: list[Exception] = []

    def work(name: int) -> None:
        try:
            for n in range(25):
                store.save_comparison(asked(name * 100 + n))
                assert store.comparison(f"c{name * 100 + n}")
        except Exception as error:  # noqa: BLE001 - a thread's error is shown by the test
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(store.comparisons(1000)) == 200
    assert store.value("PRAGMA integrity_check") == "ok"


def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    store.set_fact("a", "old")
    with store.writing() as db:
        db.execute("UPDATE facts SET value = 'new'")
        seen: list[str | None] = []
        reader = threading.Thread(target=lambda: seen.append(store.fact("a")))
        reader.start()
        reader.join(5)
        assert seen == ["old"]
    assert store.fact("a") == "new"


def test_the_settings_that_survive_a_power_cut(store: Store) -> None:
    with store.writing() as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_newer_database_is_refused(store: Store) -> None:
    store.close()
    db = sqlite3.connect(store.path)
    db.execute(f"PRAGMA user_version = {len(SCHEMA) + 1}")
    db.close()
    with pytest.raises(HomeError, match="newer RAGFT"):
        Store(store.path)


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ragft.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE songs (title TEXT)")
    db.commit()
    db.close()
    with pytest.raises(HomeError, match="another program"):
        Store(path)


def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ragft.sqlite"
    path.write_bytes(b"a letter to a friend " * 200)
    with pytest.raises(HomeError, match="is not a database"):
        Store(path)
    assert path.read_bytes().startswith(b"a letter")


def test_a_damaged_database_names_its_folder(store: Store) -> None:
    for n in range(200):
        store.save_comparison(asked(n))
    store.close()
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (store.path.stat().st_size - 4096))
    with pytest.raises(HomeError, match=str(store.path.parent)):
        Store(store.path).comparisons(1000)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="nowhere"):
        Store(tmp_path / "nowhere" / "ragft.sqlite")


def writer(path: Path, largest: int = 2**31) -> subprocess.Popen:
    command = [sys.executable, "-c", CHILD, str(path), str(largest)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_what_a_killed_process_acknowledged_is_there(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "ragft.sqlite", set()
    for trial in range(3):
        child = writer(path)
        assert child.stdout
        assert child.stdout.readline() == "open\n"
        time.sleep(0.1 + trial / 10)
        os.kill(child.pid, signal.SIGKILL)
        acknowledged |= {line.strip() for line in child.communicate()[0].splitlines()}
    store = Store(path)
    there = {c.id for c in store.comparisons(10**9)}
    assert acknowledged
    assert acknowledged <= there
    assert store.value("PRAGMA integrity_check") == "ok"
    store.close()


def test_a_full_disk_is_a_sentence_and_destroys_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ragft.sqlite"
    child = writer(path, largest=300_000)
    out, error = child.communicate(timeout=60)
    acknowledged = set(out.split()[1:])
    assert "HomeError" in error
    assert str(tmp_path) in error.splitlines()[-1]
    store = Store(path)
    assert acknowledged
    assert acknowledged <= {c.id for c in store.comparisons(10**9)}
    store.set_fact("after", "works")
    assert store.value("PRAGMA integrity_check") == "ok"
    store.close()
