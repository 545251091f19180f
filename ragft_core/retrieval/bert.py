"""Texts become vectors by a small BERT such as MiniLM, in plain PyTorch.

sentence-transformers gives the same vectors (a test compares them) but takes 10 s longer to import and 300 MB
more; it remains the way for every other model, see embedding.py.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

TOGETHER = 16  # texts in one pass
STEPS = ["Transformer", "Pooling", "Normalize"]


def fits(folder: Path) -> bool:
    """Whether the folder is a BERT with plain mean pooling, which is all that this module can do."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        modules = json.loads((folder / "modules.json").read_text("utf-8"))
        pooling = json.loads((folder / modules[1]["path"] / "config.json").read_text("utf-8"))
        files = [folder / name for name in ("model.safetensors", "tokenizer.json", "sentence_bert_config.json")]
    except (OSError, ValueError, LookupError, TypeError):
        return False
    on = [name for name, value in pooling.items() if name.startswith("pooling_mode_") and value is True]
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and [str(module["type"]).rsplit(".", 1)[-1] for module in modules] == STEPS
        and on == ["pooling_mode_mean_tokens"]
        and all(file.is_file() for file in files)
    )


class Bert:
    """The model in memory; `device` is a torch device or "auto"."""

    def __init__(self, folder: Path, device: str) -> None:
        import torch
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        config = json.loads((folder / "config.json").read_text("utf-8"))
        longest = json.loads((folder / "sentence_bert_config.json").read_text("utf-8"))["max_seq_length"]
        self._heads, self._eps = int(config["num_attention_heads"]), float(config["layer_norm_eps"])
        self._layers = int(config["num_hidden_layers"])
        chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self.device = torch.device(chosen)
        weights = load_file(folder / "model.safetensors")
        self._w = {name.removeprefix("bert."): w.to(self.device, torch.float32) for name, w in weights.items()}
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(min(longest, config["max_position_embeddings"]))
        self._tokenizer.enable_padding(pad_id=config.get("pad_token_id") or 0)

    def get_text_embedding_batch(self, texts: Sequence[str]) -> "np.ndarray":
        """One row per text, mean of its tokens; the names of the two methods are LlamaIndex's."""
        import numpy as np
        import torch

        # Texts of like length go together: padding is work, too.
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        rows: list[Any] = [None] * len(texts)
        for start in range(0, len(order), TOGETHER):
            some = order[start : start + TOGETHER]
            with torch.inference_mode():
                vectors = self._forward([texts[n] for n in some]).cpu().numpy()
            for n, vector in zip(some, vectors, strict=True):
                rows[n] = vector
        return np.stack(rows)

    def get_query_embedding(self, question: str) -> "np.ndarray":
        """The vector of a question, on one thread: there is too little to do for two to be worth their waiting.

        Measured on two cores, one of them busy with training: 57 ms instead of 738 ms.
        """
        import torch

        usual = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self.get_text_embedding_batch([question])[0]
        finally:
            torch.set_num_threads(usual)

    def _forward(self, texts: list[str]) -> Any:
        import torch
        from torch.nn import functional as F

        read = self._tokenizer.encode_batch(texts)
        ids = torch.tensor([r.ids for r in read], device=self.device)
        mask = torch.tensor([r.attention_mask for r in read], device=self.device)
        count, length = ids.shape
        w = self._w
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:length]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        seen = mask[:, None, None, :].bool()
        for n in range(self._layers):
            layer = f"encoder.layer.{n}."
            q, k, v = (
                self._linear(x, f"{layer}attention.self.{part}").view(count, length, self._heads, -1).transpose(1, 2)
                for part in ("query", "key", "value")
            )
            read_all = F.scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(1, 2).reshape(x.shape)
            x = self._norm(
                x + self._linear(read_all, f"{layer}attention.output.dense"), f"{layer}attention.output.LayerNorm"
            )
            inner = F.gelu(self._linear(x, f"{layer}intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{layer}output.dense"), f"{layer}output.LayerNorm")
        weight = mask[:, :, None].float()
        return (x * weight).sum(1) / weight.sum(1)

    def _linear(self, x: Any, name: str) -> Any:
        from torch.nn import functional as F

        return F.linear(x, self._w[f"{name}.weight"], self._w[f"{name}.bias"])

    def _norm(self, x: Any, name: str) -> Any:
        from torch.nn import functional as F

        return F.layer_norm(x, x.shape[-1:], self._w[f"{name}.weight"], self._w[f"{name}.bias"], self._eps)
