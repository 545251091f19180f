"""Drafts, curves and the history of runs: what the page needs of the core beside starting a run."""

import json
from pathlib import Path
from typing import Any

import pytest

from ragft_core import DatasetError, RunError, Settings
from ragft_core.examples import RECIPES
from ragft_core.examples.head import guessed, head, is_table
from ragft_core.model import load_tokenizer
from ragft_core.training.curves import POINTS, CurveReader, thinned
from ragft_core.training.draft import Draft, recipe_with


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_tokenizer(Settings.load(home=tmp_path_factory.mktemp("home") / "h", demo=False))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Twenty facts, two questions each, with their golden passage."""
    rows = [
        {
            "question": question.format(n),
            "answer": f"Room {n} has {n + 3} chairs, as counted.",
            "context": f"Room {n} has {n + 3} chairs and one table.",
            "group": f"room {n}",
        }
        for n in range(20)
        for question in ("How many chairs has room {}?", "Chairs in room {}: how many are there?")
    ]
    file = tmp_path / "rooms.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return file


# ---------------------------------------------------------------- drafts


def test_a_draft_shows_a_lesson_as_the_model_reads_it(settings: Settings, dataset: Path, tokenizer: Any) -> None:
    draft = Draft(settings, dataset, tokenizer=tokenizer)
    shown = draft.preview(RECIPES["sft"], 0)
    assert shown["kind"] == "closed" and shown["of"] == len(draft.rows) == len(draft.check.split.train)
    assert "".join(t["text"] for t in shown["tokens"] if t["loss"]).strip().startswith("Room")
    assert shown["length"] > shown["loss_tokens"] > 5
    last = draft.preview(RECIPES["sft"], -1)
    assert last["place"] == shown["of"] - 1 and draft.preview(RECIPES["sft"], shown["of"])["place"] == 0


def test_raft_lessons_hold_golden_passages_and_distractors(settings: Settings, dataset: Path, tokenizer: Any) -> None:
    draft = Draft(settings, dataset, tokenizer=tokenizer)
    asked: list[str] = []

    def search(question: str, k: int) -> list[Any]:
        asked.append(question)
        return []

    kinds = draft.kinds(RECIPES["raft"], search)
    assert kinds["closed"] == len(draft.rows) and kinds["golden"] + kinds["counterfactual"] > 5
    assert len(asked) == 20, "once per group"
    draft.lessons(RECIPES["mix"], search)
    draft.preview(recipe_with(RECIPES["raft"], golden=0.0), 3, search)
    assert len(asked) == 20, "and never again"
    shown = [draft.preview(RECIPES["raft"], n, search) for n in range(draft.preview(RECIPES["raft"], 0, search)["of"])]
    golden = next(one for one in shown if one["kind"] == "golden" and "[2]" in one["text"])
    assert golden["negatives"] and any(text in golden["text"] for text in golden["negatives"])


def test_the_cost_follows_the_wishes_and_bad_wishes_are_sentences(
    settings: Settings, dataset: Path, tokenizer: Any
) -> None:
    draft = Draft(settings, dataset, tokenizer=tokenizer)
    plan, cost = draft.estimate(RECIPES["sft"], "smoke")
    assert plan.steps == cost.steps == 20 and cost.seconds > 0
    _, larger = draft.estimate(RECIPES["raft"], "small", 100, {"rank": 64})
    assert larger.adapter_bytes == 4 * cost.adapter_bytes and larger.tokens > cost.tokens
    with pytest.raises(RunError, match="rank must be a whole number"):
        draft.estimate(RECIPES["sft"], "smoke", None, {"rank": 0})
    assert recipe_with(RECIPES["raft"], k=None, absent="abstain") == recipe_with(RECIPES["raft"], absent="abstain")


def test_a_file_without_a_usable_row_previews_nothing(settings: Settings, tmp_path: Path, tokenizer: Any) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"question": "Q?", "answer": ""}\n{broken', "utf-8")
    draft = Draft(settings, file, tokenizer=tokenizer)
    assert draft.preview(RECIPES["sft"], 0) == {} and len(draft.check.blocking) == 2


# ---------------------------------------------------------------- tables


def test_the_head_of_a_table_for_the_choice_of_columns(tmp_path: Path) -> None:
    file = tmp_path / "faq.csv"
    file.write_text('Frage;Reply;note\n"Wann; heute?";Um 9;x\n' + "a;b;c\n" * 9, "utf-8")
    columns, rows = head(file, 2)
    assert columns == ("Frage", "Reply", "note") and rows == [["Wann; heute?", "Um 9", "x"], ["a", "b", "c"]]
    assert guessed(columns) == {"question": "Frage", "answer": "Reply"} and guessed(("x", "y")) == {}
    assert is_table(file) and not is_table(tmp_path / "rows.jsonl")
    for broken in (tmp_path / "gone.csv", tmp_path / "empty.csv"):
        if broken.stem == "empty":
            broken.touch()
        with pytest.raises(DatasetError):
            head(broken)


# ---------------------------------------------------------------- curves


def step(n: int, loss: float = 1.0) -> str:
    return json.dumps({"kind": "step", "step": n, "loss": loss, "lr": 0.1, "grad_norm": 2, "tokens_per_second": 3.5})


def test_curves_are_read_on_and_a_line_being_written_waits(tmp_path: Path) -> None:
    reader, file = CurveReader(), tmp_path / "events.jsonl"
    assert reader.read(tmp_path).loss == []
    file.write_text(f'{step(1)}\n{{"kind": "evaluation", "step": 1, "loss": 2.5}}\nnonsense\n[3]\n{step(2)[:20]}')
    curves = reader.read(tmp_path)
    assert curves.loss == [(1, 1.0)] and curves.validation == [(1, 2.5)] and curves.speed == [(1, 3.5)]
    file.write_text(file.read_text() + step(2)[20:] + "\n")  # in place: the same file goes on
    again = reader.read(tmp_path)
    assert again.loss == [(1, 1.0), (2, 1.0)] and again.size == (2, 1) and again.best_step == 1


def test_a_resumed_run_s_events_are_read_anew(tmp_path: Path) -> None:
    reader, file, new = CurveReader(), tmp_path / "events.jsonl", tmp_path / "new"
    file.write_text("".join(step(n) + "\n" for n in range(1, 9)))
    assert len(reader.read(tmp_path).loss) == 8
    new.write_text("".join(step(n, 0.5) + "\n" for n in range(1, 9)))
    new.replace(file)
    assert reader.read(tmp_path).loss[-1] == (8, 0.5)
    file.unlink()
    assert reader.read(tmp_path).size == (0, 0)


def test_events_that_no_run_of_ours_writes_break_nothing(tmp_path: Path) -> None:
    odd = [
        {"kind": "step", "step": "x"},
        {"kind": "step", "step": 1, "loss": None},
        {"kind": "evaluation", "step": 2},
        {},
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in odd))
    assert CurveReader().read(tmp_path).size == (0, 0)


def test_long_curves_are_thinned_to_means_with_the_last_point_as_it_is() -> None:
    points = [(n, float(n)) for n in range(10_000)]
    thin = thinned(points)
    assert (
        len(thin) <= POINTS and thin[-1] == points[-1] and thin[0][1] == sum(range(thin[0][0] + 1)) / (thin[0][0] + 1)
    )
    assert thinned(points[:5]) == points[:5]


def write_run(folder: Path, rank: int, colour: str = "") -> Path:
    """A run that has ended, as its files say it."""
    folder.mkdir()
    config = {
        "recipe": {"name": "sft", "k": 3},
        "plan": {"rank": rank, "steps": 20, "preset": "smoke"},
        "data_sha256": "a" * 64,
        "dataset": "/somewhere/rows.jsonl",
        "created": "2026",
        "settings": {"home": "x"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "state.json").write_text(json.dumps({"state": "done", "step": 20, "eval_loss": 1.0 + rank}))
    if colour:
        report = {"colour": colour, "findings": [{"name": "validation", "colour": colour, "message": "Fell."}]}
        (folder / "report.json").write_text(json.dumps(report))
    return folder
