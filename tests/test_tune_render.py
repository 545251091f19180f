"""What the Fine-tune tab shows, without a browser: figures, curves, verdicts; and nothing of others' text is HTML."""

import re
from pathlib import Path
from typing import Any

import pytest

from ragft_core.adapters import AdapterInfo
from ragft_core.examples.propose import Proposal
from ragft_core.training import Run
from ragft_core.training.curves import Curves
from ragft_core.training.estimate import Estimate
from ragft_core.training.plan import Plan
from ragft_ui import render_examples, render_runs, render_tune
from ragft_ui.chart import Line, chart, number, scale

from .test_render import PAYLOADS, Tags

NEVER = {"img", "script", "svg", "iframe", "form", "object", "embed", "a", "javascript", "code"}
REPORT: dict[str, Any] = {
    "colour": "amber",
    "findings": [
        {"name": "validation", "colour": "green", "message": "The loss fell."},
        {"name": "forgetting", "colour": "red", "message": "It has unlearnt to read."},
        {"name": "new_check", "colour": "amber", "message": "Look here."},
    ],
    "figures": {
        "held_out": {"examples": [{"question": "Q?", "before": "nothing", "after": "room 7", "expected": "room 7"}]}
    },
}


def events(steps: int = 6) -> Curves:
    curves = Curves()
    for n in range(1, steps + 1):
        curves.take(
            {"kind": "step", "step": n, "loss": 3 - n / 3, "lr": 1e-3, "grad_norm": 1.0, "tokens_per_second": 90.0}
        )
    for n in range(0, steps + 1, 3):
        samples = [{"question": "Context:\n[1] x\n\nQuestion: Why?", "answer": f"Said at {n}", "expected": "Blue"}]
        curves.take({"kind": "evaluation", "step": n, "loss": 4 - n / 2, "best": True, "samples": samples if n else []})
    return curves


def run(**more: Any) -> Run:
    usual = {"id": "mine", "state": "running", "step": 5, "steps": 20, "train_loss": 1.5, "eval_loss": 2.25}
    return Run(**(usual | {"recipe": "raft", "preset": "small", "message": "Training, step 5 of 20"} | more))


# ---------------------------------------------------------------- curves


def test_a_chart_names_its_lines_and_says_where_they_stand() -> None:
    drawn = chart(
        "Loss", [Line("training", "train", [(1, 3.0), (2, 2.0)]), Line("validation", "validation", [(0, 4.0)])], 20
    )
    assert "aria-label='Loss: training 2 at step 2; validation 4 at step 0'" in drawn
    assert "curve train" in drawn and "M0.0 0.0h0" in drawn and "step 20" in drawn
    assert "Appears with the first steps" in chart("Loss", [Line("training", "train", [])], 20)
    assert "bestline" in chart("Loss", [Line("a", "train", [(1, 1.0), (9, 2.0)])], 9, mark=4)
    assert "bestline" not in drawn


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([1.0, 2.0], 1.0, 2.0),
        ([5.78, 1.41], 0.0, 6.0),
        ([3.0], 3.0, 4.0),
        ([0.0, 0.0], 0.0, 0.25),
        ([-1e-9, 1e-9], -1e-9, 1e-9),
    ],
)
def test_a_scale_has_round_ends_around_the_values(values: list[float], low: float, high: float) -> None:
    found = scale(values)
    assert found[0] == pytest.approx(low) and found[1] == pytest.approx(high)
    assert found[0] <= min(values) and found[1] >= max(values) and 2 <= len(found[2]) <= 7


def test_a_value_that_is_no_number_breaks_no_chart() -> None:
    assert scale([float("nan"), float("inf"), 1.0])[:2] == scale([1.0])[:2]
    drawn = chart("Loss", [Line("a", "train", [(1, 2.0), (2, float("nan")), (3, 1.0)])], 3)
    assert "d='M333.3 0.0L1000.0 100.0'" in drawn and ">nan<" not in drawn
    assert [number(x) for x in (0.0, 2.5, 0.0032, 0.00004, 1_234_567)] == ["0", "2.5", "0.0032", "4e-5", "1e6"]


def test_the_run_s_curves_are_all_there() -> None:
    drawn = render_tune.drawn(events(), 20)
    for name in ("Loss", "Learning rate", "Gradient norm", "Tokens per second"):
        assert f"<b>{name}</b>" in drawn
    assert "best, step 6" in drawn


# ---------------------------------------------------------------- a run


def test_progress_says_state_figures_and_message() -> None:
    shown = render_tune.progress(run(eta_seconds=75.0, seconds=30.0), events())
    for words in ("data-state='running'", "5 / 20", "1.500", "2.250", "75 s", "30 s", ">90<", "Training, step 5 of 20"):
        assert words in shown
    assert "aria-valuenow='25'" in shown
    fresh = render_tune.progress(Run("mine", "queued"), Curves())
    assert "&ndash;" in fresh and "Waiting" in fresh


@pytest.mark.parametrize("state", ["queued", "starting", "running", "stopping", "stopped", "done", "failed"])
def test_every_state_of_a_run_has_its_word(state: str) -> None:
    kind, word = render_tune.STATES[state]
    assert word in render_tune.pill(state) and kind


def test_sample_answers_stand_beside_what_was_expected_and_said_before() -> None:
    shown = render_tune.samples(events(9).evaluations)
    assert "Sample answers at step 9" in shown and "<p class='sq'>Why?</p>" in shown
    assert shown.index("Said at 9") < shown.index("Expected") < shown.index("Said at 6") < shown.index("Said at 3")
    assert render_tune.samples([]) == render_tune.samples([{"step": 0, "samples": []}]) == ""


def test_did_it_work_is_said_in_words_not_by_colour_alone() -> None:
    shown = render_tune.report(REPORT, "small")
    assert "It worked in part" in shown and "New check" in shown and "smoke test" not in shown
    assert re.findall(r"class='signal \w+'>(\w+)<", shown) == ["Good", "Bad", "Look"]
    assert "<td>nothing</td><td>room 7</td>" in shown
    assert "smoke test" in render_tune.report(REPORT, "smoke") and render_tune.report({}) == ""
    for colour in ("green", "red", "purple"):
        assert "verdict" in render_tune.report({"colour": colour})


def test_an_estimate_gives_time_memory_size_and_its_basis() -> None:
    cost = Estimate(200, 10, 5.0, 713.0, 1_700_000_000, 1_720_320, 1, "measured in the run x", "It needs more.")
    shown = render_tune.cost(Plan(steps=200, epochs=10.0), cost)
    for words in ("12 min", "1.7 GB", "1.7 MB", "200 steps (10 rounds", "measured in the run x", "It needs more."):
        assert words in shown
    assert [render_tune.seconds(s) for s in (5, 600, 7200)] == ["5 s", "10 min", "2.0 h"]


# ---------------------------------------------------------------- lists


def test_the_runs_are_listed_with_what_came_of_them() -> None:
    shown = render_runs.run_table([(run(), ""), (run(id="old", state="done"), "green")], "old")
    assert shown.count("<tr>") == 2 and "class=chosen" in shown and ">Good<" in shown and "data-act='show'" in shown
    assert "listed here" in render_runs.run_table([])


def test_differences_are_told_and_equal_runs_too() -> None:
    told = [{"name": "learning_rate", "one": 0.004, "other": 0.0002}, {"name": "a", "one": None, "other": "x" * 500}]
    shown = render_runs.differences("a", "b", told, 31)
    assert "learning rate" in shown and "0.004" in shown and "0.0002" in shown and "31 other" in shown
    assert "&ndash;" in shown and "x" * 200 not in shown
    assert "same data and settings" in render_runs.differences("a", "b", [], 40)


def test_an_adapter_that_cannot_be_used_says_why_and_has_no_button() -> None:
    found = [
        (AdapterInfo("good", Path("good"), rank=16, recipe="raft", base_sha256="aa"), True),
        (AdapterInfo("other", Path("other"), base_sha256="bb"), False),
        (AdapterInfo("broken", Path("broken"), problem="it is a pickle."), True),
    ]
    shown = render_runs.adapter_table(found, "aa")
    for act, names in (("use", ["good"]), ("merge", ["good"]), ("export", ["good", "other"])):
        assert re.findall(rf"data-act='{act}' data-name='(\w+)'", shown) == names
    assert "another base model" in shown and "it is a pickle." in shown and shown.count("shipped") == 1
    assert "No adapters yet" in render_runs.adapter_table([], "")


# ---------------------------------------------------------------- text of others


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_of_a_file_a_run_or_a_model_becomes_html(payload: str) -> None:
    lesson = {
        "kind": "golden",
        "place": 0,
        "of": 1,
        "negatives": [],
        "messages": [{"role": "user", "content": f"Context:\n[1] {payload}\n\nQuestion: {payload}"}],
        "tokens": [{"text": payload, "loss": False}, {"text": payload, "loss": True}],
        "length": 2,
        "loss_tokens": 1,
    }
    sample = {"question": payload, "answer": payload, "expected": payload}
    shown = [
        render_examples.lesson(lesson, {"golden": 1}),
        render_examples.table_head([payload], [[payload]]),
        render_examples.cleaned(payload, {payload: [1]}),
        render_examples.proposals([Proposal(payload, payload, payload, payload, payload, 3, (payload,))]),
        render_tune.samples([{"step": 1, "samples": [sample]}, {"step": 2, "samples": [sample]}]),
        render_tune.report({"colour": payload, "findings": [{"name": payload, "colour": payload, "message": payload}]}),
        render_tune.before_after({"held_out": {"examples": [sample | {"before": payload, "after": payload}]}}),
        render_tune.progress(run(id=payload, message=payload, preset=payload, recipe=payload, state=payload), Curves()),
        render_tune.command(payload, payload),
        render_runs.run_table([(run(id=payload, recipe=payload, preset=payload), payload)]),
        render_runs.differences(payload, payload, [{"name": payload, "one": payload, "other": payload}], 0),
        render_runs.adapter_table([(AdapterInfo(payload, Path("x"), recipe=payload, problem=payload), True)], ""),
        render_runs.card(payload, payload),
    ]
    for html in shown:
        found = Tags(html)
        assert not found.names & NEVER and not [name for name, _ in found.attributes if name.startswith("on")], html
