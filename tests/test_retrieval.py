"""The index over a real Chroma collection, with vectors made of words instead of weights."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ragft_core import Settings
from ragft_core.errors import DocumentError, HomeError, ModelError, NotFoundError, QuestionError
from ragft_core.retrieval import Index
from ragft_core.store import Store
from ragft_core.types import IndexReport, Progress


def words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)


def embed(texts: Sequence[str]) -> list[list[float]]:
    """Texts that share words are near each other: every word is one of 256 directions."""
    rows = []
    for text in texts:
        row = [0.001] * 256
        for word in re.findall(r"\w+", text.casefold()):
            row[hashlib.sha256(word.encode()).digest()[0]] += 1.0
        rows.append(row)
    return rows


class Desk:
    """A store and an index in a folder, with documents beside them; `open` opens them again."""

    def __init__(self, folder: Path, **more: object) -> None:
        self.home, self.docs = folder / "home", folder / "docs"
        self.home.mkdir(exist_ok=True)
        self.docs.mkdir(exist_ok=True)
        self.embed: Callable = embed
        self.settings = Settings(home=self.home, chunk_size=40, chunk_overlap=0, embedding="words", **more)
        self.open()

    def open(self) -> Index:
        self.store = Store(self.home / "ragft.sqlite")
        self.index = Index(self.store, self.home / "index", self.settings, words, embed=lambda t: self.embed(t))
        return self.index

    def close(self) -> None:
        self.index.close()
        self.store.close()

    def again(self) -> Index:
        self.close()
        return self.open()

    def write(self, **pages: str) -> None:
        for name, text in pages.items():
            (self.docs / f"{name}.md").write_text(text, "utf-8")

    def add(self, progress: Callable[[Progress], None] = lambda _: None) -> dict[str, str]:
        return statuses(self.index.add([self.docs], progress))

    def collection(self) -> set[str]:
        return self.index._dense._sound().ids()


def statuses(report: IndexReport) -> dict[str, str]:
    return {Path(row.path).name: row.status for row in report.files}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.write(
        shot="# Flu shot\nThe flu shot costs 23 euros.",
        holt="# Dr. Holt\nDr. Holt sees patients in room 14.",
        hours="# Hours\n## Week\nWe open at eight.\n## Sunday\nWe are closed.",
    )
    yield desk
    desk.close()


def test_an_empty_index_finds_nothing(desk: Desk) -> None:
    assert desk.index.search("anything", 3) == []
    assert desk.index.size == 0
    assert desk.index.notices == ()


def test_the_right_passage_is_found_every_way(desk: Desk) -> None:
    desk.add()
    for mode in ("hybrid", "dense", "keyword"):
        best = desk.index.search("What does the flu shot cost?", 3, mode)[0]
        assert (best.source, best.title) == ("shot.md", "Flu shot")
        assert best.text == "The flu shot costs 23 euros."
        assert best.score == best.scores["fused" if mode == "hybrid" else mode]
    assert [p.title for p in desk.index.search("sunday", 1)] == ["Hours: Sunday"]


def test_scores_fall_and_every_stage_is_shown(desk: Desk) -> None:
    desk.add()
    found = desk.index.search("Is Dr. Holt in on Sunday?", 4)
    assert len(found) == 4
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    for passage in found:
        assert -1.001 <= passage.scores["dense"] <= 1.001
        assert passage.scores.get("keyword", 1) > 0
    assert set(desk.index.search("sunday", 1, "dense")[0].scores) == {"dense"}
    assert set(desk.index.search("sunday", 1, "keyword")[0].scores) == {"keyword"}


def test_dense_scores_are_cosines(desk: Desk) -> None:
    desk.write(shot="the same words", holt="other things entirely", hours="a third page")
    desk.add()
    best = desk.index.search("the same words", 1, "dense")[0]
    assert best.scores["dense"] == pytest.approx(1.0, abs=1e-5)


def test_words_that_nobody_wrote_find_nothing_by_keyword(desk: Desk) -> None:
    desk.add()
    assert desk.index.search("xylophone", 3, "keyword") == []
    assert len(desk.index.search("xylophone", 3)) == 3


@pytest.mark.parametrize("question", ["", "  ", "?!", "\0", "🙂", "x" * 10_000, "\ud800"])
def test_odd_questions_do_no_harm(desk: Desk, question: str) -> None:
    desk.add()
    for mode in ("hybrid", "dense", "keyword"):
        found = desk.index.search(question, 3, mode)
        assert len({passage.id for passage in found}) == len(found) <= 3


def test_k_is_a_limit(desk: Desk) -> None:
    desk.add()
    assert [len(desk.index.search("the hours", k, "dense")) for k in (-1, 0, 1, 2, 100)] == [0, 0, 1, 2, 4]


def test_an_unknown_mode_is_refused(desk: Desk) -> None:
    with pytest.raises(QuestionError, match="hybrid, dense, keyword"):
        desk.index.search("x", 1, "magic")


def test_a_refresh_does_exactly_what_changed(desk: Desk) -> None:
    assert desk.add() == {"shot.md": "added", "holt.md": "added", "hours.md": "added"}
    assert set(desk.add().values()) == {"unchanged"}
    desk.write(shot="# Flu shot\nThe flu shot costs 99 euros.", new="# New\nA new page.")
    (desk.docs / "holt.md").unlink()
    assert desk.add() == {"shot.md": "updated", "holt.md": "removed", "hours.md": "unchanged", "new.md": "added"}
    assert [d.source for d in desk.store.documents()] == ["hours.md", "new.md", "shot.md"]
    assert "99" in desk.index.search("flu shot", 1)[0].text
    assert not [p for p in desk.index.search("Holt", 9, "keyword") if p.source == "holt.md"]
    assert desk.collection() == set(desk.index._shelf.ids())
    assert desk.index.size == 4


def test_unchanged_text_is_never_embedded_again(desk: Desk) -> None:
    seen: list[str] = []
    desk.embed = lambda texts: (seen.extend(texts), embed(texts))[1]
    desk.add()
    assert len(seen) == 4
    desk.write(hours="# Hours\n## Week\nWe open at nine.\n## Sunday\nWe are closed.")
    desk.add()
    assert seen[4:] == ["Hours: Week\nWe open at nine."]


def test_the_report_counts(desk: Desk) -> None:
    (desk.docs / "latin.txt").write_bytes("Das Ärztehaus öffnet täglich um acht Uhr für alle Bürger.".encode("cp1252"))
    (desk.docs / "empty.txt").write_bytes(b"")
    (desk.docs / "tool.exe").write_bytes(b"MZ")
    report = desk.index.add([desk.docs, desk.docs / "ghost.md"])
    rows = {Path(row.path).name: row for row in report.files}
    assert len(rows) == len(report.files) == 7
    assert (rows["hours.md"].chunks, rows["hours.md"].chars) == (2, 58)
    assert rows["latin.txt"].reason == "read as cp1252"
    assert (rows["empty.txt"].status, rows["empty.txt"].reason) == ("failed", "The file is empty.")
    assert rows["tool.exe"].status == "skipped"
    assert rows["ghost.md"].status == "failed"
    assert report.chunks == desk.index.size == 5
    assert report.seconds > 0
    assert {d.source: d.chunks for d in desk.store.documents()}["hours.md"] == 2


def test_a_file_that_breaks_later_keeps_its_old_text(desk: Desk) -> None:
    desk.add()
    (desk.docs / "shot.md").write_bytes(b"")
    report = desk.index.add([desk.docs])
    row = next(row for row in report.files if row.path.endswith("shot.md"))
    assert (row.status, row.reason) == (
        "failed",
        "The file is empty. What was indexed of it before stays in the index.",
    )
    assert desk.index.search("flu shot", 1)[0].source == "shot.md"


def test_one_bad_parser_does_not_end_the_batch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from ragft_core.documents import reader

    parse = reader.parse

    def fragile(path: Path, *how: object) -> object:
        if path.name == "holt.md":
            raise AssertionError("deep inside")
        return parse(path, *how)

    monkeypatch.setattr(reader, "parse", fragile)
    report = desk.index.add([desk.docs])
    assert statuses(report) == {"shot.md": "added", "holt.md": "failed", "hours.md": "added"}
    assert "AssertionError: deep inside" in report.files[0].reason


def test_the_same_text_twice_is_one_chunk_and_outlives_one_of_its_documents(desk: Desk) -> None:
    desk.add()
    for name in ("a_copy.md", "z-copy.txt"):
        (desk.docs / name).write_text((desk.docs / "shot.md").read_text() if name.endswith("md") else "plain")
    (desk.docs / "z-other.txt").write_text("plain")
    assert desk.index.add([desk.docs]).chunks == 1  # "plain", once for two files
    assert desk.index.size == 5
    assert desk.index.search("flu shot", 1)[0].source == "a_copy.md"
    assert desk.index.forget(["a_copy.md"]) == 1
    assert desk.index.search("flu shot", 1)[0].source == "shot.md"
    assert desk.index.forget(["shot.md"]) == 1
    assert [p.source for p in desk.index.search("flu", 9, "keyword")] == []
    assert (desk.index.size, desk.collection()) == (4, set(desk.index._shelf.ids()))
    assert desk.index.search("plain", 1)[0].title == "Z copy"


def test_explicit_files_are_added_and_never_removed_by_another(desk: Desk) -> None:
    assert statuses(desk.index.add([desk.docs / "shot.md"])) == {"shot.md": "added"}
    assert statuses(desk.index.add([desk.docs / "holt.md"])) == {"holt.md": "added"}
    (desk.docs / "shot.md").unlink()
    assert statuses(desk.index.add([desk.docs / "shot.md"])) == {"shot.md": "failed"}
    assert [d.source for d in desk.store.documents()] == ["holt.md", "shot.md"]


def test_files_of_the_same_name_stay_apart(desk: Desk, tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place / "deep").mkdir(parents=True)
        (tmp_path / place / "deep" / "a.txt").write_text(f"This is {place}.")
        desk.index.add([tmp_path / place])
    desk.index.add([tmp_path / "one" / "deep" / "a.txt"])
    assert [d.source for d in desk.store.documents()] == ["deep/a.txt", "two/deep/a.txt"]
    assert len({d.id for d in desk.store.documents()}) == 2


def test_forget_is_all_or_nothing(desk: Desk) -> None:
    desk.add()
    with pytest.raises(NotFoundError, match=r"no document 'ghost\.md'"):
        desk.index.forget(["shot.md", "ghost.md", "\ud800"])
    assert len(desk.store.documents()) == 3
    assert desk.index.forget(["shot.md", "shot.md", "holt.md"]) == 2
    assert [d.source for d in desk.store.documents()] == ["hours.md"]
    assert desk.store.value("SELECT count(*) FROM vectors") == desk.index.size == 2
    assert desk.index.forget([]) == 0


def test_what_describes_the_index_changes_with_it(desk: Desk) -> None:
    first = desk.index.describe()
    desk.add()
    second = desk.index.describe()
    assert second == desk.again().describe()
    assert {"index_id", "index_sha256", "embedding_model", "chunk_size", "chunk_overlap", "chunk_strategy"} == set(
        second
    )
    assert first["index_id"] == second["index_id"]
    assert first["index_sha256"] != second["index_sha256"]
    desk.index.forget(["shot.md"])
    third = desk.index.describe()["index_sha256"]
    desk.add()
    assert third != desk.index.describe()["index_sha256"] == second["index_sha256"]


def test_progress_tells_every_file(desk: Desk) -> None:
    seen: list[Progress] = []
    desk.add(seen.append)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert {p.total for p in seen} == {3}
    assert seen[-1].done == 3
    assert any("Embedding" in p.message for p in seen)


def test_a_job_that_is_stopped_goes_on_where_it_was(desk: Desk) -> None:
    """Stopping is an exception out of `progress`; so is a kill, as far as the database is concerned."""
    desk.docs.joinpath("long.txt").write_text("\n\n".join(f"Paragraph {n} {'word ' * 30}" for n in range(100)))
    seen: list[str] = []
    desk.embed = lambda texts: (seen.extend(texts), embed(texts))[1]

    def stop(progress: Progress) -> None:
        if "Embedding 64 of" in progress.message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.add(stop)
    assert desk.store.documents() == []
    desk.add()
    assert len(seen) == len(set(seen)) == desk.index.size
    assert desk.collection() == set(desk.index._shelf.ids())


def test_searches_run_while_documents_come_in(desk: Desk) -> None:
    desk.add()
    for n in range(60):
        desk.write(**{f"page{n}": f"# Page {n}\nThis is page number {n} of many."})
    failed: list[BaseException] = []
    found: list[int] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                found.append(len(desk.index.search("flu shot", 3)))
                desk.index.describe()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    desk.add()
    done.set()
    for thread in threads:
        thread.join()
    assert not failed
    assert set(found) == {3}
    assert desk.index.search("page number 59", 1)[0].source == "page59.md"


def test_a_second_job_is_told_to_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragft_core.retrieval.index.PATIENCE", 0.05)
    refused: list[str] = []

    def meanwhile(_: Progress) -> None:
        for job in (lambda: desk.index.forget(["x"]), lambda: desk.index.add([desk.docs])):
            try:
                job()
            except DocumentError as error:
                refused.append(str(error))

    desk.add(meanwhile)
    assert set(refused) == {"Documents are being indexed right now; try again when that is done."}


def test_another_chunk_size_cuts_again_on_refresh(desk: Desk) -> None:
    desk.write(long="# Long\n" + " ".join(f"Sentence number {n} is here." for n in range(12)))
    desk.add()
    before = desk.index.size
    desk.settings = desk.settings.model_copy(update={"chunk_size": 16})
    desk.again()
    assert set(desk.add().values()) == {"updated"}
    assert desk.index.size > before
    assert desk.collection() == set(desk.index._shelf.ids())


def test_another_embedding_model_embeds_again_at_opening(desk: Desk) -> None:
    desk.add()
    desk.settings = desk.settings.model_copy(update={"embedding": "other"})
    desk.embed = lambda texts: [row[:64] for row in embed(texts)]
    index = desk.again()
    assert "The embedding model is now other: 4 passages were embedded again." in index.notices
    assert index.describe()["embedding_model"] == "other"
    assert len(index.search("flu shot", 3, "dense")) == 3
    assert desk.again().notices == ()


def test_a_broken_embedding_model_is_a_sentence_and_changes_nothing(desk: Desk) -> None:
    desk.embed = lambda texts: [[float("nan")] * 4 for _ in texts]
    with pytest.raises(ModelError, match="may be damaged"):
        desk.add()
    assert desk.store.documents() == []
    desk.embed = embed
    assert set(desk.add().values()) == {"added"}


def test_a_model_out_of_memory_is_a_sentence(desk: Desk) -> None:
    desk.index.warm()
    desk.add()

    def exhausted(texts: Sequence[str]) -> list:
        raise RuntimeError("CUDA out of memory")

    desk.embed = exhausted
    with pytest.raises(ModelError, match="CUDA out of memory"):
        desk.index.search("flu shot", 1)
    assert desk.index.search("flu shot", 1, "keyword")[0].source == "shot.md"
    desk.embed = embed
    assert desk.index.search("flu shot", 1)[0].source == "shot.md"


def test_a_closed_index_says_so(desk: Desk) -> None:
    desk.add()
    desk.index.close()
    desk.index.close()
    with pytest.raises(HomeError, match="closed"):
        desk.index.search("flu shot", 1)
