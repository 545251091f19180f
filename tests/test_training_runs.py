"""A run's state is told right whoever was killed, the queue keeps its order, and a folder is whole or not there."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ragft_core import NotFoundError, Settings
from ragft_core.examples import DatasetError
from ragft_core.training import RunError, estimated, events, follow, resume, runs, start, status, stop
from ragft_core.training import start as start_run
from ragft_core.training.run import read_json, read_run, write_json

starter = sys.modules["ragft_core.training.start"]

# A worker without a model: it waits for its turn and says what a real one would, until told to stop or end.
FAKE = """
import sys, time
from pathlib import Path
from ragft_core.training.worker import Worker
class Fake(Worker):
    def _train(self):
        step = self._state.get("step", 0)
        while not self.stopped() and step < self.plan.steps and not (self.folder / "end").exists():
            step += 1
            self.say("running", "Training", step=step, seconds=step / 10, seconds_per_step=0.1)
            time.sleep(0.05)
        self.say("stopped" if self.stopped() else "done", "Ended", step=step)
Fake(Path(sys.argv[1])).run()
"""
APP = """
import sys
from pathlib import Path
from ragft_core.training.start import launch
launch(Path(sys.argv[1]), [sys.executable, "-c", sys.argv[2], sys.argv[1]])
print("launched", flush=True)
import time; time.sleep(60)
"""


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rows = [{"question": f"What is number {n}?", "answer": f"It is the number {n}, as said."} for n in range(40)]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return file


@pytest.fixture
def begin(settings: Settings, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Start a run whose worker is the fake; all processes are ended after the test."""
    real = starter.launch
    monkeypatch.setattr(starter, "launch", lambda folder: real(folder, [sys.executable, "-c", FAKE, str(folder)]))
    yield lambda name, **more: start(settings, dataset, name=name, **({"steps": 100_000} | more))
    for run in runs(settings.home):
        starter.end_processes(read_json(Path(run.folder) / "proc.json"))


def wait(settings: Settings, run_id: str, *states: str, seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while (run := status(settings.home, run_id)).state not in states:
        assert time.monotonic() < end, f"{run} is not {states} within {seconds} s"
        time.sleep(0.05)
    return run


def kill(run: Any) -> int:
    pid = read_json(Path(run.folder) / "proc.json")["pid"]
    os.kill(pid, signal.SIGKILL)
    return pid


def test_a_run_freezes_what_it_needs_and_outlives_its_dataset(begin: Any, settings: Settings, dataset: Path) -> None:
    run = begin("one", recipe="raft", preset="smoke")
    folder = Path(run.folder)
    dataset.unlink()
    assert {p.name for p in folder.iterdir()} >= {"config.json", "data", "checkpoints", "log.txt"}
    counts = {p.stem: len(p.read_text("utf-8").splitlines()) for p in (folder / "data").iterdir()}
    assert sum(counts.values()) == 40 and counts["validation"] >= 4
    config = read_json(folder / "config.json")
    assert config["recipe"]["name"] == "raft" and config["split"]["train"] == counts["train"]
    assert run.command == f"{Path(sys.executable).name} -m ragft_core.training.worker {folder}"
    run = wait(settings, "one", "running")
    assert run.steps == 100_000 and run.eta_seconds is not None
    assert set(run.to_json()) >= {"id", "state", "step", "steps", "train_loss", "eval_loss", "seconds"}
    assert stop(settings, "one", wait=10).state == "stopped"
    assert [r.id for r in runs(settings.home)] == ["one"]


def test_a_killed_worker_is_failed_within_5_seconds_and_resumes(begin: Any, settings: Settings) -> None:
    begin("one")
    run = wait(settings, "one", "running")
    kill(run)
    started = time.monotonic()
    run = wait(settings, "one", "failed", seconds=5)
    assert time.monotonic() - started < 5 and "Resume" in run.message
    with pytest.raises(RunError, match="Choose another name"):
        begin("one")
    assert resume(settings, "one").state in ("queued", "starting", "running")
    wait(settings, "one", "running")
    with pytest.raises(RunError, match="stop it first"):
        resume(settings, "one")


def test_a_worker_outlives_the_app_that_started_it(begin: Any, settings: Settings) -> None:
    run = begin("one")
    wait(settings, "one", "running")
    assert stop(settings, "one", wait=10).final
    app = subprocess.Popen([sys.executable, "-c", APP, run.folder, FAKE], stdout=subprocess.PIPE, text=True)
    assert app.stdout is not None and app.stdout.readline() == "launched\n"
    before = wait(settings, "one", "running")
    app.kill()
    app.wait()
    later = wait(settings, "one", "running")
    time.sleep(0.5)
    assert status(settings.home, "one").step > before.step >= 0 and later.state == "running"
    assert stop(settings, "one", wait=10).state == "stopped", "a new app can stop the run of a dead one"


def test_app_and_worker_killed_together_leave_a_failed_run(begin: Any, settings: Settings) -> None:
    run = begin("one")
    wait(settings, "one", "running")
    stop(settings, "one", wait=10)
    app = subprocess.Popen([sys.executable, "-c", APP, run.folder, FAKE], stdout=subprocess.PIPE, text=True)
    assert app.stdout is not None and app.stdout.readline() == "launched\n"
    kill(wait(settings, "one", "running"))
    app.kill()
    app.wait()
    assert wait(settings, "one", "failed", seconds=5).message.startswith("The run's process was killed")


def test_another_process_with_the_same_pid_is_not_the_worker(begin: Any, settings: Settings) -> None:
    run = begin("one")
    run = wait(settings, "one", "running")
    kill(run)
    mine = {"pid": os.getpid(), "create_time": 1.0}
    write_json(Path(run.folder) / "proc.json", mine)
    assert read_run(Path(run.folder)).state == "failed"


def test_runs_wait_for_their_turn_in_order_and_can_be_stopped_waiting(begin: Any, settings: Settings) -> None:
    first, second, third = (begin(name) for name in ("a", "b", "c"))
    wait(settings, "a", "running")
    end = time.monotonic() + 30  # "b" says why it waits once its process has come up
    while "one run trains at a time" not in status(settings.home, "b").message and time.monotonic() < end:
        time.sleep(0.05)
    assert "one run trains at a time" in status(settings.home, "b").message
    assert [status(settings.home, name).state for name in "abc"] == ["running", "queued", "queued"]
    (Path(first.folder) / "end").touch()
    wait(settings, "a", "done")
    wait(settings, "b", "running")
    assert status(settings.home, "c").state == "queued"
    assert stop(settings, "c", wait=10).message == "It was stopped before it began; nothing was trained."
    kill(second)
    assert wait(settings, "b", "failed").step > 0
    assert third.folder and begin("d") and wait(settings, "d", "running")


def test_a_killed_queued_run_is_told_and_does_not_block_the_queue(begin: Any, settings: Settings) -> None:
    begin("a")
    wait(settings, "a", "running")
    begin("b")
    time.sleep(0.8)
    begin("c")
    kill(status(settings.home, "b"))
    assert wait(settings, "b", "failed", seconds=5)
    stop(settings, "a", wait=10)
    assert wait(settings, "c", "running")


def test_follow_ends_with_the_run(begin: Any, settings: Settings) -> None:
    begin("one", steps=5)
    seen = list(follow(settings.home, "one", every=0.05))
    assert seen[-1].state == "done" and seen[-1].step == 5 and len(seen) >= 2


def test_a_process_that_never_came_to_be_is_failed_after_its_grace(begin: Any, settings: Settings) -> None:
    run = begin("one")
    wait(settings, "one", "running")
    kill(run)
    folder = Path(run.folder)
    (folder / "proc.json").unlink()
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", config | {"started": time.time()})
    assert read_run(folder).state == "starting"
    write_json(folder / "config.json", config | {"started": time.time() - 5})
    assert read_run(folder).state == "failed"


def test_a_deaf_process_is_ended_hard_after_its_grace(begin: Any, settings: Settings) -> None:
    run = begin("one")
    wait(settings, "one", "running")
    pid = read_json(Path(run.folder) / "proc.json")["pid"]
    os.kill(pid, signal.SIGSTOP)
    assert stop(settings, "one", wait=0.2).state == "stopping"
    assert stop(settings, "one", grace=0.1).state in ("failed", "stopping")
    assert wait(settings, "one", "failed", seconds=5)


def test_names_and_unknown_runs_are_sentences(begin: Any, settings: Settings, dataset: Path) -> None:
    for name in ("../x", "", ".hidden", "a/b", "x" * 200, "a..b"):
        with pytest.raises((RunError, NotFoundError)):
            start(settings, dataset, name=name or "../")
        with pytest.raises(NotFoundError):
            status(settings.home, name)
    for wish in ({"recipe": "magic"}, {"preset": "huge"}, {"steps": -1}, {"advanced": {"rank": 0}}):
        with pytest.raises(RunError):
            start(settings, dataset, **wish)
    assert runs(settings.home) == []
    (settings.home / "adapters" / "taken").mkdir(parents=True)
    with pytest.raises(RunError, match="already"):
        start(settings, dataset, name="taken")


def test_a_blocked_dataset_starts_nothing_unless_its_faults_are_dropped(
    begin: Any, settings: Settings, dataset: Path
) -> None:
    dataset.write_text(dataset.read_text("utf-8") + "\n{broken", "utf-8")
    with pytest.raises(DatasetError, match=r"broken .*: line 41"):
        begin("one")
    assert runs(settings.home) == []
    run = begin("one", drop=True)
    assert read_json(Path(run.folder) / "config.json")["dropped"] == {"broken": [41]}


def test_data_deleted_from_the_runs_folder_are_a_sentence(begin: Any, settings: Settings) -> None:
    run = begin("one")
    wait(settings, "one", "running")
    stop(settings, "one", wait=10)
    shutil.rmtree(Path(run.folder) / "data")
    with pytest.raises(RunError, match="were deleted"):
        resume(settings, "one")


def test_torn_lines_of_events_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"step": 1}\n[2]\n{"step": 3, "lo', "utf-8")
    assert list(events(tmp_path)) == [{"step": 1}]
    assert list(events(tmp_path / "nothing")) == []


def test_a_folder_that_cannot_be_written_is_a_sentence(begin: Any, settings: Settings, monkeypatch: Any) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(starter, "write_rows", full)
    with pytest.raises(RunError, match="No space left"):
        begin("one")
    assert not [*(settings.home / "runs").iterdir()]


def test_importing_training_is_light() -> None:
    code = "import sys, ragft_core.training, ragft_core.examples.check; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    assert start_run is starter.start


def test_the_commands_give_the_contracts_json_and_lines(begin: Any, settings: Settings, dataset: Path) -> None:
    from ragft_core.training import commands

    seen: list[Any] = []
    data, lines = commands.run_train(settings, str(dataset), "sft", "smoke", 3, "cli", following=True, show=seen.append)
    wanted = "id state step steps train_loss eval_loss seconds eta_seconds message folder command".split()
    assert set(wanted) <= set(data) and data["state"] == "done" and data["step"] == 3
    assert lines[0].startswith("done") and lines[2].endswith(data["folder"]) and seen
    listed, lines = commands.run_runs(settings)
    assert [run["id"] for run in listed["runs"]] == ["cli"] and len(lines) == 1
    assert commands.run_runs(settings, "cli")[0]["state"] == "done"
    with pytest.raises(RunError, match="is done"):
        commands.run_resume(settings, "cli")
    assert commands.run_stop(settings, "cli")[0]["state"] == "done"
    json.dumps([data, listed])


def test_check_as_a_command(settings: Settings, dataset: Path, tmp_path: Path) -> None:
    from ragft_core.training import commands

    dataset.write_text(
        dataset.read_text("utf-8") + "\n{broken\n" + '{"question": "Long?", "answer": "%s"}' % ("x y " * 4000)
    )
    data, lines = commands.run_check(settings, str(dataset), clean=str(tmp_path / "clean.jsonl"))
    assert data["rows"] == 41 and {(p["line"], p["kind"]) for p in data["problems"]} >= {
        (41, "broken"),
        (42, "too long"),
    }
    assert data["split"]["validation"] >= 4 and data["dropped"] == {"broken": [41], "too long": [42]}
    assert any("(blocking)" in line for line in lines)
    table = tmp_path / "table.csv"
    table.write_text("Frage,Antwort\nWo?,Hier.\n", "utf-8")
    found, _ = commands.run_check(settings, str(table), mapping={"question": "Antwort", "answer": "Frage"})
    assert found["mapping"] == {"question": "Antwort", "answer": "Frage"} and found["columns"] == ["Frage", "Antwort"]


def test_the_cost_is_estimated_before_the_start(settings: Settings, dataset: Path, begin: Any) -> None:
    found = estimated(settings, dataset, "sft", "smoke")
    assert found.steps == 20 and found.seconds > 10 and found.adapter_bytes > 100_000 and "matrix speed" in found.basis
    larger = estimated(settings, dataset, "sft", "full", advanced={"rank": 64})
    assert larger.adapter_bytes == 4 * found.adapter_bytes and larger.tokens > 2 * found.tokens
    run = begin("past", preset="smoke")
    steps = [json.dumps({"kind": "step", "step": n, "tokens_per_second": 100.0 + n}) for n in range(9)]
    stop(settings, "past", wait=10)
    (Path(run.folder) / "events.jsonl").write_text("\n".join(steps), "utf-8")
    again = estimated(settings, dataset, "sft", "smoke")
    assert again.tokens_per_second == 104 and again.basis == "measured in the run past"
    assert runs(settings.home)[0].id == "past" and len(runs(settings.home)) == 1, "an estimate starts nothing"


def test_an_evaluation_set_is_not_trained_on(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "eval.jsonl"
    file.write_text("\n".join(json.dumps({"question": f"Q{n}?", "answers": [f"A{n}"]}) for n in range(9)), "utf-8")
    with pytest.raises(DatasetError, match="is an evaluation set"):
        start(settings, file)
