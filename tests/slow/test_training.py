"""Real runs of the embedded model: an adapter in use, kills aimed at a save, early stopping, stop, a full disk."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragft_core import Settings, Studio
from ragft_core.settings import ASSETS
from ragft_core.training import Run, events, resume, runs, start, status, stop
from ragft_core.training import checkpoint as checkpoints
from ragft_core.training.prepare import estimated
from ragft_core.training.run import read_json
from ragft_core.training.start import end_processes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
KILLS = int(os.environ.get("RAGFT_TEST_KILLS", "3"))  # 10 or 30 for a long look
FEW = {"batch": 4, "samples": 1, "evaluate_every": 4, "save_every": 1}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def settings(home: Path) -> Iterator[Settings]:
    settings = Settings.load(home=home, demo=False)
    yield settings
    for run in runs(home):
        end_processes(read_json(Path(run.folder) / "proc.json"))


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """36 rows of the demo: 9 facts, 4 questions each."""
    lines = (ASSETS / "demo" / "train.jsonl").read_text("utf-8").splitlines()[:36]
    file = tmp_path / "few.jsonl"
    file.write_text("\n".join(lines), "utf-8")
    return file


def wait(settings: Settings, run_id: str, *states: str, seconds: float = 600) -> Run:
    end = time.monotonic() + seconds
    while (run := status(settings.home, run_id)).state not in states:
        assert time.monotonic() < end and not run.final, f"{run}\n{(Path(run.folder) / 'log.txt').read_text()[-2000:]}"
        time.sleep(0.1)
    return run


def wait_step(settings: Settings, run_id: str, step: int) -> Run:
    while (run := status(settings.home, run_id)).step < step:
        assert not run.final, run
        time.sleep(0.02)
    return run


def tensors(folder: str | Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(Path(folder) / "adapter_model.safetensors")


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    import torch

    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def kill(run: Run) -> None:
    os.kill(read_json(Path(run.folder) / "proc.json")["pid"], signal.SIGKILL)


def kill_in_a_save(settings: Settings, run_id: str, after: int) -> bool:
    """Kill a run as soon as it writes a checkpoint beyond a step; whether a half-written one was left."""
    folder = Path(status(settings.home, run_id).folder)
    while True:
        torn = [p for p in (folder / "checkpoints").glob(".step-*") if int(p.name[6:13]) > after]
        run = status(settings.home, run_id) if not torn else None
        if torn:
            kill(status(settings.home, run_id))
            break
        assert run is not None and not run.final, run
        time.sleep(0.0005)
    wait(settings, run_id, "failed", seconds=5)
    return any((folder / "checkpoints").glob(".step-*"))


def test_a_smoke_run_gives_an_adapter_that_the_engine_takes(settings: Settings, few: Path) -> None:
    from ragft_core.engine import Engine
    from ragft_core.prompts import messages
    from ragft_core.types import Decoding, Row

    run = start(settings, few, "raft", "smoke", name="tried", advanced=FEW | {"evaluate_every": 5, "save_every": 5})
    run = wait(settings, run.id, "done")
    told = list(events(Path(run.folder)))
    steps = [event for event in told if event["kind"] == "step"]
    losses = [event for event in told if event["kind"] == "evaluation"]
    assert [event["step"] for event in steps] == list(range(1, 21))
    assert all(event["grad_norm"] > 0 and event["tokens_per_second"] > 0 for event in steps)
    assert losses[-1]["loss"] < losses[0]["loss"] and losses[-1]["samples"]
    report = read_json(Path(run.folder) / "report.json")
    assert report["colour"] in ("green", "amber", "red") and len(report["findings"]) >= 4
    adapter = settings.home / "adapters" / "tried"
    card = read_json(adapter / "adapter_card.json")
    assert run.adapter == str(adapter) and card["recipe"] == "raft" and card["metrics"]["eval_loss"] > 0
    assert (adapter / "README.md").is_file() and not [p for p in adapter.parent.iterdir() if p.name.startswith(".")]
    engine = Engine.load(settings, (settings.home / "adapters",))
    assert engine.describe_adapter("tried")["adapter_base"] == card["base_sha256"]
    question = messages("What are the opening hours of the reception?")
    *_, (base, tuned) = engine.stream([Row(question), Row(question, "tried")], Decoding(24))
    assert base.state == tuned.state == "done" and base.text != tuned.text


def test_frozen_lower_layers_get_no_adapter(settings: Settings, few: Path) -> None:
    layers = json.loads((Path(settings.model) / "config.json").read_text())["num_hidden_layers"]
    run = start(settings, few, "sft", "smoke", steps=4, name="upper", advanced=FEW | {"frozen_layers": layers - 2})
    run = wait(settings, run.id, "done")
    names = set(tensors(run.adapter))
    assert {name.split(".layers.")[1].partition(".")[0] for name in names} == {str(layers - 2), str(layers - 1)}
    assert len(names) == 2 * 7 * 2  # layers, linear layers in each, A and B


def test_a_killed_run_resumes_and_equals_the_uninterrupted_one(settings: Settings, few: Path) -> None:
    steps, exact = 4 + 2 * KILLS, FEW | {"precision": "fp32"}  # the longer test of kills trains as is usual: mixed
    start(settings, few, "raft", "smoke", steps=steps, name="whole", advanced=exact)
    wait(settings, "whole", "done")
    run = start(settings, few, "raft", "smoke", steps=steps, name="cut", advanced=exact)
    torn = 0
    for n in range(KILLS):
        torn += kill_in_a_save(settings, "cut", after=1 + 2 * n)
        found = checkpoints.newest(Path(run.folder))
        assert found is not None and int(found.name[5:]) >= status(settings.home, "cut").step - 1
        resume(settings, "cut")
    run = wait(settings, "cut", "done")
    print(f"{KILLS} kills aimed at a save, {torn} left a half-written checkpoint")
    whole = status(settings.home, "whole")
    assert same(tensors(run.adapter), tensors(whole.adapter))
    told = [[(e["step"], e["loss"]) for e in events(Path(r.folder)) if "loss" in e] for r in (run, whole)]
    assert told[0] == told[1] and run.eval_loss == whole.eval_loss


def test_a_run_killed_on_two_threads_equals_the_whole_one(
    settings: Settings, few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    for name in ("whole", "cut"):
        start(settings, few, "raft", "smoke", steps=6, name=name, advanced=FEW)
        if name == "cut":
            kill_in_a_save(settings, name, after=2)
            resume(settings, name)
        wait(settings, name, "done")
    assert same(*(tensors(status(settings.home, name).adapter) for name in ("whole", "cut")))


def test_a_damaged_newest_checkpoint_is_passed_over(settings: Settings, few: Path) -> None:
    run = start(settings, few, "sft", "smoke", steps=30, name="hurt", advanced=FEW)
    wait_step(settings, "hurt", 5)
    kill(run)
    wait(settings, "hurt", "failed")
    newest, older = checkpoints.complete(Path(run.folder))[:2]
    with (newest / "adapter.safetensors").open("r+b") as file:
        file.truncate(1000)
    assert checkpoints.newest(Path(run.folder)) == older
    resume(settings, "hurt")
    wait(settings, "hurt", "running")
    again = wait_step(settings, "hurt", 6)
    assert again.state == "running"
    stop(settings, "hurt", wait=60)


def test_stop_keeps_the_best_and_resume_goes_on(settings: Settings, few: Path) -> None:
    start(settings, few, "sft", "smoke", steps=40, name="halt", advanced=FEW)
    wait_step(settings, "halt", 6)
    run = stop(settings, "halt", wait=120)
    assert run.state == "stopped" and 6 <= run.step < 40 and "is ready" in run.message, run
    kept = tensors(settings.home / "adapters" / "halt")
    card = read_json(settings.home / "adapters" / "halt" / "adapter_card.json")
    assert card["steps"] <= run.step and card["steps"] % 4 == 0, "the best evaluation, not the last step"
    resume(settings, "halt")
    run = wait(settings, "halt", "done")
    assert run.step == 40 and not same(kept, tensors(run.adapter))


def test_the_model_of_the_app_is_let_go_for_a_run_and_is_back_after_it(
    settings: Settings, few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the reading of free memory is made up: the model, the run and the answers are real."""
    import weakref

    import ragft_core.loaded

    with Studio(settings) as studio:
        *_, before = studio.ask("Where is the laboratory?", arms=("base",))
        gone = weakref.ref(studio.engine._base.model)
        run = start(settings, few, "sft", "smoke", steps=2, advanced=FEW)
        cost = estimated(settings, few, "sft", "smoke", steps=2, advanced=FEW).memory_bytes
        monkeypatch.setattr(ragft_core.loaded, "free_memory", lambda: cost - 1)
        assert studio.make_room(cost, lambda: wait(settings, run.id, "done"))
        assert gone() is None and studio._loaded._engine is None, "its memory is free while the run goes on"
        assert not status(settings.home, run.id).final
        wait(settings, run.id, "done")
        end = time.monotonic() + 120
        while studio._loaded._engine is None and time.monotonic() < end:
            time.sleep(0.1)
        assert studio._loaded._engine is not None, "it comes back by itself"
        *_, after = studio.ask("Where is the laboratory?", arms=("base",))
        assert [answer.text for answer in after.answers] == [answer.text for answer in before.answers]


def test_early_stopping_fires_when_only_learning_by_heart_is_left(settings: Settings, tmp_path: Path) -> None:
    rng = random.Random(0)
    words = "amber bell cedar dune ember fjord grain harbour iris jade kelp lantern maple north olive pearl".split()
    rows = [
        {"question": f"Code {n} {rng.choice(words)}?", "answer": " ".join(rng.choices(words, k=8)), "id": str(n)}
        for n in range(40)
    ]
    (tmp_path / "noise.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    advanced = FEW | {"batch": 8, "evaluate_every": 5, "save_every": 50, "patience": 3, "samples": 0}
    start(settings, tmp_path / "noise.jsonl", "sft", "small", steps=600, name="noise", advanced=advanced)
    run = wait(settings, "noise", "done")
    assert run.step < 600 and "Stopped early at step" in run.message and "best adapter is kept" in run.message
    losses = {e["step"]: e["loss"] for e in events(Path(run.folder)) if e["kind"] == "evaluation"}
    card = read_json(Path(run.adapter) / "adapter_card.json")
    assert card["steps"] == min(losses, key=lambda step: losses[step]) < run.step


def test_the_base_gone_or_changed_is_a_sentence(settings: Settings, few: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(ASSETS / "model", model)
    own = settings.model_copy(update={"model": str(model)})
    run = start(own, few, "sft", "smoke", steps=40, name="base", advanced=FEW)
    wait_step(settings, "base", 2)
    kill(run)
    wait(settings, "base", "failed")
    shutil.rmtree(model)
    resume(own, "base")
    while not (run := status(settings.home, "base")).final:
        time.sleep(0.1)
    assert run.state == "failed" and "model" in run.message and "no " in run.message.lower()


def test_a_full_disk_is_a_sentence_and_nothing_saved_is_lost(settings: Settings, few: Path) -> None:
    small = settings.home / "runs"
    small.mkdir(parents=True)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", str(small)], capture_output=True)
    if made.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        run = start(settings, few, "sft", "smoke", steps=200, name="full", advanced=FEW)
        wait_step(settings, "full", 4)
        with (small / "filler").open("wb") as filler:  # in one go: the worker is to meet a disk that is full
            for _ in range(200):  # the worker may take some of the room between the look and the grab
                with contextlib.suppress(OSError):
                    os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(small).free - 8192)
                    break
        while not (run := status(settings.home, "full")).final:
            time.sleep(0.1)
        assert run.state == "failed" and "The disk" in run.message and "full" in run.message, run
        found = checkpoints.newest(Path(run.folder))
        assert found is not None
        (small / "filler").unlink()
        resume(settings, "full")
        wait(settings, "full", "running")
        wait_step(settings, "full", run.step + 2)
        stop(settings, "full", wait=60)
    finally:
        for run in runs(settings.home):
            end_processes(read_json(Path(run.folder) / "proc.json"))
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_evaluation_does_not_take_the_gradients_of_a_4_bit_model(settings: Settings, few: Path) -> None:
    from ragft_core.examples import closed_book, read
    from ragft_core.training import Plan
    from ragft_core.training.student import load_student

    student = load_student(settings.model_copy(update={"precision": "nf4"}), Plan(method="qlora", precision="nf4"))
    assert student.base.precision == "nf4"
    batch = [student.coder.encode(closed_book(row)) for row in read(few).rows[:4]]
    norms = []
    for _ in range(2):
        student.model.train()
        student.loss(batch, backward=True)
        norms.append(sum(float(value.grad.norm()) for value in student.weights.values()))
        for value in student.weights.values():
            value.grad = None
        student.model.eval()
        student.loss(batch)
    assert norms[1] == pytest.approx(norms[0], rel=0.02) and norms[0] > 0
