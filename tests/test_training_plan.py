"""One dial sets a run's numbers, and what is set by hand is checked."""

import pytest

from ragft_core import Settings
from ragft_core.training import RunError, batches, make_plan
from ragft_core.training.plan import learning_rate, rate_at, read_wishes


def test_the_dial_sets_steps_and_their_rhythm() -> None:
    smoke, small, full = (make_plan(1440, 4_000_000, preset) for preset in ("smoke", "small", "full"))
    assert (smoke.steps, small.steps, full.steps) == (20, 720, 2880)
    assert small.epochs == 6 and small.evaluate_every == small.save_every == 60
    assert make_plan(1440, 4_000_000, "small", steps=7).steps == 7
    assert make_plan(1440, 4_000_000, advanced={"epochs": 2}).steps == 240


def test_the_learning_rate_falls_with_the_models_size() -> None:
    assert learning_rate(3_800_000) == pytest.approx(4e-3) and learning_rate(1_000_000) == pytest.approx(4e-3)
    assert learning_rate(15_000_000) == pytest.approx(2e-3, rel=0.1)
    assert learning_rate(1_200_000_000) == pytest.approx(2e-4) and learning_rate(10**12) == pytest.approx(1e-4)


def test_the_rate_rises_shortly_and_falls_to_3_percent() -> None:
    plan = make_plan(2400, 4_000_000, steps=100)
    rates = [rate_at(plan, step) / plan.learning_rate for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == rates[9] > 0.9 and rates[99] == pytest.approx(0.03)


def test_only_a_small_model_leaves_words_of_questions_out_by_itself() -> None:
    assert make_plan(10, 4_000_000).word_dropout == 0.3 and make_plan(10, 10**9).word_dropout == 0.0
    assert make_plan(10, 4_000_000, advanced={"word_dropout": 0.0}).word_dropout == 0.0
    assert make_plan(10, 10**9, advanced={"word_dropout": 0.2}).word_dropout == 0.2


def test_method_and_size_choose_the_precision() -> None:
    small, large = make_plan(10, 4_000_000), make_plan(10, 10**9)
    assert (small.precision, small.of_base) == ("mixed", "fp32") and large.precision == large.of_base == "auto"
    assert make_plan(10, 4_000_000, advanced={"precision": "fp32"}).precision == "fp32"
    assert make_plan(10, 10**9, advanced={"method": "qlora"}).precision == "nf4"
    assert make_plan(10, 10**9).checkpointing and not make_plan(10, 4_000_000).checkpointing


def test_whole_matrices_are_for_tiny_models_and_know_no_rank() -> None:
    whole, usual = make_plan(10, 7_000_000, advanced={"method": "full"}), make_plan(10, 7_000_000)
    assert whole.precision == "fp32" and whole.learning_rate == pytest.approx(usual.learning_rate / 3)
    assert make_plan(10, 7_000_000, advanced={"method": "full", "learning_rate": 1e-3}).learning_rate == 1e-3
    for size, wish, said in (
        (135_000_000, {}, "up to 30 million parameters, and this one has 135 million"),
        (7_000_000, {"rank": 8}, "no rank, which is LoRA's"),
        (7_000_000, {"precision": "nf4"}, "4 bits cannot hold"),
    ):
        with pytest.raises(RunError, match=said):
            make_plan(10, size, advanced={"method": "full"} | wish)


@pytest.mark.parametrize(
    "wish",
    [
        {"rank": 0},
        {"rank": 2.5},
        {"rank": True},
        {"learning_rate": float("nan")},
        {"learning_rate": 5},
        {"steps": 0.5},
        {"batch": 10**9},
        {"method": "magic"},
        {"precision": "fp16"},
        {"colour": 1},
        {"dropout": "none"},
        {"word_dropout": 0.95},
    ],
)
def test_wishes_out_of_range_are_a_sentence(wish: dict) -> None:
    with pytest.raises(RunError):
        make_plan(100, 4_000_000, advanced=wish)
    with pytest.raises(RunError, match="preset"):
        make_plan(100, 4_000_000, "huge")


def test_a_training_pass_takes_its_part_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    student = pytest.importorskip("ragft_core.training.student")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(student, "cores", lambda: 16)
    few = student.training_threads
    assert few(Settings(), 1) == 4 and few(Settings(), 16) == 16, "a small model's passes are not worth more than four"
    assert few(Settings(), 16, 2) == 8 and few(Settings(), 1, 8) == 1 and few(Settings(threads=3), 1, 8) == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert few(Settings(), 1) == 2
    assert batches.most_tokens("cuda:1") > batches.most_tokens("cpu") == batches.most_tokens("xpu")


def test_settings_of_the_command_line_become_a_plans_numbers() -> None:
    wishes = read_wishes(["rank=8", "seed=1", "learning_rate=2e-3", "precision=bf16", "checkpointing=yes"])
    assert wishes == {"rank": 8, "seed": 1, "learning_rate": 2e-3, "precision": "bf16", "checkpointing": True}
    assert make_plan(1440, 4_000_000, advanced=wishes).rank == 8 and read_wishes([]) == {}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("ranks=8", "no training setting 'ranks'; there are steps"),
        ("preset=full", "no training setting 'preset'"),
        ("rank=many", "'rank=many' gives no value for rank; it is usually rank=16"),
        ("rank", "gives no value for rank"),
        ("checkpointing=maybe", "it is usually checkpointing=false"),
    ],
)
def test_a_setting_that_is_none_is_a_sentence(word: str, said: str) -> None:
    with pytest.raises(RunError, match=said):
        read_wishes([word])
