"""Collections: sets of documents, each searched by itself, from the database up to the page and the command line."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from ragft_core import Settings
from ragft_core.cli import parser
from ragft_core.errors import NotFoundError, QuestionError, SettingsError
from ragft_core.request import checked_request, checked_search
from ragft_core.searches import Search
from ragft_core.store import Store
from ragft_core.types import IndexReport
from ragft_ui import render_documents
from ragft_ui.probe import Probe
from ragft_ui.run_settings import NAMES, RunSettings, wishes

from .test_retrieval import Desk, statuses


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.write(shot="# Flu shot\nThe flu shot costs 23 euros.", hours="# Hours\nWe open at eight.")
    desk.add()
    law(desk, shot="# Flu shot\nThe flu shot is free by law.", hours="# Hours\nWe open at eight.")
    yield desk
    desk.close()


def law(desk: Desk, **pages: str) -> IndexReport:
    """Index pages of a folder of laws into a collection of their own."""
    folder = desk.docs.parent / "laws"
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text)
    return desk.index.add([folder], collection="laws")


def found(desk: Desk, collection: str, mode: str = "hybrid", **more: Any) -> list[tuple[str, str]]:
    trace = desk.index.trace("What does the flu shot cost? When do you open?", Search(9, mode, (), (), collection))
    return sorted((p.source, p.text) for p in trace.passages)


def test_each_is_searched_by_itself_in_every_way(desk: Desk) -> None:
    for mode in ("hybrid", "dense", "keyword"):
        assert found(desk, "laws", mode) == [
            ("laws/hours.md", "We open at eight."),
            ("laws/shot.md", "The flu shot is free by law."),
        ]
        assert found(desk, "default", mode) == [
            ("hours.md", "We open at eight."),  # the same chunk, shown where this collection has it
            ("shot.md", "The flu shot costs 23 euros."),
        ]
    assert desk.index.search("flu shot", 1)[0].source == "shot.md"
    assert desk.store.collections() == {"default": 2, "laws": 2}


def test_what_it_looked_in_is_said_and_kept(desk: Desk) -> None:
    trace = desk.index.trace("flu shot", Search(3, "hybrid", (), ("source=laws/s*",), "laws"))
    assert [stage.note for stage in trace.stages[:2]] == [
        "2 of 3 passages are in the collection laws.",
        "1 of these 2 passages fulfil source=laws/s*.",
    ]
    assert [p.source for p in trace.passages] == ["laws/shot.md"]
    assert Search(3, collection="laws").describe()["collection"] == "laws"
    desk.index.forget(["shot.md", "hours.md"])
    assert found(desk, "laws")[1][1] == "The flu shot is free by law."
    empty = desk.index.trace("flu", Search(3))
    assert not empty.passages
    assert "The collection default has no documents yet" in empty.low_evidence


def test_one_collection_alone_costs_no_step(desk: Desk) -> None:
    desk.index.forget(["laws/shot.md", "laws/hours.md"])
    trace = desk.index.trace("flu shot", Search(3))
    assert [stage.name for stage in trace.stages] == ["dense", "keyword", "fused"]


def test_an_unknown_one_is_a_sentence_with_those_there_are(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match=r"no collection 'lwas'; there are: default, laws\."):
        desk.index.trace("flu", Search(3, collection="lwas"))


def test_a_large_collection_is_searched_until_there_is_enough(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the nearest of all only some are in it; it is asked for more until there are enough, or there are no more."""
    monkeypatch.setattr("ragft_core.retrieval.pipeline.EXACT", 0)
    monkeypatch.setattr("ragft_core.retrieval.pipeline.POOL", 1)
    for n in range(300):
        desk.write(**{f"far{n}": f"# Flu shot\nThe flu shot costs {n} euros here."})
    desk.add()
    trace = desk.index.trace("flu shot costs", Search(1, "dense", (), (), "laws"))
    assert [p.source for p in trace.passages] == ["laws/shot.md"]


# -------------------------------------------------------------------- where documents go


def test_a_refresh_leaves_documents_where_they_are_and_new_ones_join_their_folder(desk: Desk) -> None:
    folder = desk.docs.parent / "laws"
    (folder / "shot.md").write_text("# Flu shot\nThe flu shot is free again.")
    (folder / "new.md").write_text("# New\nA new law.")
    report = desk.index.add([folder])
    assert statuses(report) == {"shot.md": "updated", "hours.md": "unchanged", "new.md": "added"}
    kept = {document.source: document.collection for document in desk.store.documents()}
    assert {source for source, name in kept.items() if name == "laws"} == {"laws/shot.md", "laws/hours.md", "new.md"}


def test_documents_move_without_being_embedded_again(desk: Desk) -> None:
    desk.embed = lambda texts: pytest.fail("embedded again")
    report = desk.index.add([desk.docs], collection="clinic")
    assert {row.reason for row in report.files} == {"Moved from the collection default to clinic."}
    assert desk.store.collections() == {"default": 0, "clinic": 2, "laws": 2}


def test_new_ones_go_to_the_collection_of_the_settings(desk: Desk) -> None:
    desk.settings = desk.settings.model_copy(update={"collection": "laws"})
    desk.again()
    desk.write(other="# Other\nOther words.")
    desk.index.add([desk.docs / "other.md"])
    assert desk.store.collections() == {"default": 2, "laws": 3}
    assert desk.index.search("flu shot", 1)[0].source == "laws/shot.md"


def test_what_is_edited_or_forgotten_by_mistake_stays_in_its_collection(desk: Desk) -> None:
    piece = desk.index.pieces("laws/shot.md")[0]
    desk.index.edit("laws/shot.md", piece.id, "The flu shot costs 1 euro by law.")
    desk.index.forget(["laws/shot.md"])
    assert desk.index.undo_forget() == ["laws/shot.md"]
    assert found(desk, "laws")[1] == ("laws/shot.md", "The flu shot costs 1 euro by law.")


def test_an_older_home_has_all_its_documents_in_the_default_one(desk: Desk) -> None:
    """As schema 2 left it: no such column. Nothing is lost, and searches find what they found."""
    with desk.store.writing() as db:
        db.execute("ALTER TABLE documents DROP COLUMN collection")
        db.execute("PRAGMA user_version = 2")
    before = desk.store.rows("SELECT * FROM documents ORDER BY id")
    desk.close()
    with_it = Store(desk.home / "ragft.sqlite")
    assert with_it.rows("SELECT * FROM documents ORDER BY id") == [(*row, "default") for row in before]
    with_it.close()
    desk.open()
    assert desk.index.search("flu shot free law", 1)[0].source == "laws/shot.md"


# -------------------------------------------------------------------- faces


@pytest.mark.parametrize("name", ["", "a/b", "<b>", "x" * 61, "-a", "a\nb", 3])
def test_names_that_cannot_be(name: Any) -> None:
    with pytest.raises(QuestionError, match="cannot be used: a collection's name has letters"):
        checked_search(Settings(), collection=name or " ")
    if isinstance(name, str):
        with pytest.raises(SettingsError, match="a collection's name has letters"):
            Settings.load(collection=name)


def test_a_request_carries_it() -> None:
    request = checked_request(Settings(), "Why?", collection="laws", where=["page=1"])
    assert (request.search.collection, request.search.where) == ("laws", ("page=1",))
    assert checked_request(Settings(collection="x"), "Why?").search.collection == "x"


@pytest.mark.parametrize("words", [["index", "a.md"], ["search", "x"], ["ask", "x"]])
def test_every_command_takes_it(words: list[str]) -> None:
    assert parser().parse_args([*words, "--collection", "laws"]).collection == "laws"
    assert parser().parse_args(words).collection is None


def page(desk: Desk) -> SimpleNamespace:
    def trace(question: str, k: int, mode: str | None, *more: Any) -> Any:
        return desk.index.trace(question, checked_search(desk.settings, k, mode, *more))

    names = list(desk.store.collections())
    return SimpleNamespace(settings=desk.settings, trace=trace, collections=lambda: names, adapters=list)


def test_the_page_offers_it_where_passages_are_searched(desk: Desk) -> None:
    with gr.Blocks():
        probe, settings = Probe(page(desk)), RunSettings(page(desk))
    assert "free by law" in probe.search("flu shot", 2, ["dense"], "", "laws")
    assert "free by law" not in probe.search("flu shot", 2, ["dense"], "", None)
    assert "no collection" in probe.search("flu shot", 2, ["dense"], "", "gone")
    assert probe.list_collections().choices == [("default", "default"), ("laws", "laws")]
    assert settings.list_collections("laws").value == "laws"
    assert settings.list_collections("gone").value == "default"
    assert len(settings.fields) == len(NAMES) == len(settings.defaults())
    kept = [*settings.defaults().values()]
    kept[NAMES.index("collection")], kept[NAMES.index("where")] = "laws", "source=a*; page=2"
    restored = dict(zip(NAMES, settings.restored(kept), strict=True))
    assert (restored["collection"].value, restored["where"]) == ("laws", "source=a*; page=2")
    assert wishes(tuple(kept))["where"] == ["source=a*", "page=2"]


def test_the_list_names_collections_where_there_are_several(desk: Desk) -> None:
    html = render_documents.table(desk.store.documents())
    assert "laws/shot.md &middot; laws</span>" in html
    assert "&middot;" not in render_documents.table(desk.store.documents()[:1])
