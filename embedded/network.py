"""A small Llama whose parameter names and arithmetic equal those of transformers' LlamaForCausalLM."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from embedded.attention import causal_attention


@dataclass(frozen=True)
class Shape:
    """The sizes that define one model."""

    vocab: int = 6144
    width: int = 256
    layers: int = 6
    heads: int = 8
    kv_heads: int = 4
    ff: int = 640
    theta: float = 10000.0
    window: int = 1024

    @property
    def head(self) -> int:
        return self.width // self.heads

    def as_dict(self) -> dict[str, int | float]:
        return asdict(self)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight, 1e-6)


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        key_width = shape.kv_heads * shape.head
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, key_width, bias=False)
        self.v_proj = nn.Linear(shape.width, key_width, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        s = self.shape
        rows, length, _ = x.shape
        # One product for q, k and v: narrow matrices alone leave the core half idle.
        joined = F.linear(x, torch.cat((self.q_proj.weight, self.k_proj.weight, self.v_proj.weight)))
        key_width = s.kv_heads * s.head
        q, k, v = joined.split((s.width, key_width, key_width), -1)
        q = rotate(q.view(rows, length, s.heads, s.head).transpose(1, 2), cos, sin)
        k = rotate(k.view(rows, length, s.kv_heads, s.head).transpose(1, 2), cos, sin)
        v = v.view(rows, length, s.kv_heads, s.head).transpose(1, 2)
        if self.training and x.device.type == "cpu":
            heads = (rows * s.kv_heads, length, s.head)
            grouped = (q * s.head**-0.5).to(v.dtype).reshape(heads[0], -1, length, s.head)
            y = causal_attention(grouped, k.to(v.dtype).reshape(heads), v.reshape(heads))[0].view(q.shape)
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o_proj(y.transpose(1, 2).reshape(rows, length, s.width))


class FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.ff, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.ff, bias=False)
        self.down_proj = nn.Linear(shape.ff, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = FeedForward(shape)
        self.input_layernorm = Norm(shape.width)
        self.post_attention_layernorm = Norm(shape.width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Stack(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab, shape.width)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width)


class Network(nn.Module):
    """The trainable model; `loss` scores only the positions it is told to."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Stack(shape)
        inverse = 1.0 / shape.theta ** (torch.arange(0, shape.head, 2).float() / shape.head)
        angles = torch.outer(torch.arange(shape.window).float(), inverse)
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() != 2:
                continue
            std = 0.02 if "embed" in name else parameter.shape[1] ** -0.5
            nn.init.normal_(parameter, std=std)
            if "o_proj" in name or "down_proj" in name:
                parameter.data.mul_((2 * self.shape.layers) ** -0.5)

    def hidden(self, ids: Tensor) -> Tensor:
        x = self.model.embed_tokens(ids)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for block in self.model.layers:
            x = block(x, cos, sin)
        return self.model.norm(x)

    def loss(self, ids: Tensor, where: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Weighted cross-entropy sum at the flat positions `where`, whose next tokens are `targets`."""
        states = self.hidden(ids).reshape(-1, self.shape.width).index_select(0, where)
        logits = F.linear(states, self.model.embed_tokens.weight).float()
        return (F.cross_entropy(logits, targets, reduction="none") * weights).sum()

    def forward(self, ids: Tensor) -> Tensor:
        return F.linear(self.hidden(ids), self.model.embed_tokens.weight).float()
