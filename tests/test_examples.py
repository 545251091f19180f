"""Reading files of examples: every kind, every fault with its line, and never an exception for a row."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragft_core.examples import DatasetError, read
from ragft_core.examples.check import check, clean_copy
from ragft_core.examples.read import _example
from ragft_core.settings import ASSETS

PAIR = {"question": "When do you open?", "answer": "We open at nine."}


def write(file: Path, *rows: object) -> Path:
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return file


def test_the_contracts_rows_are_read(tmp_path: Path) -> None:
    chat = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "When do you open?"},
        {"role": "assistant", "content": "At nine."},
    ]
    rows = [
        PAIR | {"context": "We open at nine.", "id": "a", "group": "g"},
        PAIR | {"context": ["One.", "Two."], "id": 7},
        {"messages": chat},
    ]
    reading = read(write(tmp_path / "rows.jsonl", *rows))
    assert not reading.problems and reading.kind == "training"
    one, two, talk = reading.rows
    assert (one.context, one.id, one.group, one.line) == (("We open at nine.",), "a", "g", 1)
    assert (two.context, two.id, talk.id) == (("One.", "Two."), "7", "line 3")
    assert talk.question == "When do you open?" and [turn["role"] for turn in talk.turns] == ["user", "assistant"]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "When?", "completion": "At nine."},
        {"instruction": "When?", "input": "", "output": "At nine."},
        {"conversations": [{"from": "human", "value": "When?"}, {"from": "gpt", "value": "At nine."}]},
    ],
)
def test_usual_formats_of_others_are_read(tmp_path: Path, row: dict) -> None:
    (found,) = read(write(tmp_path / "rows.jsonl", row)).rows
    assert (found.question, found.answer) == ("When?", "At nine.")


def test_tables_are_read_by_a_guessed_or_given_mapping(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text('Question;Answer;Topic\n"When; do\nyou open?";At nine.;hours\nWhere?;Here.;\nshort\n', "utf-8")
    reading = read(file)
    assert reading.mapping == {"question": "Question", "answer": "Answer", "group": "Topic"}
    assert [(r.question, r.line, r.group) for r in reading.rows] == [
        ("When; do\nyou open?", 2, "hours"),
        ("Where?", 4, ""),
    ]
    assert [(p.line, p.kind) for p in reading.problems] == [(5, "broken")]
    file.write_text("alpha,beta\nWhen?,At nine.\n", "utf-8")
    with pytest.raises(DatasetError, match=r"columns are alpha, beta\. Give the column mapping"):
        read(file)
    assert read(file, {"question": "alpha", "answer": "beta"}).rows[0].answer == "At nine."


def test_excel_sheets_are_read_by_a_guessed_or_given_mapping(tmp_path: Path) -> None:
    import openpyxl

    file = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    for row in (
        ["Frage", "Antwort", "notes"],
        ["When?", 9, "x"],
        [None, None, None],
        ["Where?", None, ""],
        ["Who?", 1.5],
    ):
        book.active.append(row)
    book.save(file)
    reading = read(file)
    assert reading.mapping == {"question": "Frage", "answer": "Antwort"}
    assert [(r.question, r.answer, r.line) for r in reading.rows] == [("When?", "9", 2), ("Who?", "1.5", 5)]
    assert [(p.line, p.kind) for p in reading.problems] == [(4, "broken")], "a row without an answer"
    assert read(file, {"question": "notes", "answer": "Frage"}).rows[0].question == "x"
    for data in (b"x", file.read_bytes()[:700]):
        file.write_bytes(data)
        with pytest.raises(DatasetError, match="Excel workbook"):
            read(file)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"question": "beta", "answer": "gone"}, "no column 'gone'"),
        ({"question": "alpha", "reply": "beta"}, "no field 'reply'"),
        ({"question": "alpha"}, "which column is the answer"),
    ],
)
def test_a_mapping_that_does_not_fit_is_a_sentence(tmp_path: Path, mapping: dict, words: str) -> None:
    (tmp_path / "t.csv").write_text("alpha,beta\nWhen?,At nine.\n", "utf-8")
    with pytest.raises(DatasetError, match=words):
        read(tmp_path / "t.csv", mapping)


def test_a_workbook_that_would_burst_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["question", "answer"])
    book.save(tmp_path / "t.xlsx")
    monkeypatch.setattr("ragft_core.examples.columns.LARGEST_BOOK", 1000)
    with pytest.raises(DatasetError, match="unpacks to"):
        read(tmp_path / "t.xlsx")


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read(tmp_path / "gone.jsonl")
    with pytest.raises(DatasetError, match="holds no rows"):
        read(write(tmp_path / "empty.jsonl"))
    with pytest.raises(DatasetError, match=r"no known kind"):
        read(write(tmp_path / "a.pdf", "x"))
    with pytest.raises(DatasetError, match="not JSON"):
        read(write(tmp_path / "a.json", "{]"))


FIELDS = ["question", "answer", "context", "messages", "role", "content", "answers", "id", "group", "input", "value"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner),
    max_leaves=6,
)


@given(record=JSON | st.fixed_dictionaries({"question": JSON, "answer": JSON, "context": JSON, "others": JSON}))
def test_no_record_raises_more_than_a_sentence(record: object) -> None:
    try:
        _example(record, 1)
    except ValueError as error:
        assert str(error)


@settings(deadline=None, max_examples=50)
@given(data=st.binary(max_size=300))
def test_no_bytes_raise_more_than_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("a.jsonl", "a.csv", "a.json"):
        (folder / name).write_bytes(data)
        try:
            check(folder / name)
        except DatasetError as error:
            assert str(error)


def test_the_demo_is_clean_and_its_evaluation_set_is_known_as_one() -> None:
    demo = check(ASSETS / "demo" / "train.jsonl")
    assert demo.to_json()["rows"] == sum(demo.to_json()["split"].values()) > 900 and not demo.problems
    evaluation = check(ASSETS / "demo" / "eval.jsonl").to_json()
    assert evaluation["kind"] == "evaluation" and evaluation["split"] == {"train": 0, "validation": 0, "test": 0}
    assert not evaluation["problems"]


def test_a_clean_copy_says_what_it_dropped(tmp_path: Path) -> None:
    chat = {"messages": [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "B."}]}
    file = write(tmp_path / "t.jsonl", PAIR, "{", PAIR, {"question": "Where?", "answer": ""}, {"question": "A?"})
    checked = check(file)
    with pytest.raises(DatasetError, match=r"broken \(cannot be read as a row\): lines 2, 5; empty .*: line 4"):
        checked.refuse()
    dropped = clean_copy(checked, tmp_path / "clean.jsonl")
    assert dropped == {"broken": [2, 5], "duplicate": [3], "empty": [4]}
    again = check(tmp_path / "clean.jsonl")
    assert len(again.reading.rows) == 1 and not again.problems
    clean_copy(check(write(tmp_path / "chat.jsonl", chat)), tmp_path / "c.jsonl")
    assert read(tmp_path / "c.jsonl").rows[0].answer == "B."
