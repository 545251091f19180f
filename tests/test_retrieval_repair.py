"""The Chroma folder may be deleted or damaged in any way: it is made again from the database, nothing is lost."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragft_core.errors import HomeError
from ragft_core.retrieval import Index, check
from ragft_core.retrieval.collection import FAR, Broken, Collection
from ragft_core.retrieval.dense import SEAL, seal
from ragft_core.retrieval.shelf import Change, Shelf
from ragft_core.store import Store
from ragft_core.types import Progress

from .test_retrieval import Desk, words


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    for n in range(30):
        desk.write(**{f"page{n}": f"# Page {n}\nThis page tells of topic{n} and of other things."})
    desk.add()
    yield desk
    desk.close()


def whole(desk: Desk) -> bool:
    """Every chunk is in Chroma, finds itself, and comes up for its own words."""
    finding = check.inspect(desk.index._dense._sound(), desk.index._shelf)
    assert finding == check.Finding(asked=30)
    return all(desk.index.search(f"topic{n}", 1)[0].source == f"page{n}.md" for n in range(0, 30, 7))


def folder(desk: Desk) -> Path:
    (place,) = (desk.home / "index").iterdir()
    return place


def files(desk: Desk, pattern: str) -> list[Path]:
    return [path for path in folder(desk).rglob(pattern) if path.is_file()]


def test_a_folder_as_we_closed_it_needs_no_child(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragft_core.retrieval.dense.in_child", lambda *_: pytest.fail("no child was needed"))
    assert desk.again().notices == ()
    assert desk.again().notices == ()
    assert whole(desk)


@pytest.mark.parametrize("when", ["closed", "open"])
def test_a_deleted_folder_is_made_again(desk: Desk, when: str) -> None:
    if when == "closed":
        desk.close()
    shutil.rmtree(desk.home / "index")
    if when == "open":
        desk.close()
    (notice,) = desk.open().notices
    assert notice == "The index was missing. It was made again from the database: 30 passages, nothing lost."
    assert whole(desk)
    assert desk.again().notices == ()


def test_an_interrupted_change_is_completed(desk: Desk) -> None:
    shelf = desk.index._shelf
    first, *others = shelf.ids()
    desk.index._dense.apply(Change(gone=(first,)))  # the database has it, Chroma does not
    chunk = desk.store.rows("SELECT id FROM documents WHERE source = 'page29.md'")
    assert chunk
    shelf.remove([path for source, path in shelf.paths_of(["page29.md"]).items()])  # the other way round
    (notice,) = desk.again().notices
    assert notice == "The last change of the documents was interrupted; it was completed for 2 passages."
    assert desk.collection() == set(desk.index._shelf.ids())
    assert len(others) == 29


def test_what_a_killed_making_left_behind_is_removed(desk: Desk) -> None:
    place = desk.home / "index" / "chroma-half"
    place.mkdir()
    (place / "chroma.sqlite3").write_bytes(b"half")
    desk.again()
    assert not place.exists()
    assert whole(desk)


@pytest.mark.parametrize("failing", ["nearest", "put", "remove", "lost", "count"])
def test_a_collection_that_fails_while_running_is_made_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    broken = desk.index._dense._sound()

    def fail(*_: object) -> None:
        raise Broken("hnsw segment reader: nothing found on disk")

    monkeypatch.setattr(broken, failing, fail)
    if failing in ("put", "lost", "count"):
        desk.write(page30="# Page 30\nNew.")
        desk.add()
        desk.index.forget(["page30.md"])
    elif failing == "remove":
        desk.write(page0="# Page 0\nThis page tells of topic0 and of nothing else.")
        desk.add()
    assert whole(desk)
    (notice,) = desk.index.notices
    assert "made again from the database" in notice
    assert "nothing found on disk" in notice
    assert desk.index._dense._sound() is not broken


def test_vectors_that_do_not_find_themselves_are_noticed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The silent damage: no error, the count is right, but passages cannot be found."""
    desk.close()
    monkeypatch.setattr(Collection, "lost", lambda self, vectors, far=0: list(vectors)[:3] if not made else [])
    made: list[bool] = []
    start = Collection.__init__

    def counted(self: Collection, place: Path, *, new: bool = False) -> None:
        made.extend([True] * new)
        start(self, place, new=new)

    monkeypatch.setattr(Collection, "__init__", counted)
    (notice,) = desk.open().notices
    assert "was damaged: 3 of 30 passages could not be found" in notice
    monkeypatch.undo()
    assert whole(desk)


def test_a_chunk_without_a_path_in_the_graph_is_found_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As happens in truth among many near-twins; it is no damage, so there is no notice."""
    key = desk.index._shelf.ids()[5]
    nearest, lost = Collection.nearest, Collection.lost
    monkeypatch.setattr(Collection, "nearest", lambda *all: {k: v for k, v in nearest(*all).items() if k != key})
    monkeypatch.setattr(
        Collection, "lost", lambda self, vectors, far=0: [*lost(self, vectors), *({key} & set(vectors))]
    )
    again = desk.again()
    assert again.notices == ()
    page = again._shelf.passages([key])[key]
    assert again.search(page.text, 1, "dense")[0].id == key
    assert again.search(page.text, 1)[0].id == key
    assert len(again.search(page.text, 5, "dense")) == 5
    assert [p.id for p in desk.again().search(page.text, 1, "dense")] == [key]
    desk.index.forget([page.source])
    assert desk.index._dense._astray == {}
    desk.index.search(page.text, 5)


def test_an_older_chunk_that_lost_its_path_to_newer_ones_is_found_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = desk.index._shelf.ids()[5]
    page = desk.index._shelf.passages([key])[key]
    nearest, lost = Collection.nearest, Collection.lost
    monkeypatch.setattr(Collection, "nearest", lambda *all: {k: v for k, v in nearest(*all).items() if k != key})
    monkeypatch.setattr(
        Collection, "lost", lambda self, vectors, far=0: [*lost(self, vectors), *({key} & set(vectors))]
    )
    desk.write(page30="# Page 30\nNew.")
    desk.add()
    assert desk.index.notices == ()
    assert desk.index.search(page.text, 1, "dense")[0].id == key
    assert desk.index._dense.check() == check.Finding(asked=31)
    monkeypatch.undo()
    desk.write(page31="# Page 31\nNew too.")
    desk.add()
    assert desk.index._dense._astray == {}  # what has a path again needs no name


def test_many_that_a_search_misses_but_a_long_one_finds_are_no_damage(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graph's approximation: such chunks are known by name, and nothing is made again."""
    missed = desk.index._shelf.ids()[:5]
    monkeypatch.setattr(Collection, "lost", lambda self, vectors, far=0: [] if far == FAR else missed)
    again = desk.again()
    assert again.notices == ()
    assert sorted(again._dense._astray) == missed


def test_a_few_without_a_path_after_a_kill_are_no_damage(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chroma makes its graph again from its log, and the new one may leave others without a path."""
    key = desk.index._shelf.ids()[7]
    desk.close()
    desk.store = Store(desk.home / "ragft.sqlite")
    desk.store.set_fact(SEAL, "")
    desk.store.close()
    monkeypatch.setattr("ragft_core.retrieval.dense.in_child", lambda *_: (check.Finding(lost=(key,), asked=30), ""))
    assert desk.open().notices == ()


def test_a_rebuild_at_the_opening_tells_how_far_it_is(desk: Desk) -> None:
    desk.close()
    shutil.rmtree(desk.home / "index")
    told: list[Progress] = []
    store = Store(desk.home / "ragft.sqlite")
    again = Index(store, desk.home / "index", desk.settings, words, embed=desk.embed, progress=told.append)
    assert [step.message for step in told] == ["Making the index again, 0 of 30 passages"]
    again.rebuild()
    assert len(told) == 1  # later ones are told by who asked for them
    again.close()
    store.close()
    desk.open()


def test_a_folder_that_cannot_be_made_is_a_sentence(desk: Desk) -> None:
    desk.close()
    shutil.rmtree(desk.home / "index")
    (desk.home / "index").write_text("a file in the way")
    with pytest.raises(HomeError, match="cannot be made in"):
        desk.open()
    (desk.home / "index").unlink()
    desk.store.close()
    desk.open()
    assert whole(desk)


# -------------------------------------------------------------------- the child


def checked(desk: Desk) -> tuple[check.Finding | None, str]:
    return check.in_child(folder(desk), desk.home / "ragft.sqlite", desk.index._shelf.model)


def test_what_the_child_found_damaged_is_not_opened_here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have survived by luck: half an index file was seen to crash only the second process that opened it."""
    damaged, ids = folder(desk), tuple(desk.index._shelf.ids())
    desk.close()
    (damaged / "chroma.sqlite3").touch()
    opened: list[Path] = []

    def noted(place: Path, *given: object, **how: bool) -> Collection:
        opened.append(place)
        return Collection(place, *given, **how)  # type: ignore[arg-type]

    finding = check.Finding(lost=ids, asked=30, pathless=ids)
    monkeypatch.setattr("ragft_core.retrieval.dense.in_child", lambda *_: (finding, ""))
    monkeypatch.setattr("ragft_core.retrieval.dense.Collection", noted)
    (notice,) = desk.open().notices
    assert "30 of 30 passages could not be found" in notice and "nothing lost" in notice
    assert damaged not in opened and whole(desk)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed (SIGSEGV)"),
        ("import time; time.sleep(60)", "did not end within 1 seconds"),
        ("raise SystemExit('no such thing')", "no such thing"),
        ("print('[]')", "no word"),
    ],
)
def test_whatever_becomes_of_the_child_is_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    run = check.subprocess.run
    monkeypatch.setattr(check, "PATIENCE", 1 if "sleep" in code else 60)
    monkeypatch.setattr(check.subprocess, "run", lambda command, **more: run([command[0], "-c", code], **more))
    finding, fault = checked(desk)
    assert finding is None
    assert said in fault


def test_the_seal_changes_with_any_file(desk: Desk) -> None:
    desk.close()
    place = folder(desk)
    before = seal(place)
    assert json.loads(before)
    (place / "new").write_text("x")
    assert seal(place) != before
    assert seal(place / "ghost") == "[]"
    desk.open()


def test_llama_index_can_read_the_collection(desk: Desk) -> None:
    from llama_index.core.vector_stores.types import VectorStoreQuery
    from llama_index.vector_stores.chroma import ChromaVectorStore

    store = ChromaVectorStore(chroma_collection=desk.index._dense._sound()._chroma)
    key = desk.index._shelf.ids()[0]
    vector = desk.index._shelf.vectors([key])[key].tolist()
    found = store.query(VectorStoreQuery(query_embedding=vector, similarity_top_k=1))
    assert found.ids == [key]
    assert found.nodes and found.nodes[0].get_content() == Shelf.embedded(desk.index._shelf, [key])[key]
