"""Rows of tokens become logits through our own forward pass on a Llama-like transformers model, all rows in one pass.

It reads the weights of the real model and the LoRA layers that PEFT put into it; it differs from transformers only
in how it runs: rows of any length side by side without padding, each with its own adapter, one cache allocated to need.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch.nn import Linear

from .llama_layers import Group, Layer, multiply

Span = tuple[int, Sequence[int]]

KINDS = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM")
ROPES = ("default", "linear", "llama3")
PROBE = (3, 17, 5, 29, 11, 2, 23, 7)


SHORT = 16  # tokens; up to so many, the mask is repeated for the queries that share a key head


class Piece(NamedTuple):
    """A span in the packed tokens; `mask` is what its queries add to their scores: None where all may be seen."""

    row: int
    start: int
    length: int
    past: int
    mask: torch.Tensor | None


class LlamaRows:
    """A Llama-like model that writes several rows at once. Make it with `llama_rows`, before any adapter is loaded."""

    def __init__(self, model: Any) -> None:
        inner, config = model.model, model.config
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.head_size = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.eps = config.rms_norm_eps
        self.embedding, self.norm, self.head = inner.embed_tokens, inner.norm.weight, model.lm_head
        self.rotary = inner.rotary_emb
        self.layers = [Layer(layer) for layer in inner.layers]
        self.dtype, self.device = self.embedding.weight.dtype, self.embedding.weight.device

    def add_adapter(self, key: str) -> bool:
        """Take the adapter that PEFT loaded under `key`; False when it has parts this forward pass does not know."""
        known = [projection.add_adapter(key, self.dtype) for layer in self.layers for projection in layer.projections]
        return all(known)

    def drop_adapter(self, key: str) -> None:
        for layer in self.layers:
            for projection in layer.projections:
                projection.lora.pop(key, None)

    def start(self, adapters: Sequence[str | None], capacities: Sequence[int]) -> "LlamaBatch":
        """A batch of rows, each with its adapter (a PEFT key) or the bare base, and the most tokens it will hold."""
        return LlamaBatch(self, adapters, capacities)


class LlamaBatch:
    """Rows that are being written; `extend` appends tokens to some of them."""

    def __init__(self, rows: LlamaRows, adapters: Sequence[str | None], capacities: Sequence[int]) -> None:
        self._rows, self._adapters = rows, adapters
        self._lengths = [0] * len(adapters)
        with torch.inference_mode():
            shapes = [(2, len(rows.layers), rows.kv_heads, room, rows.head_size) for room in capacities]
            self._cache = [torch.empty(shape, dtype=rows.dtype, device=rows.device) for shape in shapes]
            positions = torch.arange(max(capacities, default=0), device=rows.device)[None]
            cos, sin = rows.rotary(rows.embedding.weight[:1], positions)
            half = rows.head_size // 2
            # rotate_half(x) * sin == swapped_halves(x) * (-sin, sin): one copy less per layer
            sin = torch.cat((-sin[0, :, :half], sin[0, :, half:]), -1)
            self._cos, self._sin = cos[0, :, None], sin[:, None]

    @torch.inference_mode()
    def extend(self, spans: Sequence[Span]) -> torch.Tensor:
        """Append each span's tokens to its row; the logits after its last token, one line per span."""
        order, ordered = self._by_adapter(spans)
        logits = self._logits(self._hidden(ordered, every=False))
        return logits if order == sorted(order) else logits[torch.tensor(order).argsort()]

    @torch.inference_mode()
    def extend_each(self, spans: Sequence[Span]) -> list[torch.Tensor]:
        """Append each span's tokens to its row; per span the logits after every one of its tokens, a line each."""
        order, ordered = self._by_adapter(spans)
        logits = self._logits(self._hidden(ordered, every=True)).split([len(tokens) for _, tokens in ordered])
        return [logits[order.index(n)] for n in range(len(spans))]

    def take_back(self, row: int, count: int) -> None:
        """Forget the last `count` tokens of a row."""
        self._lengths[row] -= count

    def _by_adapter(self, spans: Sequence[Span]) -> tuple[list[int], list[Span]]:
        """Rows with one adapter side by side, so that an adapter is one multiplication over a slice; and whence."""
        order = sorted(range(len(spans)), key=lambda n: self._adapters[spans[n][0]] or "")
        return order, [spans[n] for n in order]

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        rows, normed = self._rows, F.rms_norm(hidden, hidden.shape[-1:], self._rows.norm, self._rows.eps)
        return multiply(normed, rows.head.weight, rows.head.bias) if type(rows.head) is Linear else rows.head(normed)

    def _hidden(self, spans: Sequence[Span], every: bool) -> torch.Tensor:
        """The last layer's output at `every` token or each span's last; the new keys and values are in the cache."""
        rows, eps = self._rows, self._rows.eps
        pieces, groups = self._pieces(spans)
        x = rows.embedding(torch.tensor([token for _, tokens in spans for token in tokens], device=rows.device))
        positions = torch.cat([torch.arange(piece.past, piece.past + piece.length) for piece in pieces])
        cos, sin = self._cos[positions], self._sin[positions]
        size = x.shape[-1:]
        for number, layer in enumerate(rows.layers):
            read = layer.qkv(F.rms_norm(x, size, layer.before_attention, eps), groups)
            seen = self._attend(number, read.view(len(x), -1, rows.head_size), pieces, cos, sin)
            if number == len(rows.layers) - 1 and not every and len(x) > len(spans):  # only the last tokens matter now
                ends = torch.tensor([piece.start + piece.length - 1 for piece in pieces])
                x, seen = x[ends], seen[ends]
                groups = [Group(n, n + 1, self._adapters[row]) for n, (row, _) in enumerate(spans)]
            x = x + layer.out(seen, groups)
            gate, up = layer.gate_up(F.rms_norm(x, size, layer.before_mlp, eps), groups).chunk(2, -1)
            x = x + layer.down(F.silu(gate) * up, groups)
        for piece in pieces:
            self._lengths[piece.row] += piece.length
        return x

    def _pieces(self, spans: Sequence[Span]) -> tuple[list[Piece], list[Group]]:
        """Where each span lies in the packed tokens, and slices by adapter."""
        pieces, groups, start = [], list[Group](), 0
        for row, tokens in spans:
            past, length = self._lengths[row], len(tokens)
            mask = None
            if length > 1 and past:
                mask = torch.full((length, past + length), -torch.inf, dtype=self._rows.dtype, device=self._rows.device)
                mask.triu_(past + 1)
                if length <= SHORT:
                    mask = mask.repeat(self._rows.heads // self._rows.kv_heads, 1)
            pieces.append(Piece(row, start, length, past, mask))
            adapter, end = self._adapters[row], start + length
            if groups and groups[-1].adapter == adapter:
                groups[-1] = Group(groups[-1].start, end, adapter)
            else:
                groups.append(Group(start, end, adapter))
            start = end
        return pieces, groups

    def _attend(
        self, layer: int, read: torch.Tensor, pieces: Sequence[Piece], cos: torch.Tensor, sin: torch.Tensor
    ) -> torch.Tensor:
        """Attention of each span over its own row; `read` is (tokens, query + key + value heads, head size)."""
        rows = self._rows
        half, turned_heads = rows.head_size // 2, rows.heads + rows.kv_heads
        turned = read[:, :turned_heads]
        swapped = torch.cat((turned[..., half:], turned[..., :half]), -1)
        turned = torch.addcmul(turned * cos, swapped, sin)
        seen = []
        for row, start, length, past, mask in pieces:
            end, here = past + length, slice(start, start + length)
            keys, values = self._cache[row][0, layer], self._cache[row][1, layer]
            keys[:, past:end] = turned[here, rows.heads :].transpose(0, 1)
            values[:, past:end] = read[here, turned_heads:].transpose(0, 1)
            queries = turned[here, : rows.heads].transpose(0, 1)[None]
            given = queries, keys[None, :, :end], values[None, :, :end]
            if length == 1 or (mask is not None and length <= SHORT):
                # The queries that share a key head become the query length: no copy of keys or values.
                grouped = queries.reshape(1, rows.kv_heads, -1, rows.head_size)
                found = F.scaled_dot_product_attention(grouped, *given[1:], attn_mask=mask).view(queries.shape)
            else:
                shared = rows.heads != rows.kv_heads
                found = F.scaled_dot_product_attention(
                    *given, attn_mask=mask, is_causal=mask is None, enable_gqa=shared
                )
            seen.append(found[0].transpose(0, 1).reshape(length, -1))
        return seen[0] if len(seen) == 1 else torch.cat(seen)


def llama_rows(model: Any) -> LlamaRows | None:
    """Our forward pass for this model, or None when it is not one that it reproduces (then use `PeftRows`)."""
    config = model.config
    rope = getattr(config, "rope_parameters", None) or {}
    sliding = any(kind != "full_attention" for kind in getattr(config, "layer_types", None) or ())
    if (
        type(model).__name__ not in KINDS
        or rope.get("rope_type", "default") not in ROPES
        or sliding
        or (type(model).__name__ == "MistralForCausalLM" and config.sliding_window)
        or config.hidden_act != "silu"
    ):
        return None
    with torch.inference_mode():
        probe = torch.tensor([PROBE], device=model.device) % config.vocab_size
        expected = model(input_ids=probe, use_cache=False).logits[0, -1].float()
        rows = LlamaRows(model)
        got = rows.start([None], [len(PROBE)]).extend([(0, probe[0].tolist())])[0].float()
    exact = rows.dtype == torch.float32
    return rows if (got - expected).abs().max() <= (1e-3 if exact else 0.05) * expected.abs().max() else None
