"""The index says how it is, is made anew on request, and a passage is edited in place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragft_core.errors import DocumentError, NotFoundError

from .test_retrieval import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.write(shot="# Flu shot\nThe flu shot costs 23 euros.", hours="# Hours\n## Week\nAt eight.\n## Sunday\nClosed.")
    desk.add()
    yield desk
    desk.close()


def test_health_counts_and_remembers_the_last_check(desk: Desk) -> None:
    state = desk.index.health()
    assert (state.documents, state.passages, state.vectors, state.embedding) == (2, 3, 3, "words")
    assert state.checked is None and not state.files_read
    checked = desk.index.check(desk.home / "uploads")
    assert checked.checked is not None and checked.checked.sound and checked.checked.asked == 3
    assert checked.files_read and checked.stale == ()
    assert desk.again().health().checked == checked.checked


def test_what_is_missing_in_chroma_is_seen_and_made_anew(desk: Desk) -> None:
    key = desk.index.pieces("shot.md")[0].id
    desk.index._dense._sound().remove([key])
    state = desk.index.check(desk.home / "uploads")
    assert state.checked is not None and state.checked.missing == 1 and not state.checked.sound and state.vectors == 2
    assert desk.index.rebuild() > 0
    state = desk.index.health()
    assert state.vectors == 3 and state.checked is not None and state.checked.sound
    assert "made anew" in desk.index.notices[-1]
    assert desk.index.search("flu shot", 1, "dense")[0].id == key


def test_stale_files_are_named(desk: Desk) -> None:
    desk.write(shot="# Flu shot\nThe flu shot costs 30 euros.")
    (desk.docs / "hours.md").unlink()
    stale = {one.source: one.why for one in desk.index.check(desk.home / "uploads").stale}
    assert stale == {"shot.md": "changed", "hours.md": "gone"}
    assert desk.index.check(desk.docs).stale == ()  # what was dropped on the page is not kept, so it cannot go stale


def test_documents_cut_by_other_settings_are_stale(desk: Desk) -> None:
    desk.settings = desk.settings.model_copy(update={"chunk_size": 60})
    desk.again()
    assert {one.why for one in desk.index.check(desk.home / "uploads").stale} == {"cut otherwise"}


def test_an_edited_fact_is_found_and_the_old_one_is_not(desk: Desk) -> None:
    (piece,) = desk.index.pieces("shot.md")
    seconds = desk.index.edit("shot.md", piece.id, " The flu shot costs 31 euros. ")
    assert 0 < seconds < 10
    best = desk.index.search("What does the flu shot cost?", 1)[0]
    assert (best.text, best.title, best.source) == ("The flu shot costs 31 euros.", "Flu shot", "shot.md")
    assert desk.index.search("23", 3, "keyword") == []
    assert desk.collection() == set(desk.index._shelf.ids()) and piece.id not in desk.collection()


def test_an_edit_stays_until_the_file_itself_changes(desk: Desk) -> None:
    (piece,) = desk.index.pieces("shot.md")
    desk.index.edit("shot.md", piece.id, "The flu shot costs 31 euros.")
    assert desk.add()["shot.md"] == "unchanged"
    assert desk.index.pieces("shot.md")[0].text.endswith("31 euros.")
    desk.write(shot="# Flu shot\nThe flu shot costs 40 euros.")
    assert desk.add()["shot.md"] == "updated"
    assert desk.index.pieces("shot.md")[0].text.endswith("40 euros.")


def test_the_other_passages_stay_in_their_places(desk: Desk) -> None:
    week, sunday = desk.index.pieces("hours.md")
    desk.index.edit("hours.md", week.id, "We open at nine. " + "On some days we open a little later than that. " * 8)
    pieces = desk.index.pieces("hours.md")
    assert len(pieces) > 2 and pieces[-1].id == sunday.id
    assert {piece.heading for piece in pieces[:-1]} == {"Hours: Week"}
    assert [piece.position for piece in pieces] == list(range(len(pieces)))


def test_the_same_text_in_another_document_stays(desk: Desk) -> None:
    desk.write(copy="# Flu shot\nThe flu shot costs 23 euros.")
    desk.add()
    (piece,) = desk.index.pieces("shot.md")
    desk.index.edit("shot.md", piece.id, "It costs 31 euros.")
    assert desk.index.pieces("copy.md")[0].text == "The flu shot costs 23 euros."
    assert {p.text for p in desk.index.search("euros", 5, "keyword")} == {
        "It costs 31 euros.",
        "The flu shot costs 23 euros.",
    }


def test_edits_that_make_no_sense_are_refused(desk: Desk) -> None:
    (piece,) = desk.index.pieces("shot.md")
    with pytest.raises(DocumentError, match="cannot be empty"):
        desk.index.edit("shot.md", piece.id, " \n ")
    with pytest.raises(DocumentError, match="changed since"):
        desk.index.edit("shot.md", "0" * 32, "text")
    with pytest.raises(NotFoundError, match="no document"):
        desk.index.edit("no.md", piece.id, "text")
    assert desk.index.pieces("shot.md") == [piece]
