"""The layers of a Llama-like transformers model become fused projections that add each row's LoRA to its own slice."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

SWAPPED = range(4, 33)  # tokens; measured with MKL: with fewer or more, F.linear is as fast or faster


class Group(NamedTuple):
    """Packed tokens `start` to `end` that read with one adapter (None: the bare base)."""

    start: int
    end: int
    adapter: str | None


class Layer:
    """One decoder layer: its two norms and its four projections."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.before_attention = layer.input_layernorm.weight
        self.before_mlp = layer.post_attention_layernorm.weight
        self.qkv = Projection(attention, ("q_proj", "k_proj", "v_proj"))
        self.out = Projection(attention, ("o_proj",))
        self.gate_up = Projection(mlp, ("gate_proj", "up_proj"))
        self.down = Projection(mlp, ("down_proj",))
        self.projections = (self.qkv, self.out, self.gate_up, self.down)


class Projection:
    """Linear layers that read the same input, run as one multiplication, with adapters on top.

    Plain weights are moved into one tensor and the model's own layers become views of it, so nothing is held
    twice; quantised layers stay as they are and run one by one.
    """

    def __init__(self, parent: nn.Module, names: Sequence[str]) -> None:
        self._places = [(parent, name) for name in names]
        self._linears = [getattr(parent, name) for name in names]
        self._plain = all(type(linear) is nn.Linear for linear in self._linears)
        self.lora: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        if self._plain:
            self._weight, self._bias = _fused(self._linears)

    def __call__(self, x: torch.Tensor, groups: Sequence[Group]) -> torch.Tensor:
        """`x` is (tokens, in); each group of tokens gets its adapter's part added."""
        if self._plain:
            y = multiply(x, self._weight, self._bias)
        else:
            parts = [linear(x) for linear in self._linears]
            y = parts[0] if len(parts) == 1 else torch.cat(parts, -1)
        for start, end, adapter in groups:
            if adapter in self.lora:
                down, up = self.lora[adapter]
                y[start:end].addmm_(torch.mm(x[start:end], down), up)
        return y

    def add_adapter(self, key: str, dtype: torch.dtype) -> bool:
        """Read the LoRA layers PEFT loaded under `key`; False when one is more than plain LoRA.

        Adapters of the fused layers become one: their A side by side, their scaled B on a block diagonal.
        """
        downs, ups, plain = [], [], True
        for (parent, name), linear in zip(self._places, self._linears, strict=True):
            layer = getattr(parent, name)
            if layer is linear or key not in layer.lora_A:
                downs.append(torch.empty(0, linear.in_features))
                ups.append(torch.empty(linear.out_features, 0))
                continue
            down, up = layer.lora_A[key], layer.lora_B[key]
            plain = plain and key not in layer.lora_variant and down.bias is None and up.bias is None
            downs.append(down.weight.float().cpu())
            ups.append(up.weight.float().cpu() * layer.scaling[key])
        if plain and any(len(down) for down in downs):
            device = self._linears[0].weight.device
            with torch.inference_mode():
                down = torch.cat(downs).t().contiguous()
                up = torch.block_diag(*ups).t().contiguous()
                self.lora[key] = down.to(device, dtype), up.to(device, dtype)
        return plain


def multiply(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """`F.linear`; for a handful to some dozen tokens in fp32 on a CPU with its sides swapped: up to three times faster.

    `x` is (tokens, in), the result (tokens, out), in that case as a view of its transpose.
    """
    if len(x) in SWAPPED and x.dtype == torch.float32 and x.device.type == "cpu":
        y = torch.mm(weight, x.t()).t()
        return y if bias is None else y + bias
    return F.linear(x, weight, bias)


def _fused(linears: Sequence[nn.Linear]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """One weight (out, in) and bias for several linears, which become views of it."""
    if len(linears) == 1:
        return linears[0].weight, linears[0].bias
    with torch.no_grad():
        weight = torch.cat([linear.weight for linear in linears])
        sizes = [linear.out_features for linear in linears]
        for linear, part in zip(linears, weight.split(sizes), strict=True):
            linear.weight = nn.Parameter(part, requires_grad=False)
        if all(linear.bias is None for linear in linears):
            return weight, None
        return weight, torch.cat([_bias(linear) for linear in linears])


def _bias(linear: nn.Linear) -> torch.Tensor:
    return linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias
