"""What multiplies while an adapter learns: whole matrices, products in bf16; both against plain torch and PEFT."""

from pathlib import Path
from typing import Any

import pytest

from ragft_core import Settings
from ragft_core.settings import ASSETS
from ragft_core.training import Plan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
torch = pytest.importorskip("torch")


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings.load(home=home, demo=False, precision="fp32", threads=1)


def student_of(settings: Settings, **plan: Any) -> Any:
    from ragft_core.training.student import load_student

    return load_student(settings, Plan(**plan))


def batch_of(student: Any, count: int = 6) -> list[Any]:
    from ragft_core.examples import closed_book, read

    return [student.coder.encode(closed_book(row)) for row in read(ASSETS / "demo" / "train.jsonl").rows[:count]]


def stirred(student: Any) -> Any:
    """The student with B matrices that are not zero."""
    torch.manual_seed(1)
    student.put({name: torch.randn_like(value) * 0.05 for name, value in student.weights.items()})
    student.model.train()
    return student


def test_full_learns_the_gradient_of_the_matrices_themselves(settings: Settings) -> None:
    from ragft_core.model import load_base

    student = student_of(settings, method="full")
    assert all("lora_B" in name for name in student.weights) and len(student.weights) == 7 * 8
    batch = batch_of(student)
    student.model.train()
    loss, _ = student.loss(batch, backward=True)
    plain = load_base(settings)
    linears = {
        name: part.weight.requires_grad_(True)
        for name, part in plain.model.named_modules()
        if isinstance(part, torch.nn.Linear) and ".layers." in name
    }
    alone = type(student)(_Bare(plain.model), plain, student.coder)
    assert alone.loss(batch, backward=True)[0] == pytest.approx(loss, rel=1e-5)
    for name, value in student.weights.items():
        own = linears[name.removeprefix("base_model.model.").partition(".lora_B")[0]].grad
        assert torch.allclose(value.grad, own, rtol=1e-3, atol=1e-5), name


class _Bare(torch.nn.Module):
    """A model without adapter that answers to what a student asks of a PEFT model."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def get_base_model(self) -> Any:
        return self.model


def test_a_full_adapter_is_kept_checked_and_spoken_by_the_engine_as_trained(settings: Settings) -> None:
    from ragft_core.adapters import read_info
    from ragft_core.engine import Engine
    from ragft_core.prompts import messages
    from ragft_core.training.adapter import keep
    from ragft_core.types import Decoding, Row

    student = stirred(student_of(settings, method="full"))
    with student.as_base():
        pass  # PEFT makes the parameters of an adapter trainable when it is switched on again; A is none
    assert all("lora_B" in name for name in student.weights)
    card = {"name": "whole", "base": "base", "base_sha256": student.base.sha256, "app_version": "0", "recipe": "sft"}
    card |= {"rank": 0, "learning_rate": 5e-4, "steps": 1, "seed": 0, "precision": "fp32", "data": "d.jsonl"}
    card |= {"data_sha256": "0" * 64, "split": {"train": 1, "validation": 0}, "metrics": {}}
    adapters = settings.home / "adapters"
    folder = keep(student, {name: value.clone() for name, value in student.weights.items()}, adapters, card)
    folder = folder.rename(adapters / "whole")
    assert "full rank" in (folder / "README.md").read_text() and not read_info(folder).problem
    question = messages("What are the opening hours of the reception?")
    student.model.eval()
    said = student.write([question], most=12)[0]
    engine = Engine.load(settings, (adapters,))
    *_, (base, whole) = engine.stream([Row(question), Row(question, "whole")], Decoding(12))
    assert whole.text.strip() == said != base.text.strip()


def test_mixed_learns_what_fp32_learns_and_validates_in_fp32(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragft_core.training import student as students

    exact = stirred(student_of(settings, precision="fp32"))
    batch = batch_of(exact)
    loss, _ = exact.loss(batch, backward=True)
    monkeypatch.setattr(students, "computes_in_bf16", lambda: True)
    mixed = stirred(student_of(settings, precision="mixed"))
    assert (exact.precision, mixed.precision) == ("fp32", "mixed") and mixed.base.precision == "fp32"
    assert mixed.loss(batch)[0] == exact.loss(batch)[0], "without gradients both are fp32"
    rounded, _ = mixed.loss(batch, backward=True)
    assert rounded == pytest.approx(loss, rel=0.01) and rounded != loss
    for name, value in exact.weights.items():
        own = mixed.weights[name].grad
        alike = torch.nn.functional.cosine_similarity(value.grad.flatten(), own.flatten(), 0)
        assert alike > 0.99 and float(own.norm() / value.grad.norm()) == pytest.approx(1, abs=0.05), name
    with mixed.as_base(), exact.as_base():
        assert mixed.loss(batch)[0] == exact.loss(batch)[0]


def test_mixed_is_fp32_where_the_cpu_does_not_compute_in_bf16(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragft_core.training import student as students

    monkeypatch.setattr(students, "computes_in_bf16", lambda: False)
    plain = stirred(student_of(settings, precision="mixed"))
    exact = stirred(student_of(settings, precision="fp32"))
    assert plain.precision == "fp32"
    assert plain.loss(batch_of(plain), backward=True) == exact.loss(batch_of(exact), backward=True)


def test_layers_with_dropout_stay_as_peft_runs_them(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from ragft_core.training import student as students

    monkeypatch.setattr(students, "computes_in_bf16", lambda: True)
    assert student_of(settings, precision="mixed", dropout=0.1).precision == "fp32"
