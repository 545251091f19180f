"""LoRA layers multiply in bf16 where a training pass needs it and keep everything else in fp32, on a CPU.

Autocast casts every weight again in every pass and softens attention too, which costs small matrices more than bf16
saves; here the frozen weights are cast once, and a layer is one node of the graph instead of PEFT's six.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from .full import ADAPTER


class Product(torch.autograd.Function):
    """x W^T + s (x A^T) B^T in bf16 with fp32 sums: x is (..., in) in fp32, W is frozen and in bf16."""

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, a: Any, b: Any, scale: float) -> Any:
        rows = x.reshape(-1, x.shape[-1]).bfloat16()
        low = torch.mm(rows, a.bfloat16().t())
        y = F.linear(rows, w).addmm_(low, (b * scale).bfloat16().t())
        ctx.save_for_backward(rows, low, w, a, b)
        ctx.scale = scale
        return y.float().view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Any, ...]:
        rows, low, w, a, b = ctx.saved_tensors
        shape = gradients[0].shape[:-1]
        g = gradients[0].reshape(-1, gradients[0].shape[-1]).bfloat16()
        g_low = torch.mm(g, (b * ctx.scale).bfloat16())
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = torch.mm(g, w).addmm_(g_low, a.bfloat16()).float().view(*shape, -1)
        return of_x, None, torch.mm(g_low.t(), rows).float(), torch.mm(g.t(), low).float() * ctx.scale, None


def multiply_in_bf16(model: Any) -> int:
    """Let the plain LoRA layers of a PEFT model in fp32 multiply in bf16 when they learn; how many there are.

    Where no gradient is wanted (validation, sample answers) they stay as they are, and so do layers with dropout.
    """
    found = [layer for layer in model.modules() if _plain(layer)]
    for layer in found:
        layer.forward = _learning(layer)
    return len(found)


def _plain(layer: Any) -> bool:
    from peft.tuners.lora import Linear

    return (
        type(layer) is Linear
        and type(layer.base_layer) is torch.nn.Linear
        and layer.base_layer.bias is None
        and layer.base_layer.weight.dtype == torch.float32
        and type(layer.lora_A[ADAPTER]) is torch.nn.Linear
        and type(layer.lora_dropout[ADAPTER]) is torch.nn.Identity
        and ADAPTER not in layer.lora_variant
    )


def _learning(layer: Any) -> Callable[..., Any]:
    exact, weight = layer.forward, layer.base_layer.weight.detach().bfloat16()

    def forward(x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled() or layer.disable_adapters or layer.merged:
            return exact(x, *args, **kwargs)
        a, b = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight
        return Product.apply(x, weight, a, b, layer.scaling[ADAPTER])

    return forward
