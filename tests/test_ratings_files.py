"""Files of ratings: what goes out comes back, nothing in them runs, and bad ones are refused by their line."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ragft_core.errors import RagftError
from ragft_core.ratings import RatingError, Ratings, Vote
from ragft_core.ratings.cells import csv_bytes, safe, unsafe
from ragft_core.ratings.nouns import clean

from .test_ratings import asked, made, opened

HOSTILE = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠a",
    "'=1+1",
    "''-x",
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
    " =1+1",
    "\u00a0=1",
    "\ufeff=1",
    'quote " and , comma; semicolon',
    "line\nline\r\nline\rline",
    "NA",
    "",
    "  spaces  ",
]
TRIGGERS = tuple("=+-@\t\r\n＝＋－＠")
SCHEMA = """
schema_version rating_id created_at updated_at edits rater_id rater_auth study_id item_id item_set item_set_sha256
item_order category question reference run_id config_sha256 app_version base_model base_revision quantization
adapter_id adapter_sha256 index_id embed_model top_k temperature max_new_tokens seed blind citations_shown
order_seed position_1 position_2 position_3 choice winner confidence guessed_system flags note seconds_visible
"""
COLUMNS = ("question_id", "model_a", "model_b", "winner", "judge", "conversation_a", "conversation_b")
COLUMNS += ("turn", "anony", "language", "tstamp")
OF_ARM = ["correct", "grounded", "complete", "style", "answer_sha256", "answer", "ttft_s", "total_s", "tokens"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Ratings]:
    store = opened(tmp_path / "ragft.sqlite")
    yield Ratings(store)
    store.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Ratings]:
    """A second, empty database."""
    store = opened(tmp_path / "other.sqlite")
    yield Ratings(store)
    store.close()


def filled(desk: Ratings, hostile: bool = True) -> str:
    """A study with every kind of rating, its texts hostile."""
    texts = HOSTILE if hostile else ["fine"] * 6
    comparisons = []
    for n, text in enumerate(texts):
        plain = asked(n)
        answers = tuple(a.__class__(**{**a.__dict__, "text": text + a.text}) for a in plain.answers)
        comparisons.append(plain.__class__(**{**plain.__dict__, "answers": answers, "question": text or "?"}))
    study, _ = desk.create("=set", comparisons, repeats=0.1, gold={"c002": "tuned"}, categories={"c001": "=cat"})
    for rater in ("=ann", "bob"):
        desk.join(study.id, rater)
        for place in range(len(texts) + 1):
            vote = Vote(
                ("A", "B", "C", "tie", "bad")[place % 5],
                {"A": {"correct": 1 + place % 5}, "C": {"style": 2}} if place % 2 else {},
                (None, 1, 2, 3)[place % 4],
                ("", "A", "B")[place % 3],
                ("told",) if place % 3 == 0 else (),
                texts[place % len(texts)],
                (None, 0.1, 7.25)[place % 3],
            )
            desk.vote(study.id, rater, place, vote, f"key-{place:05}")
        desk.vote(study.id, rater, 1, Vote("tie", note="edited"), "edit-0001")
    desk.undo(study.id, "bob", "undo-0001")
    desk.skip(study.id, "bob", 1, "skip-0001", flagged=True, note="-broken")
    return study.id


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_cell_does_not_run_and_comes_back(text: str) -> None:
    assert not safe(text).lstrip("\ufeff\u00a0 ").startswith(TRIGGERS)
    assert unsafe(safe(text)) == text


@effort(max_examples=120, deadline=None)
@given(st.lists(st.text() | st.sampled_from(HOSTILE), min_size=1, max_size=4))
def test_any_text_survives_csv_and_pandas(texts: list[str]) -> None:
    texts = [clean(text) for text in texts]
    names = [f"c{n}" for n in range(len(texts))]
    data = csv_bytes(names, [texts, HOSTILE[: len(texts)]])
    ours = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    table = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for cells in (ours[1], list(table.iloc[0])):
        assert [unsafe(cell) for cell in cells] == texts
        assert not [cell for cell in cells if cell.startswith(TRIGGERS)]


def test_what_utf_8_cannot_hold_is_replaced_on_the_way_in() -> None:
    assert clean("a\ud800b\x00c") == "a�b�c" and safe("\ud800") == "�"


# ---------------------------------------------------------------- our CSV


def test_the_header_is_the_one_agreed_on(desk: Ratings, tmp_path: Path) -> None:
    filled(desk, hostile=False)
    desk.export(tmp_path / "r.csv")
    header = next(csv.reader((tmp_path / "r.csv").open(encoding="utf-8-sig", newline="")))
    assert header == SCHEMA.split() + [f"{arm}_{name}" for arm in ("rag", "tuned", "hybrid") for name in OF_ARM]


def test_no_cell_of_a_hostile_study_runs_and_all_come_back(desk: Ratings, other: Ratings, tmp_path: Path) -> None:
    id = filled(desk)
    said = desk.export(tmp_path / "a.csv")
    data = (tmp_path / "a.csv").read_bytes()
    assert (
        data.startswith(b"\xef\xbb\xbf") and said["rows"] == 2 * (len(HOSTILE) - 1 + 2) - 0 and not said["long_cells"]
    )
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert not [cell for row in rows for cell in row if cell.startswith(TRIGGERS)]

    done = other.import_file(tmp_path / "a.csv")
    assert done["kind"] == "ratings" and done["added"] == said["rows"] and done["studies"] == [id]
    other.export(tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == data
    again = other.import_file(tmp_path / "a.csv")
    assert (again["added"], again["already"], again["different"]) == (0, said["rows"], 0)
    mine, theirs = desk.results(id), other.results(id)
    assert (mine.ranking, mine.agreement, mine.positions) == (theirs.ranking, theirs.agreement, theirs.positions)
    assert [r.gold for r in mine.raters] == [r.gold for r in theirs.raters]
    ours = desk.import_file(tmp_path / "a.csv")
    assert (ours["added"], ours["different"]) == (0, 0), "our own file adds nothing to where it came from"


def test_pandas_reads_it_as_it_is_documented(desk: Ratings, tmp_path: Path) -> None:
    id = filled(desk)
    desk.export(tmp_path / "a.csv", id)
    table = pd.read_csv(tmp_path / "a.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig").map(unsafe)
    ratings = desk.ledger.ratings(id)
    assert list(table["note"]) == [rating.note for rating in ratings]
    assert list(table["winner"]) == [rating.winner for rating in ratings]
    assert set(table["rater_id"]) == {"=ann", "bob"} and set(table["item_set"]) == {"=set"}


def test_without_texts_nothing_written_by_anyone_is_in_the_file(desk: Ratings, other: Ratings, tmp_path: Path) -> None:
    filled(desk, hostile=False)
    for name, format in (("r.csv", "ratings"), ("p.csv", "pairs"), ("p.jsonl", "pairs")):
        desk.export(tmp_path / name, format=format, texts=False)
        text = (tmp_path / name).read_text("utf-8")
        assert not [word for word in ("fine", "Text", "Reference", "edited", "broken") if word in text]
    other.import_file(tmp_path / "r.csv")
    other.export(tmp_path / "again.csv", texts=False)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "r.csv").read_bytes()


def test_studies_with_other_arms_share_a_file(desk: Ratings, other: Ratings, tmp_path: Path) -> None:
    for arms in (("base", "rag"), ("base", "rag", "tuned", "hybrid")):
        study = made(desk, 3, arms)
        desk.join(study.id, "ann")
        desk.vote(study.id, "ann", 0, Vote("B"), "key-00001")
    desk.export(tmp_path / "a.csv")
    header = (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()[0]
    assert '"position_3","position_4","choice"' in header
    other.import_file(tmp_path / "a.csv")
    other.export(tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_columns_that_would_collide_are_refused(desk: Ratings, tmp_path: Path) -> None:
    rows = [{"question": "q", "arm": arm, "answer": "x"} for arm in ("rating", "b")]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    from ragft_core.ratings import Criterion

    with pytest.raises(RatingError, match="rating_id"):
        desk.import_file(tmp_path / "x.jsonl", criteria=(Criterion("id", "Id", ("",) * 5),))


# ---------------------------------------------------------------- pairs and archive


def test_a_win_of_three_is_two_pairs_a_tie_three(desk: Ratings, tmp_path: Path) -> None:
    study = made(desk, 3)
    desk.join(study.id, "ann")
    for place, choice in enumerate(("B", "tie", "bad")):
        desk.vote(study.id, "ann", place, Vote(choice), f"key-0000{place}")
    desk.export(tmp_path / "p.jsonl", format="pairs")
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [row["winner"] for row in rows] == ["model_b", "model_a", *["tie"] * 3, *["tie (bothbad)"] * 3]
    first = desk.ledger.ratings(study.id)[0].order
    assert [(row["model_a"], row["model_b"]) for row in rows[:2]] == [first[:2], first[1:]]
    assert tuple(rows[0]) == COLUMNS


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize("texts", [True, False])
def test_pairs_come_back_and_rank_the_same(
    desk: Ratings,
    other: Ratings,
    tmp_path: Path,
    suffix: str,
    texts: bool,
) -> None:
    study = made(desk, 12)
    desk.join(study.id, "=ann")
    for place in range(12):
        desk.vote(study.id, "=ann", place, Vote("ABC"[place % 3]), f"key-{place:05}")
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    desk.export(first, format="pairs", texts=texts)
    done = other.import_file(first)
    other.export(second, format="pairs", texts=texts)
    assert first.read_bytes() == second.read_bytes() and done["added"] == 24
    assert other.import_file(first)["added"] == 0
    ours = {row["arm"]: row["strength"] for row in desk.rank()["ranking"]}
    theirs = {row["arm"]: row["strength"] for row in other.rank()["ranking"]}
    assert ours == pytest.approx(theirs)


def test_pairs_of_many_models_go_out_as_ratings_and_come_back(desk: Ratings, other: Ratings, tmp_path: Path) -> None:
    said = ("model_a", "tie (inconsistent)", "tie (bothbad)")
    pairs = [(a, b, w) for a in "vwxyz" for b in "vwxyz" for w in said if a < b]
    rows = [
        {"question_id": n % 7, "model_a": a, "model_b": b, "winner": w, "judge": ["gpt-4", "v2"], "tstamp": 1.7e9 + n}
        for n, (a, b, w) in enumerate(pairs * 2)
    ]
    (tmp_path / "p.json").write_text(json.dumps(rows))
    (id,) = desk.import_file(tmp_path / "p.json")["studies"]
    desk.export(tmp_path / "a.csv")
    other.import_file(tmp_path / "a.csv")
    other.export(tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    for each in (desk, other):
        assert each.study(id).kind == "pairs" and len(each.ledger.ratings(id)) == 60
        with pytest.raises(RatingError, match="cannot be opened"):
            each.set_open(id, True)
    assert len(desk.rank()["ranking"]) == 5


def test_the_archive_is_exact(desk: Ratings, other: Ratings, tmp_path: Path) -> None:
    id = filled(desk)
    desk.export(tmp_path / "a.jsonl")
    done = other.import_file(tmp_path / "a.jsonl")
    assert done["kind"] == "archive" and other.study(id) == desk.study(id) and other.items(id) == desk.items(id)
    other.export(tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert desk.import_file(tmp_path / "a.jsonl")["added"] == 0
    with pytest.raises(RatingError, match="exact copy"):
        desk.export(tmp_path / "a.jsonl", texts=False)


# ---------------------------------------------------------------- answers made elsewhere, and bad files

ANSWERS = [{"question": f"q{n}", "arm": arm, "answer": f"{n}"} for n in range(3) for arm in ("gpt-x", "ours v1.2")]


def test_answers_made_elsewhere_become_a_study(desk: Ratings, tmp_path: Path) -> None:
    rows = [*ANSWERS, {"question": "alone", "arm": "gpt-x", "answer": "y", "reference": "r", "context": ["a", "b"]}]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = desk.import_file(tmp_path / "mine.jsonl", ask_guess=True)
    (id,) = done["studies"]
    assert (done["kind"], done["items"], done["left_out"]) == ("answers", 3, {"alone": "no answer of ours v1.2"})
    study = desk.study(id)
    assert study.arms == ("gpt-x", "ours v1.2") and study.ask_guess and study.title == "mine" and study.is_open
    pd.DataFrame(ANSWERS).to_csv(tmp_path / "mine.csv", index=False)
    assert desk.import_file(tmp_path / "mine.csv")["items"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no rows"),
        ("question,arm,answer\nq,a\n", "Line 2: 2 cells"),
        ("question,arm,answer\nq,,x\n", "Line 2: arm is missing"),
        ("question,arm,answer\nq,a,x\nq,a,y\n", "Line 3: a second answer"),
        ("question,arm,answer\nq,a,x\n", "2 to 4 arms"),
        ("question,arm,answer\nq,tie,x\n", "cannot be the name"),
        ("a,a\n1,2\n", "same name"),
        ("what,is,this\n1,2,3\n", "no file this can import"),
        ('a,"b\n', "not readable CSV"),
        ("model_a,model_b,winner\nx,y,nobody\n", "not a pair"),
        ("model_a,model_b,winner,tstamp\nx,y,tie,never\n", "Line 2"),
        ("rating_id,study_id,choice\n1,2,A\n", "lacks the columns"),
    ],
)
def test_a_bad_file_is_refused_by_its_line(desk: Ratings, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(RatingError, match=said):
        desk.import_file(tmp_path / "bad.csv")
    assert desk.studies() == []


def test_a_missing_or_foreign_file_is_a_sentence(desk: Ratings, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"caf\xe9")
    for path in (tmp_path / "none.csv", tmp_path / "x.csv", tmp_path):
        with pytest.raises(RatingError):
            desk.import_file(path)
    with pytest.raises(RatingError, match="ending in"):
        desk.export(tmp_path / "x.xlsx")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ratings, list[Path]]]:
    """A database, and good files exported from another."""
    folder = tmp_path_factory.mktemp("spoilt")
    source, target = opened(folder / "a.sqlite"), opened(folder / "b.sqlite")
    first = Ratings(source)
    study = made(first, 2)
    first.join(study.id, "ann")
    first.vote(study.id, "ann", 0, Vote("A", {"A": {"style": 3}}, 2, note="n", seconds=1.0), "key-00001")
    paths = [folder / name for name in ("r.csv", "r.jsonl", "p.jsonl", "p.csv")]
    for path in paths:
        first.export(path, format="pairs" if path.stem == "p" else "ratings")
    yield Ratings(target), paths
    source.close()
    target.close()


@effort(max_examples=80, deadline=None)
@given(which=st.integers(0, 3), at=st.floats(0, 1), gone=st.integers(0, 12), fresh=st.text(max_size=5).map(clean))
def test_a_spoilt_file_is_refused_or_read_and_never_crashes(
    whole: tuple[Ratings, list[Path]], which: int, at: float, gone: int, fresh: str
) -> None:
    again, paths = whole
    text = paths[which].read_bytes().decode("utf-8-sig")
    cut = int(at * len(text))
    spoilt = paths[which].with_stem("spoilt")
    spoilt.write_bytes((text[:cut] + fresh + text[cut + gone :]).encode())
    try:
        again.import_file(spoilt)
        again.export(spoilt)
    except RagftError as error:
        assert str(error)
