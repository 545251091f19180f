"""Whole matrices are trained and kept as an adapter of full rank, so that one base in memory still serves every arm."""

from collections.abc import Sequence
from typing import Any

import torch

ADAPTER = "default"


class Same(torch.nn.Module):
    """LoRA's A as the identity, saved as any A is but never multiplied by: B alone is then the matrix's whole change.

    Its weight is a buffer, for PEFT makes every parameter of an adapter trainable when it is switched on again.
    """

    weight: torch.Tensor

    def __init__(self, width: int, like: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(width, dtype=like.dtype, device=like.device))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def full_rank(model: Any, targets: str | Sequence[str], layers: Sequence[int] | None) -> Any:
    """PEFT's configuration of LoRA whose rank is each matrix's own input width, and whose scale is 1."""
    from peft import LoraConfig

    head = model.get_output_embeddings()
    widths = {
        name: module.in_features
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and module is not head
        and (targets == "all-linear" or name.rpartition(".")[2] in targets)
    }
    usual = min(widths.values())
    others = {name: width for name, width in widths.items() if width != usual}
    return LoraConfig(
        r=usual,
        lora_alpha=usual,
        rank_pattern=others,
        alpha_pattern=others,
        target_modules=targets if isinstance(targets, str) else list(targets),
        layers_to_transform=list(layers) if layers is not None else None,
        task_type="CAUSAL_LM",
    )


def train_whole(model: Any) -> None:
    """Set every A of a fresh PEFT model to the identity, and train B alone."""
    for module in model.modules():
        downs = getattr(module, "lora_A", None)
        if downs is not None and ADAPTER in downs:
            downs[ADAPTER] = Same(downs[ADAPTER].in_features, downs[ADAPTER].weight)
