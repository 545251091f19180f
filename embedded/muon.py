"""Optimiser of pretraining: Muon for the matrices, AdamW for embedding and norms."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def orthogonal(gradient: Tensor, steps: int = 4, precision: torch.dtype = torch.float32) -> Tensor:
    """Newton-Schulz approximation of the nearest orthogonal matrix; bfloat16 products are exact enough for it."""
    tall = gradient.shape[0] > gradient.shape[1]
    x = gradient.T if tall else gradient
    x = (x / (x.norm() + 1e-7)).to(precision)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return (x.T if tall else x).to(gradient.dtype)


class Muon:
    """Both optimisers behind one step; `scale` is the schedule's factor of the full learning rates."""

    def __init__(
        self,
        model: nn.Module,
        rate: float = 0.02,
        other_rate: float = 0.004,
        decay: float = 0.02,
        precision: torch.dtype = torch.float32,
    ) -> None:
        named = list(model.named_parameters())
        self.matrices = [(n, p) for n, p in named if p.dim() == 2 and "embed" not in n]
        self.others = [p for n, p in named if p.dim() != 2 or "embed" in n]
        self.rate, self.other_rate, self.decay, self.precision = rate, other_rate, decay, precision
        self.momentum = {n: torch.zeros_like(p) for n, p in self.matrices}
        self.adam = torch.optim.AdamW(self.others, lr=other_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True)

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
                update = orthogonal(p.grad.lerp(buffer, 0.95), precision=self.precision)
                p.mul_(1 - rate * self.decay)
                p.add_(update, alpha=-rate * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)

    def state(self) -> dict[str, object]:
        return {"momentum": self.momentum, "adam": self.adam.state_dict()}

    def restore(self, state: dict) -> None:
        for name, buffer in state["momentum"].items():
            self.momentum[name].copy_(buffer)
        self.adam.load_state_dict(state["adam"])
