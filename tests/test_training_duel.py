"""A duel, a sweep and a curve: same rows, equal steps, checked before anything starts, and shown as one table."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ragft_core import NotFoundError, Settings, cli
from ragft_core.training import (
    RunError,
    commands,
    difference,
    facts,
    group_names,
    group_table,
    start,
    start_curve,
    start_duel,
    start_sweep,
)
from ragft_core.training.duel import read_grid
from ragft_core.training.history import best_of
from ragft_core.training.run import read_json, read_run, write_json
from ragft_core.types import Passage

starter = sys.modules["ragft_core.training.start"]
TOPICS = "lake bell boat fox mine trail tower crane ferry statue garden map hall bird farm clock lock loom mill".split()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rows = [
        {
            "question": f"What is told of the {topic} of {place}?",
            "answer": f"The {topic} of {place} has {n}{m} visitors, they say.",
            "context": f"In {place} the {topic} has {n}{m} visitors a year.",
        }
        for n, topic in enumerate(TOPICS)
        for m, place in enumerate(("Oslo", "Porto"))
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return file


@pytest.fixture(autouse=True)
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs in the order in which their processes would start; none does."""
    names: list[str] = []
    monkeypatch.setattr(starter, "launch", lambda folder: names.append(folder.name) or read_run(folder))
    return names


def config(settings: Settings, run: str) -> dict[str, Any]:
    return read_json(settings.home / "runs" / run / "config.json")


def finish(settings: Settings, run: str, *losses: float, **figures: Any) -> None:
    folder = settings.home / "runs" / run
    told = [{"kind": "evaluation", "step": n, "loss": loss} for n, loss in enumerate(losses)]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in told), "utf-8")
    write_json(folder / "state.json", {"state": "done", "step": 20, "best_step": 10})
    write_json(folder / "report.json", {"colour": "green", "figures": figures})


def test_a_duel_trains_both_recipes_on_the_same_rows_for_equal_steps(
    settings: Settings, dataset: Path, launched: list[str]
) -> None:
    asked = []

    def search(question: str, k: int) -> list[Passage]:
        asked.append(question)
        return [Passage(f"{n}", f"The {TOPICS[n]} of Lima is old.", "lima.md", 1.0) for n in range(3)]

    duel = start_duel(settings, dataset, "small", name="d", search=search)
    assert launched == ["d-sft", "d-raft"] and [run.id for run in duel.runs] == launched
    sft, raft = (config(settings, name) for name in launched)
    for same in ("data_sha256", "split", "base_sha256"):
        assert sft[same] == raft[same]
    assert {name for name in sft["plan"] if sft["plan"][name] != raft["plan"][name]} <= {"epochs"}
    assert sft["plan"]["patience"] == 0 and sft["plan"]["steps"] > 10
    assert (sft["recipe"]["name"], raft["recipe"]["name"]) == ("sft", "raft")
    assert sft["group"] == {"name": "d", "kind": "duel", "label": "sft"}
    data = [(settings.home / "runs" / name / "data" / "train.jsonl").read_bytes() for name in launched]
    assert data[0] == data[1] and b"negatives" in data[0]
    assert len(asked) == len(set(asked)), "the index is asked once per question"
    assert group_names(settings.home) == {"d": "duel"}


def test_a_group_that_cannot_be_is_refused_before_anything_starts(
    settings: Settings, dataset: Path, launched: list[str]
) -> None:
    start(settings, dataset, name="e-raft")
    with pytest.raises(RunError, match="run or an adapter e-raft already"):
        start_duel(settings, dataset, name="e")
    with pytest.raises(RunError, match="rank must be"):
        start_duel(settings, dataset, name="f", advanced={"rank": 0})
    with pytest.raises(RunError, match="rank must be"):
        start_sweep(settings, dataset, name="g", grid={"rank": (8, 0)})
    assert launched == ["e-raft"] and not group_names(settings.home)
    start_duel(settings, dataset, name="h")
    with pytest.raises(RunError, match="already"):
        start_curve(settings, dataset, name="h")
    assert start_duel(settings, dataset).name == "rows-duel" and start_duel(settings, dataset).name == "rows-duel-2"


def test_a_sweep_takes_every_combination(settings: Settings, dataset: Path, launched: list[str]) -> None:
    start_sweep(settings, dataset, steps=30, name="s", grid={"rank": (4, 8), "learning_rate": (1e-3, 2e-3)})
    plans = {name: config(settings, name)["plan"] for name in launched}
    assert launched == ["s-rank4-rate0.001", "s-rank4-rate0.002", "s-rank8-rate0.001", "s-rank8-rate0.002"]
    assert [(p["rank"], p["alpha"], p["learning_rate"]) for p in plans.values()] == [
        (4, 8, 1e-3),
        (4, 8, 2e-3),
        (8, 16, 1e-3),
        (8, 16, 2e-3),
    ]
    start_sweep(settings, dataset, preset="small", name="t", grid={"epochs": (2, 4)})
    steps = [config(settings, f"t-epochs{n}")["plan"]["steps"] for n in (2, 4)]
    assert steps[1] == 2 * steps[0]
    assert len(start_sweep(settings, dataset, preset="smoke", name="u").runs) == 6
    for name, loss in zip(launched, (1.4, 1.1, 1.3, 1.2), strict=False):
        finish(settings, name, 2.0, loss)
    assert best_of(group_table(settings.home, "s")) == "s-rank4-rate0.002"


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"rank": (8,)}, "2 to 12 runs"),
        ({"rank": tuple(range(1, 14))}, "2 to 12 runs"),
        ({"colour": (1, 2)}, "cannot be swept"),
        ({"rank": (8, 8)}, "stands twice"),
        ({"epochs": (1, 2)}, "fixed number of steps"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_a_sentence(settings: Settings, dataset: Path, grid: Any, words: str) -> None:
    with pytest.raises(RunError, match=words):
        start_sweep(settings, dataset, steps=9, grid=grid)
    with pytest.raises(RunError, match="no list of numbers"):
        read_grid(["rank=8,x"])
    assert read_grid(["rank=8,16", "learning_rate=1e-3,2e-3"]) == {"rank": (8, 16), "learning_rate": (1e-3, 2e-3)}


def test_a_curve_grows_the_rows_and_keeps_the_validation(
    settings: Settings, dataset: Path, launched: list[str]
) -> None:
    start_curve(settings, dataset, "raft", name="c")
    assert launched == ["c-25", "c-50", "c-100"]
    folders = [settings.home / "runs" / name / "data" for name in launched]
    rows = [set((folder / "train.jsonl").read_text("utf-8").splitlines()) for folder in folders]
    assert rows[0] < rows[1] < rows[2] and len(rows[0]) == round(len(rows[2]) / 4)
    assert len({(folder / "validation.jsonl").read_bytes() for folder in folders}) == 1
    assert len({config(settings, name)["plan"]["steps"] for name in launched}) == 1
    for shares in ((), (0.0, 1.0), (2.0,)):
        with pytest.raises(RunError, match="shares"):
            start_curve(settings, dataset, shares=shares)


def test_the_table_says_how_the_runs_went(settings: Settings, dataset: Path) -> None:
    start_duel(settings, dataset, name="d")
    counts = {"asked": 10, "right_before": 1, "right_after": 9}
    finish(settings, "d-sft", 3.0, 1.0, trained=counts, held_out=counts, reading=None, forgetting=counts)
    rows = group_table(settings.home, "d")
    assert [row["label"] for row in rows] == ["sft", "raft"] and rows[0]["reading_asked"] is None
    assert (rows[0]["validation_before"], rows[0]["validation_best"], rows[0]["trained_right_after"]) == (3.0, 1.0, 9)
    assert best_of(rows) == "", "validation losses of two recipes are not compared"
    data, lines = commands.run_runs(settings, group="d")
    assert data["kind"] == "duel" and "9/10 (1)" in lines[2] and " - " in lines[3] + " "
    with pytest.raises(NotFoundError, match="there are d"):
        commands.run_runs(settings, group="nope")
    json.dumps(data)


def test_two_runs_are_compared_fact_by_fact(settings: Settings, dataset: Path) -> None:
    start(settings, dataset, name="one", steps=30)
    start(settings, dataset, "raft", name="two", steps=30, advanced={"rank": 4}, share=0.5)
    differs = {row["name"]: (row["one"], row["other"]) for row in difference(settings.home, "one", "two")}
    assert differs["recipe"] == ("sft", "raft") and differs["rank"] == (16, 4) and differs["run"] == ("one", "two")
    assert differs["rows"][0] == 2 * differs["rows"][1] and not {"steps", "base_sha256", "seed"} & set(differs)
    data, lines = commands.run_runs(settings, "one", other="two")
    assert len(data["differs"]) == len(lines) == len(differs)
    with pytest.raises(NotFoundError):
        facts(settings.home, "three")


def test_shares_and_processes_out_of_range_are_sentences(settings: Settings, dataset: Path) -> None:
    for wish, words in (({"share": 0}, "share"), ({"processes": 0}, "1 to 64"), ({"processes": 65}, "1 to 64")):
        with pytest.raises(RunError, match=words):
            start(settings, dataset, **wish)
    start(settings, dataset, name="team", processes=2)
    assert "torch.distributed.run --standalone --nproc_per_node 2 -m" in config(settings, "team")["command"]


def test_rows_that_an_evaluation_set_shares_are_blocked(settings: Settings, dataset: Path, tmp_path: Path) -> None:
    first = json.loads(dataset.read_text("utf-8").splitlines()[0])
    other = tmp_path / "eval.jsonl"
    other.write_text(json.dumps({"question": first["question"], "answers": ["x"]}), "utf-8")
    with pytest.raises(Exception, match=r"leakage .*: line 1"):
        start(settings, dataset, against=[other])
    start(settings, dataset, against=[other], drop=True, name="dropped")
    assert config(settings, "dropped")["dropped"] == {"leakage": [1]}


def test_the_command_line_starts_groups(settings: Settings, dataset: Path, launched: list[str], capsys: Any) -> None:
    def ragft(*words: str) -> Any:
        home = ["--home", str(settings.home), "--no-demo", "--json"]
        code = cli.main(["train", *home, str(dataset), "--preset", "smoke", *words])
        out, err = capsys.readouterr()
        return json.loads(out) if not code else err

    assert [row["steps"] for row in ragft("--duel", "--name", "a")["runs"]] == [20, 20]
    assert ragft("--sweep", "rank=4,8", "--name", "b")["kind"] == "sweep"
    assert len(ragft("--curve", "--name", "c")["runs"]) == 3 and len(launched) == 7
    assert "2 to 12 runs" in ragft("--sweep", "rank=4")
    ragft("--name", "d", "--set", "rank=4", "seed=3")
    assert [config(settings, "d")["plan"][name] for name in ("rank", "seed", "alpha")] == [4, 3, 32]
    assert "no training setting 'speed'" in ragft("--set", "speed=9")
    with pytest.raises(SystemExit):
        ragft("--duel", "--curve")
    assert cli.main(["runs", "--home", str(settings.home), "--group", "b"]) == 0
    assert "sweep b" in capsys.readouterr().out


def test_importing_the_new_parts_needs_no_torch() -> None:
    code = "import sys, ragft_core.training.duel, ragft_core.training.team; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
