"""Optimiser of pretraining: Muon for the matrices, AdamW for embedding and norms."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def orthogonal(gradient: Tensor, steps: int = 4) -> Tensor:
    """Newton-Schulz approximation of the nearest orthogonal matrix, worked on the short side only."""
    tall = gradient.shape[0] > gradient.shape[1]
    x = gradient.T if tall else gradient
    x = x / (x.norm() + 1e-7)
    gram = x @ x.T
    unit = torch.eye(gram.shape[0], device=gram.device)
    total = unit
    # Every factor is a polynomial of the same gram matrix, so all products commute and stay small.
    for turn in range(steps):
        factor = 3.4445 * unit - 4.7750 * gram + 2.0315 * gram @ gram
        total = factor @ total if turn else factor
        if turn < steps - 1:
            gram = factor @ gram @ factor
    x = total @ x
    return x.T if tall else x


class Muon:
    """Both optimisers behind one step; `scale` is the schedule's factor of the full learning rates."""

    def __init__(self, model: nn.Module, rate: float = 0.02, other_rate: float = 0.004, decay: float = 0.02) -> None:
        named = list(model.named_parameters())
        self.matrices = [(n, p) for n, p in named if p.dim() == 2 and "embed" not in n]
        self.others = [p for n, p in named if p.dim() != 2 or "embed" in n]
        self.rate, self.other_rate, self.decay = rate, other_rate, decay
        self.momentum = {n: torch.zeros_like(p) for n, p in self.matrices}
        self.adam = torch.optim.AdamW(self.others, lr=other_rate, betas=(0.9, 0.95), weight_decay=0.0)

    def step(self, scale: float) -> None:
        for group in self.adam.param_groups:
            group["lr"] = self.other_rate * scale
        nn.utils.clip_grad_norm_(self.others, 1.0)
        self.adam.step()
        rate = self.rate * scale
        with torch.no_grad():
            for name, p in self.matrices:
                assert p.grad is not None
                buffer = self.momentum[name]
                buffer.lerp_(p.grad, 0.05)
                update = orthogonal(p.grad.lerp(buffer, 0.95))
                p.mul_(1 - rate * self.decay)
                p.add_(update, alpha=-rate * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)

    def state(self) -> dict[str, object]:
        return {"momentum": self.momentum, "adam": self.adam.state_dict()}

    def restore(self, state: dict) -> None:
        for name, buffer in state["momentum"].items():
            self.momentum[name].copy_(buffer)
        self.adam.load_state_dict(state["adam"])
