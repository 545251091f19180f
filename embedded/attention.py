"""Causal attention for training on a CPU: whole products per block of queries, their softmax kept for the way back.

The fused kernel works through small tiles, each a call of the matrix library of its own; rows of a few hundred tokens
fit the cache as they are. Query heads that share a key head lie side by side in one product.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

QUERIES = 208  # of one product; larger blocks compute more of what causality forbids


def blocks(length: int) -> Iterator[tuple[int, int]]:
    """(start, end) of even blocks of at most `QUERIES` positions."""
    size = -(-length // -(-length // QUERIES))
    return ((start, min(start + size, length)) for start in range(0, length, size))


def _room(q: Tensor) -> Tensor:
    """Space for the softmax of all blocks: whole squares, for a compiler knows no sum over blocks."""
    rows, group, length, _ = q.shape
    return q.new_empty(rows * group * length * length)


def _shares(q: Tensor, kept: Tensor) -> Iterator[tuple[int, int, Tensor]]:
    """(start, end, softmax) of each block; the last as (rows, group * block, end), a view of `kept`."""
    rows, group, length, _ = q.shape
    place = 0
    for start, end in blocks(length):
        size = rows * group * (end - start) * end
        yield start, end, kept[place : place + size].view(rows, -1, end)
        place += size


def _block(x: Tensor, start: int, end: int) -> Tensor:
    """(rows, group, length, head) -> (rows, group * block, head)."""
    return x[:, :, start:end].reshape(x.shape[0], -1, x.shape[3])


@torch.library.custom_op("ragft::causal_attention", mutates_args=())
def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The values mixed by softmax(q k), in q's shape, and that softmax for the way back, flat.

    `q` is (rows, group, length, head) and already scaled, `k` and `v` are (rows, length, head): a row for each key
    head of each text, a group of the query heads that share it.
    """
    rows, group, _, head = q.shape
    mixed, kept = torch.empty_like(q, memory_format=torch.contiguous_format), _room(q)
    for start, end, share in _shares(q, kept):
        size = end - start
        scores = torch.bmm(_block(q, start, end), k[:, :end].transpose(1, 2))
        later = torch.full((size, size), float("-inf"), dtype=q.dtype, device=q.device).triu_(1)
        scores.view(rows, group, size, end)[..., start:] += later
        torch.softmax(scores, -1, out=share)
        mixed[:, :, start:end] = torch.bmm(share, v[:, :end]).view(rows, group, size, head)
    return mixed, kept


@causal_attention.register_fake
def _like(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(q, memory_format=torch.contiguous_format), _room(q)


@torch.library.custom_op("ragft::causal_attention_back", mutates_args=())
def causal_attention_back(
    slope: Tensor, q: Tensor, k: Tensor, v: Tensor, kept: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of q, k and v, given that of the mixed values."""
    rows, group, length, head = q.shape
    of_q = torch.empty_like(q, memory_format=torch.contiguous_format)
    of_k, of_v = (torch.zeros(rows, length, head, device=q.device) for _ in range(2))
    for start, end, share in _shares(q, kept):
        part = _block(slope, start, end)
        of_v[:, :end] += torch.bmm(share.transpose(1, 2), part)
        inner = torch.bmm(part, v[:, :end].transpose(1, 2))
        inner = torch.ops.aten._softmax_backward_data(inner, share, -1, share.dtype)
        of_q[:, :, start:end] = torch.bmm(inner, k[:, :end]).view(rows, group, end - start, head)
        of_k[:, :end] += torch.bmm(inner.transpose(1, 2), _block(q, start, end))
    return of_q, of_k.to(k.dtype), of_v.to(v.dtype)


@causal_attention_back.register_fake
def _back_like(slope: Tensor, q: Tensor, k: Tensor, v: Tensor, kept: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    of_q, of_k, of_v = (torch.empty_like(x, memory_format=torch.contiguous_format) for x in (q, k, v))
    return of_q, of_k, of_v


def _keep(ctx, inputs, output) -> None:  # type: ignore[no-untyped-def]
    ctx.save_for_backward(*inputs, output[1])
    ctx.set_materialize_grads(False)


def _back(ctx, slope: Tensor, _: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[no-untyped-def]
    return causal_attention_back(slope, *ctx.saved_tensors)


causal_attention.register_autograd(_back, setup_context=_keep)
