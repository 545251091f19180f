"""Lessons become a trained adapter: a plain loop that can be cut at any step and goes on as if it had not been."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..errors import RunError
from ..examples.lessons import Lesson, Recipe, epoch_lessons, probe_lessons
from ..examples.rows import Example
from ..examples.tokens import Encoded
from . import checkpoint
from .batches import epoch_batches
from .plan import Plan, rate_at
from .student import Student
from .team import Team

Tell = Callable[[dict[str, Any]], None]
MOST_PROBES = 64  # lessons that an evaluation measures
BETTER = 0.001  # part of the best loss by which a loss must fall to count as better
LARGEST_GRADIENT = 1.0
SAVED = ("step", "epoch", "place", "seconds", "best_loss", "best_step", "worse", "train_loss", "eval_loss")


@dataclass
class Loop:
    """One run's training; what `save` writes, and only that, is needed to go on bit by bit the same."""

    student: Student
    plan: Plan
    recipe: Recipe
    rows: Sequence[Example]
    held: Sequence[Example]
    folder: Path
    tell: Tell
    stopped: Callable[[], bool]
    team: Team = field(default_factory=Team)
    step: int = 0
    epoch: int = 0
    place: int = 0
    seconds: float = 0.0
    best_loss: float | None = None
    best_step: int = 0
    worse: int = 0
    train_loss: float | None = None
    eval_loss: float | None = None
    reason: str = ""
    _best: dict[str, Any] = field(default_factory=dict)
    _probes: list[Encoded] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimizer = torch.optim.AdamW(
            list(self.student.weights.values()), lr=self.plan.learning_rate, betas=(0.9, 0.99), weight_decay=0.0
        )
        self._window = int(self.student.base.model.config.max_position_embeddings)
        asked = probe_lessons(self.held, self.recipe, self.plan.seed)
        self._asked = asked[:: -(-len(asked) // MOST_PROBES) or 1]
        self._probes = sorted(self._encoded(self._asked), key=lambda lesson: lesson.length)

    # ---------------------------------------------------------------- training

    def train(self) -> str:
        """Train to the end, the early end or the stop; returns how it ended: done or stopped. RunError."""
        torch.manual_seed(self.plan.seed)
        self._go_on()
        if self._probes and self.step == 0:
            self._evaluate()
        batches = self._batches()
        while self.step < self.plan.steps and not self.reason:
            if self.team.told(self.stopped()):
                self.save()
                self.reason = "It was stopped."
                return "stopped"
            if self.place >= len(batches):
                self.epoch, self.place = self.epoch + 1, 0
                batches = self._batches()
            self._learn(batches[self.place])
            self.place += 1
            self.step += 1
            if self.step % self.plan.evaluate_every == 0 or self.step == self.plan.steps:
                self._evaluate()
            if self.step % self.plan.save_every == 0 or self.step == self.plan.steps or self.reason:
                self.save()
            self.reason = self.team.told(self.reason)
        self.reason = self.reason or f"All {self.plan.steps} steps were taken."
        return "done"

    def _learn(self, batch: Sequence[Encoded]) -> None:
        started = time.perf_counter()
        rate = rate_at(self.plan, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.student.model.train()
        weights = self.student.weights
        summed, tokens = self._gradients(batch)
        self.train_loss = summed / tokens
        silent = [name for name, value in weights.items() if value.grad is None]
        if silent:
            raise RunError(
                f"{len(silent)} of {len(weights)} adapter tensors got no gradient (such as {silent[0]}), so the run "
                "would teach nothing. Choose another precision."
            )
        norm = float(torch.nn.utils.clip_grad_norm_(list(weights.values()), LARGEST_GRADIENT))
        if not math.isfinite(self.train_loss) or not math.isfinite(norm):
            raise RunError(
                f"The loss is not a number any more at step {self.step + 1}. Choose a lower learning rate "
                f"than {self.plan.learning_rate:g}, or the precision fp32."
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        took = time.perf_counter() - started
        self.seconds += took
        real = sum(lesson.length for lesson in batch)
        self.tell(
            {
                "kind": "step",
                "step": self.step + 1,
                "epoch": self.epoch,
                "loss": round(self.train_loss, 5),
                "lr": rate,
                "grad_norm": round(norm, 4),
                "tokens": real,
                "tokens_per_second": round(real / took, 1),
                "seconds": round(self.seconds, 2),
            }
        )
        if self.seconds > self.plan.max_seconds:
            self.reason = f"The limit of {self.plan.max_seconds / 3600:g} hours was reached."

    def _gradients(self, batch: Sequence[Encoded]) -> tuple[float, int]:
        """(summed loss, answer tokens) of the batch, its gradients in the weights, whoever computed them."""
        if self.team.size == 1:
            return self.student.loss(batch, backward=True)
        tokens = sum(lesson.length - lesson.start for lesson in batch)
        mine = self.team.share(batch)
        summed = self.student.loss(mine, backward=True, total=tokens)[0] if mine else 0.0
        for value in self.student.weights.values():
            if value.grad is None and not mine:
                value.grad = torch.zeros_like(value)
        gradients = [value.grad for value in self.student.weights.values() if value.grad is not None]
        whole = torch.tensor([summed], dtype=torch.float32, device=self.student.base.device)
        self.team.add([*gradients, whole])
        return float(whole), tokens

    # ---------------------------------------------------------------- validation

    def _evaluate(self) -> None:
        """Measure the validation loss, keep the best weights, and say when it no longer falls."""
        if not self._probes or not self.team.first:
            return
        self.student.model.eval()
        started = time.perf_counter()
        losses = [self.student.loss(self._probes[n : n + 32]) for n in range(0, len(self._probes), 32)]
        loss = self.eval_loss = sum(summed for summed, _ in losses) / sum(tokens for _, tokens in losses)
        clearly = self.best_loss is None or loss < self.best_loss * (1 - BETTER)
        self.worse = 0 if clearly else self.worse + 1
        better = self.best_loss is None or loss < self.best_loss
        if better:
            self.best_loss, self.best_step = loss, self.step
            self._best = {name: value.detach().clone() for name, value in self.student.weights.items()}
        if self.plan.patience and self.worse >= self.plan.patience and self.best_loss is not None:
            self.reason = (
                f"Stopped early at step {self.step}: the validation loss was best at step {self.best_step} "
                f"({self.best_loss:.3f}) and has not clearly fallen for {self.worse} evaluations (now {loss:.3f}). "
                "More steps would only learn the training rows by heart; the best adapter is kept."
            )
        samples = self._asked[:: max(1, len(self._asked) // self.plan.samples)] if self.plan.samples else []
        samples = samples[: self.plan.samples] if self.step else []
        answers = self.student.write([lesson.messages for lesson in samples], most=48)
        self.tell(
            {
                "kind": "evaluation",
                "step": self.step,
                "loss": round(loss, 5),
                "best": better,
                "seconds": round(time.perf_counter() - started, 2),
                "samples": [_sample(lesson, answer) for lesson, answer in zip(samples, answers, strict=True)],
            }
        )

    # ---------------------------------------------------------------- data

    def _batches(self) -> list[list[Encoded]]:
        plan = self.plan
        lessons = self._encoded(epoch_lessons(self.rows, self.recipe, plan.seed, self.epoch, plan.word_dropout))
        if not lessons:
            raise RunError(f"No row fits the model's window of {self._window:,} tokens. Shorten the rows.")
        return epoch_batches(lessons, plan.batch, plan.seed, self.epoch)

    def _encoded(self, lessons: Sequence[Lesson]) -> list[Encoded]:
        """The lessons that fit the window."""
        encoded = [self.student.coder.encode(lesson) for lesson in lessons]
        return [lesson for lesson in encoded if lesson.length <= self._window]

    # ---------------------------------------------------------------- going on

    def save(self) -> None:
        """Write a checkpoint of all that decides what comes next."""
        if not self.team.first:
            return
        names = list(self.student.weights)
        state = self.optimizer.state_dict()["state"]
        moments = {f"{names[n]}/{key}": value for n, group in state.items() for key, value in group.items()}
        groups = {"adapter": self.student.weights, "optimizer": moments, "random": _random_states()}
        if self._best:
            groups["best"] = self._best
        checkpoint.save(self.folder, self.step, groups, {name: getattr(self, name) for name in SAVED})

    def _go_on(self) -> None:
        """Take up the newest valid checkpoint, if there is one."""
        found = checkpoint.newest(self.folder)
        if found is None:
            return
        groups, facts = checkpoint.load(found)
        names = list(self.student.weights)
        if set(groups["adapter"]) != set(names):
            raise RunError(f"The checkpoint {found.name} is of another model or plan. Start a new run.")
        self.student.put(groups["adapter"])
        state: dict[int, dict[str, Any]] = {n: {} for n in range(len(names))}
        for key, value in groups["optimizer"].items():
            name, _, part = key.rpartition("/")
            state[names.index(name)][part] = value
        loaded = self.optimizer.state_dict() | {"state": {n: group for n, group in state.items() if group}}
        self.optimizer.load_state_dict(loaded)
        self._best = groups.get("best", {})
        for name in SAVED:
            setattr(self, name, facts[name])
        _put_random_states(groups["random"])
        if self.plan.patience and self.worse >= self.plan.patience:
            self.reason = f"Stopped early at step {self.step}: the validation loss no longer fell."

    def best(self) -> tuple[dict[str, Any], int]:
        """The weights to keep and the step they are of: the best in validation, else the latest."""
        if self._best and self.best_step:
            return self._best, self.best_step
        return dict(self.student.weights), self.step


def _sample(lesson: Lesson, answer: str) -> dict[str, str]:
    question = lesson.messages[-1]["content"]
    return {"kind": lesson.kind, "question": question[-400:], "answer": answer, "expected": lesson.answer}


def _random_states() -> dict[str, Any]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _put_random_states(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
