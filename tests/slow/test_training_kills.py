"""Ten kills (thirty with RAGFT_TEST_KILLS=30), most aimed at a save: every run resumes and ends bit by bit the same."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ragft_core import Settings
from ragft_core.settings import ASSETS
from ragft_core.training import Run, events, group_table, resume, runs, start, start_duel, status
from ragft_core.training import checkpoint as checkpoints
from ragft_core.training.run import read_json
from ragft_core.training.start import end_processes

from .conftest import wait_until
from .test_training import FEW, kill, same, tensors, wait, wait_step
from .tiny import make_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
KILLS = int(os.environ.get("RAGFT_TEST_KILLS", "10"))
ROOT = Path(__file__).parents[2]
starter = sys.modules["ragft_core.training.start"]


@pytest.fixture(scope="module")
def nest() -> Iterator[subprocess.Popen]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("RAGFT_")}
    env |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "tests.slow.nest"]
    process = subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.stdin.close()
    process.wait(20)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("tiny") / "model", max_position_embeddings=1024)


@pytest.fixture
def room() -> dict[str, int]:
    """Put a number into it to limit the memory of the next workers."""
    return {}


@pytest.fixture
def settings(
    home: Path, model: Path, nest: subprocess.Popen, room: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Settings on a tiny model; workers hatch from the nest."""

    real = subprocess.Popen

    def hatched(command: list[str], **how: Any) -> Any:
        assert nest.stdin is not None and nest.stdout is not None
        if "torch.distributed.run" in command:
            return real(command, **how)
        order = {"folder": command[-1], "log": str(Path(command[-1]) / "log.txt"), "env": how["env"]} | room
        nest.stdin.write(json.dumps(order) + "\n")
        nest.stdin.flush()
        return SimpleNamespace(pid=int(nest.stdout.readline()))

    fake = SimpleNamespace(Popen=hatched, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT)
    monkeypatch.setattr(starter, "subprocess", fake)
    settings = Settings.load(home=home, demo=False, model=str(model), threads=1)
    yield settings
    for run in runs(home):
        end_processes(read_json(Path(run.folder) / "proc.json"))


@pytest.fixture
def few(tmp_path: Path) -> Path:
    lines = (ASSETS / "demo" / "train.jsonl").read_text("utf-8").splitlines()[:36]
    (tmp_path / "few.jsonl").write_text("\n".join(lines), "utf-8")
    return tmp_path / "few.jsonl"


def kill_somewhere(run: Run, how: int, after: int, rng: random.Random) -> str:
    """Kill a run beyond a step: in the middle of a save, shortly after its begin, or (every fifth) anywhere."""
    folder = Path(run.folder) / "checkpoints"
    if how % 5 == 4:
        time.sleep(rng.uniform(0.05, 0.5))
        kill(run)
        return "anywhere"
    end = time.monotonic() + 120
    while time.monotonic() < end:
        new = [name for name in os.listdir(folder) if name.startswith(".step-") and int(name[6:13]) > after]  # noqa: PTH208
        if new and (how % 3 != 1 or (folder / new[0] / "facts.json").exists()):
            if how % 3 == 2:
                time.sleep(rng.uniform(0, 0.02))
            kill(run)
            return "in a save"
    raise AssertionError(f"no save beyond step {after}: {status(Path(run.folder).parents[1], run.id)}")


def test_killed_runs_resume_and_end_bit_by_bit_as_the_whole_one(settings: Settings, few: Path) -> None:
    steps, rng = 10 + 8 * KILLS, random.Random(1)  # more than the kills can use up on a fast machine
    advanced = FEW | {"samples": 0}
    start(settings, few, "raft", "smoke", steps=steps, name="whole", advanced=advanced)
    whole = wait(settings, "whole", "done")
    run = start(settings, few, "raft", "smoke", steps=steps, name="cut", advanced=advanced)
    torn, aimed, slowest = 0, 0, 0.0
    for n in range(KILLS):
        newest = checkpoints.newest(Path(run.folder))
        aimed += kill_somewhere(run, n, int(newest.name[5:]) + 1 if newest else 1, rng) == "in a save"
        killed = time.monotonic()
        wait(settings, "cut", "failed", seconds=5)
        slowest = max(slowest, time.monotonic() - killed)
        torn += any((Path(run.folder) / "checkpoints").glob(".step-*"))
        run = resume(settings, "cut")
        assert run.state in ("queued", "starting", "running")
    run = wait(settings, "cut", "done")
    print(f"{KILLS} kills, {aimed} aimed at a save, {torn} left a half-written checkpoint; told within {slowest:.2f} s")
    assert aimed >= 0.7 * KILLS and torn >= 1
    assert same(tensors(run.adapter), tensors(whole.adapter))
    told = [[(e["step"], e["loss"]) for e in events(Path(r.folder)) if "loss" in e] for r in (run, whole)]
    assert told[0] == told[1] and len(told[0]) > steps


def test_two_processes_train_as_one_does_and_die_and_resume_together(settings: Settings, few: Path) -> None:
    import psutil
    import torch

    advanced = FEW | {"samples": 0, "precision": "fp32"}  # bf16 rounds a half batch otherwise than a whole one
    start(settings, few, "raft", "smoke", steps=12, name="alone", advanced=advanced)
    run = start(settings, few, "raft", "smoke", steps=12, name="team", advanced=advanced, processes=2)
    wait_step(settings, "team", 5)
    ours = [p for p in psutil.process_iter(["cmdline"]) if run.folder in (p.info["cmdline"] or [])]
    assert len(ours) == 3, "torchrun and two workers"
    kill(run)
    wait(settings, "team", "failed", seconds=5)
    assert not psutil.wait_procs(ours, timeout=60)[1], "nobody is left behind"
    resume(settings, "team")
    team, alone = wait(settings, "team", "done"), wait(settings, "alone", "done")
    told = [[(e["step"], e["loss"]) for e in events(Path(r.folder)) if "loss" in e] for r in (team, alone)]
    assert [step for step, _ in told[0]] == [step for step, _ in told[1]], "one process writes"
    assert all(abs(a - b) < 2e-3 for (_, a), (_, b) in zip(*told, strict=True)), "the same up to rounding"
    a, b = tensors(team.adapter), tensors(alone.adapter)
    assert all(torch.allclose(a[key], b[key], atol=2e-3) for key in b)
    assert read_json(Path(team.folder) / "state.json")["processes"] == 2


def test_too_little_memory_is_a_sentence(settings: Settings, few: Path, room: dict[str, int]) -> None:
    room["room"] = 40_000_000
    start(settings, few, "raft", "smoke", steps=50, name="tight", advanced=FEW | {"batch": 64})
    while not (run := status(settings.home, "tight")).final:
        time.sleep(0.1)
    assert run.state == "failed" and "not enough memory" in run.message and "smaller batch" in run.message, run
    assert not (settings.home / "adapters").exists()
    room.clear()
    resume(settings, "tight")
    wait_step(settings, "tight", 1)


def test_a_dataset_deleted_in_mid_run_changes_nothing_and_the_runs_copy_is_missed(
    settings: Settings, few: Path
) -> None:
    run = start(settings, few, "sft", "smoke", steps=12, name="gone", advanced=FEW)
    few.unlink()
    wait_step(settings, "gone", 2)
    shutil.rmtree(Path(run.folder) / "data")
    assert wait(settings, "gone", "done").step == 12, "all rows are in memory by then"


def test_no_secret_of_the_environment_gets_into_a_run(
    settings: Settings, few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_canary12345")
    run = start(settings, few, "sft", "smoke", steps=4, name="quiet", advanced=FEW)
    run = wait(settings, "quiet", "done")
    written = [file for top in (run.folder, run.adapter) for file in Path(top).rglob("*") if file.is_file()]
    assert len(written) > 10 and not [file for file in written if b"canary" in file.read_bytes()]


def test_state_files_are_never_half_written(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ragft_core.training.run import write_json\n"
        "n = 0\nwhile True:\n n += 1; write_json(Path(sys.argv[1]), {'n': n, 'long': 'x' * 50_000})"
    )
    file, rng, written = tmp_path / "state.json", random.Random(3), 0
    for _ in range(6):
        file.unlink(missing_ok=True)
        child = subprocess.Popen([sys.executable, "-c", code, str(file)], cwd=ROOT)
        wait_until(file.exists)
        time.sleep(rng.uniform(0.1, 0.5))
        child.kill()
        child.wait()
        written += json.loads(file.read_text("utf-8"))["n"]
        assert read_json(file)["long"] == "x" * 50_000
    assert written > 100


def test_a_duel_of_real_workers_ends_in_one_table(settings: Settings, few: Path) -> None:
    duel = start_duel(settings, few, "smoke", name="two", advanced=FEW | {"samples": 0})
    assert [run.state for run in duel.runs][1] in ("queued", "starting"), "one after the other"
    for run in duel.runs:
        wait(settings, run.id, "done")
    sft, raft = group_table(settings.home, "two")
    assert sft["step"] == raft["step"] == 20 and sft["data_sha256"] == raft["data_sha256"]
    assert all(row[f"{part}_asked"] >= 4 for row in (sft, raft) for part in ("trained", "held_out", "reading"))
    names = {finding["name"] for finding in read_json(Path(duel.runs[0].folder) / "report.json")["findings"]}
    assert {"validation", "trained", "held_out", "reading", "forgetting"} <= names
    assert {file.name for file in (settings.home / "adapters").iterdir()} == {"two-sft", "two-raft"}


def test_the_forgetting_probe_turns_red_on_a_run_built_to_forget(settings: Settings, tmp_path: Path) -> None:
    rng = random.Random(0)
    words = "amber bell cedar dune ember fjord grain harbour iris jade kelp lantern maple north olive pearl".split()
    asked = [f"Code {n} {rng.choice(words)}?" for n in range(40)]
    rows = [{"question": question, "answer": " ".join(rng.choices(words, k=8))} for question in asked]
    (tmp_path / "noise.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    reads = settings.model_copy(update={"model": str(ASSETS / "model")})
    hot = FEW | {"batch": 8, "learning_rate": 2e-2, "patience": 0, "samples": 0, "evaluate_every": 40, "save_every": 40}
    start(reads, tmp_path / "noise.jsonl", "sft", "small", steps=40, name="lost", advanced=hot)
    run = wait(reads, "lost", "done")
    report = read_json(Path(run.folder) / "report.json")
    (found,) = [finding for finding in report["findings"] if finding["name"] == "forgetting"]
    assert found["colour"] == "red" == report["colour"] and "unlearnt to read" in found["message"], found
