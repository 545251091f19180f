"""Rows of tokens become logits through our own forward pass on a Llama-like transformers model, all rows in one pass.

It reads the weights of the real model and the LoRA layers that PEFT put into it; it differs from transformers only
in how it runs: rows of any length side by side without padding, each with its own adapter, one cache allocated to need.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from .llama_layers import Group, Layer

Span = tuple[int, Sequence[int]]

KINDS = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM")
ROPES = ("default", "linear", "llama3")
PROBE = (3, 17, 5, 29, 11, 2, 23, 7)


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
        # Rows with one adapter lie side by side, so that an adapter is one multiplication over a slice.
        order = sorted(range(len(spans)), key=lambda n: self._adapters[spans[n][0]] or "")
        ordered = [spans[n] for n in order]
        hidden = self._hidden(ordered)
        logits = self._rows.head(F.rms_norm(hidden, hidden.shape[-1:], self._rows.norm, self._rows.eps))
        return logits if order == sorted(order) else logits[torch.tensor(order).argsort()]

    def _hidden(self, spans: Sequence[Span]) -> torch.Tensor:
        """The last layer's output at each span's last token; the new keys and values are in the cache."""
        rows, eps = self._rows, self._rows.eps
        pieces, groups = self._pieces(spans)
        x = rows.embedding(torch.tensor([token for _, tokens in spans for token in tokens], device=rows.device))
        positions = torch.cat([torch.arange(past, past + size) for _, _, size, past in pieces])
        cos, sin = self._cos[positions], self._sin[positions]
        size = x.shape[-1:]
        for number, layer in enumerate(rows.layers):
            read = layer.qkv(F.rms_norm(x, size, layer.before_attention, eps), groups)
            seen = self._attend(number, read.view(len(x), -1, rows.head_size), pieces, cos, sin)
            if number == len(rows.layers) - 1 and len(x) > len(spans):  # from here on only the last tokens matter
                ends = torch.tensor([start + length - 1 for _, start, length, _ in pieces])
                x, seen = x[ends], seen[ends]
                groups = [Group(n, n + 1, self._adapters[row]) for n, (row, _) in enumerate(spans)]
            x = x + layer.out(seen, groups)
            gate, up = layer.gate_up(F.rms_norm(x, size, layer.before_mlp, eps), groups).chunk(2, -1)
            x = x + layer.down(F.silu(gate) * up, groups)
        for row, _, length, _ in pieces:
            self._lengths[row] += length
        return x

    def _pieces(self, spans: Sequence[Span]) -> tuple[list[tuple[int, int, int, int]], list[Group]]:
        """Where each span lies in the packed tokens: (row, start, length, tokens before it); and slices by adapter."""
        pieces, groups, start = [], list[Group](), 0
        for row, tokens in spans:
            pieces.append((row, start, len(tokens), self._lengths[row]))
            adapter = self._adapters[row]
            end = start + len(tokens)
            if groups and groups[-1].adapter == adapter:
                groups[-1] = Group(groups[-1].start, end, adapter)
            else:
                groups.append(Group(start, end, adapter))
            start = end
        return pieces, groups

    def _attend(
        self,
        layer: int,
        read: torch.Tensor,
        pieces: Sequence[tuple[int, int, int, int]],
        cos: torch.Tensor,
        sin: torch.Tensor,
    ) -> torch.Tensor:
        """Attention of each span over its own row; `read` is (tokens, query + key + value heads, head size)."""
        rows = self._rows
        half, turned_heads = rows.head_size // 2, rows.heads + rows.kv_heads
        turned = read[:, :turned_heads]
        swapped = torch.cat((turned[..., half:], turned[..., :half]), -1)
        turned = torch.addcmul(turned * cos, swapped, sin)
        seen = []
        for row, start, length, past in pieces:
            end, here = past + length, slice(start, start + length)
            keys, values = self._cache[row][0, layer], self._cache[row][1, layer]
            keys[:, past:end] = turned[here, rows.heads :].transpose(0, 1)
            values[:, past:end] = read[here, turned_heads:].transpose(0, 1)
            queries = turned[here, : rows.heads].transpose(0, 1)[None]
            if length == 1:
                # The queries that share a key head become the query length: no copy of keys or values.
                grouped = queries.reshape(1, rows.kv_heads, -1, rows.head_size)
                one = F.scaled_dot_product_attention(grouped, keys[None, :, :end], values[None, :, :end])
                seen.append(one.reshape(1, -1))
                continue
            mask = None
            if past:
                mask = torch.ones(length, end, dtype=torch.bool, device=read.device).tril(past)
            many = F.scaled_dot_product_attention(
                queries,
                keys[None, :, :end],
                values[None, :, :end],
                attn_mask=mask,
                is_causal=mask is None,
                enable_gqa=rows.heads != rows.kv_heads,
            )
            seen.append(many[0].transpose(0, 1).reshape(length, -1))
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
