"""The keyword index: BM25 as bm25s has it, from words that are counted once and kept in the database."""

import threading
from collections.abc import Iterator
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragft_core.retrieval.counted import RECIPE
from ragft_core.retrieval.keyword import Keyword, Stems
from ragft_core.store import SCHEMA
from ragft_core.types import Progress

from .test_retrieval import Desk

corpora = st.lists(st.lists(st.sampled_from("flu shot cost room doctor opens".split()), max_size=9), min_size=1)


@given(corpora, st.lists(st.sampled_from("flu shot cost room doctor opens nothing".split()), max_size=4))
def test_scores_are_those_of_bm25s(corpus: list[list[str]], question: list[str]) -> None:
    texts = {f"{n:03}": " ".join(line) for n, line in enumerate(corpus)}
    stems = [Stems()(text) for text in texts.values()]
    found = Keyword.of(texts).best(" ".join(question), 99)
    if not any(stems):
        assert found == {}
        return
    oracle = bm25s.BM25(method="lucene")
    oracle.index(stems, show_progress=False)
    known = [word for word in Stems()(" ".join(question)) if word in oracle.vocab_dict]
    scores = oracle.get_scores(known) if known else np.zeros(len(texts))
    assert found == {key: pytest.approx(score, rel=1e-4) for key, score in zip(texts, scores, strict=True) if score > 0}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.write(shot="# Flu shot\nThe flu shot costs 23 euros.", hours="# Hours\nWe open at eight.")
    (desk.docs / "plain-talk.txt").write_text("Nothing but words.")
    desk.add()
    yield desk
    desk.close()


def kept(desk: Desk) -> dict[str, str]:
    return dict(desk.store.rows("SELECT chunk, stems FROM words"))


def sources(desk: Desk, question: str) -> list[str]:
    return [passage.source for passage in desk.index.search(question, 9, "keyword")]


def test_words_are_counted_once_and_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(kept(desk)) == set(desk.index._shelf.ids())
    assert "flu shot the flu shot cost 23 euro" in kept(desk).values()
    desk.close()
    monkeypatch.setattr("ragft_core.retrieval.counted.Counted.count", lambda *_: pytest.fail("counted again"))
    desk.open()
    assert sources(desk, "cost") == ["shot.md"]


def test_a_title_is_found_where_a_chunk_has_no_heading(desk: Desk) -> None:
    assert sources(desk, "talk") == ["plain-talk.txt"]
    (desk.docs / "plain-talk.txt").rename(desk.docs / "other-name.txt")  # same text, same chunk, another title
    desk.add()
    assert (sources(desk, "talk"), sources(desk, "name")) == ([], ["other-name.txt"])


def test_what_is_forgotten_leaves_no_words(desk: Desk) -> None:
    desk.index.forget(["shot.md"])
    assert sources(desk, "flu") == []
    assert not [stems for stems in kept(desk).values() if "flu" in stems]
    assert desk.index.undo_forget() == ["shot.md"]
    assert sources(desk, "flu") == ["shot.md"]
    assert set(kept(desk)) == set(desk.index._shelf.ids())


def test_an_older_home_gets_its_words_at_the_first_opening(desk: Desk) -> None:
    """As schema 1 left it: no such table. Nothing is lost, and how far it is shows."""
    before = desk.store.rows("SELECT id, text FROM chunks ORDER BY id")
    with desk.store.writing() as db:
        db.execute("DROP TABLE words")
        db.execute("ALTER TABLE documents DROP COLUMN collection")
        db.execute("DELETE FROM facts WHERE name = ?", (RECIPE,))
        db.execute("PRAGMA user_version = 1")
    desk.close()
    assert len(SCHEMA) > 1
    desk.open()
    assert desk.store.rows("SELECT id, text FROM chunks ORDER BY id") == before
    told: list[Progress] = []
    desk.index._count(told.append)
    assert told[0].message == "Counting the words of 0 of 3 passages"
    assert sources(desk, "cost") == ["shot.md"]


def test_other_rules_count_again(desk: Desk) -> None:
    desk.store.set_fact(RECIPE, "older")
    with desk.store.writing() as db:
        db.execute("UPDATE words SET stems = 'nonsense'")
    desk.again()
    assert sources(desk, "cost") == ["shot.md"]
    assert "nonsense" not in kept(desk).values()


def test_a_search_does_not_wait_for_a_count_while_documents_come_in(desk: Desk) -> None:
    """It takes the words as they were a moment ago."""
    index = desk.index
    index.search("flu", 1)
    old, free, taken = index._words(), threading.Event(), threading.Event()

    def hold() -> None:
        with index._counting:
            taken.set()
            free.wait(10)

    with index._alone():
        index._version, index._rest_until = index._version + 1, 0.0
        other = threading.Thread(target=hold)
        other.start()
        taken.wait(10)
        assert index._words() is old
        free.set()
        other.join()
        assert index._words() is not old
