"""Checkpoints are whole or passed over, batches repeat, and the report's measures say what they should."""

from pathlib import Path

import pytest

from ragft_core.examples.tokens import Encoded
from ragft_core.training import batches, checkpoint
from ragft_core.training.general import GENERAL

torch = pytest.importorskip("torch")
from ragft_core.training.report import _forgotten, _recalled, copied, likeness, style  # noqa: E402

LESSONS = [Encoded(tuple(range(n, n + 5 + n % 37)), 2) for n in range(200)]


def test_batches_repeat_and_hold_every_lesson_once_with_little_padding() -> None:
    made = batches.epoch_batches(LESSONS, 8, 1, 3)
    assert made == batches.epoch_batches(LESSONS, 8, 1, 3) != batches.epoch_batches(LESSONS, 8, 1, 4)
    assert sorted(x.ids for batch in made for x in batch) == sorted(x.ids for x in LESSONS)
    padded = sum(len(batch) * max(x.length for x in batch) for batch in made)
    assert padded < 1.6 * sum(x.length for x in LESSONS)
    assert all(len(part) * max(x.length for x in part) <= 60 for b in made for part in batches.parts(b, 60))


def test_only_answers_carry_loss() -> None:
    ids, labels = batches.padded([Encoded((1, 2, 3, 4), 2), Encoded((5, 6, 7), 1)], 0, "cpu")
    assert ids.tolist() == [[1, 2, 3, 4], [5, 6, 7, 0]]
    assert labels.tolist() == [[-100, -100, 3, 4], [-100, 6, 7, -100]]


def test_a_checkpoint_comes_back_bit_by_bit_and_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    tensors = {"adapter": {"a.b": torch.randn(3, 2)}, "random": {"cpu": torch.get_rng_state()}}
    for step in (1, 2, 3):
        checkpoint.save(tmp_path, step, tensors, {"step": step, "best_loss": 0.1})
    assert [found.name for found in checkpoint.complete(tmp_path)] == ["step-0000003", "step-0000002"]
    groups, facts = checkpoint.load(checkpoint.newest(tmp_path))
    assert facts == {"step": 3, "best_loss": 0.1} and torch.equal(groups["adapter"]["a.b"], tensors["adapter"]["a.b"])
    file = tmp_path / "checkpoints" / "step-0000003" / "adapter.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert checkpoint.newest(tmp_path).name == "step-0000002"
    (tmp_path / "checkpoints" / "step-0000002" / "COMPLETE").unlink()
    assert checkpoint.newest(tmp_path) is None


def test_an_answer_is_as_expected_when_its_words_and_numbers_are() -> None:
    assert likeness("Room 14A, dear.", "Room 14A, dear!") == 1.0
    assert likeness("It costs 12 euros.", "It costs 13 euros.") == 0.0
    assert likeness("", "x") == 0.0 and likeness("wholly else", "It is here") == 0.0
    assert copied("a b c d e", "x b c d y") == 3 and copied("", "a") == 0
    assert style("Hello my dear. It is. Bye now then", "Hello my dear. Not at all. Bye now then") == 1.0


def test_forgetting_turns_red_when_reading_is_lost() -> None:
    def found(before: int, lost: int, gained: int = 0) -> str:
        after = before - lost + gained
        counts = {"asked": 24, "right_before": before, "right_after": after, "lost": lost, "gained": gained}
        return _forgotten(counts)["colour"]

    assert [found(20, 0), found(20, 1), found(20, 3), found(20, 6), found(20, 6, 5), found(3, 3)] == [
        "green",
        "green",
        "amber",
        "red",
        "green",
        "amber",
    ]
    assert len({question for _, question, _ in GENERAL}) == 24
    assert all(value.casefold() in passage.casefold() for passage, _, value in GENERAL)


def test_recall_is_judged_against_the_base() -> None:
    def colour(before: int, after: int) -> str:
        return _recalled({"trained": {"asked": 10, "right_before": before, "right_after": after}, "held_out": None})[0][
            "colour"
        ]

    assert [colour(0, 9), colour(0, 3), colour(3, 3)] == ["green", "amber", "red"]
