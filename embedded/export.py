"""Writes a checkpoint as a Hugging Face folder: config, bf16 weights, tokenizer with chat template, model card."""

from __future__ import annotations

import argparse
import hashlib
import shutil
from pathlib import Path

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from embedded import card
from embedded import tokenizer as tk
from embedded.network import Shape
from embedded.pretrain import HOME

TARGET = Path("assets/model")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def config_of(shape: Shape) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=shape.vocab,
        hidden_size=shape.width,
        intermediate_size=shape.ff,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head,
        max_position_embeddings=shape.window,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": shape.theta},
        tie_word_embeddings=True,
        pad_token_id=tk.PAD,
        bos_token_id=tk.BOS,
        eos_token_id=tk.END,
    )


def to_llama(checkpoint: Path) -> LlamaForCausalLM:
    """The checkpoint as transformers' own class, in full precision."""
    saved = torch.load(checkpoint, weights_only=True)
    model = LlamaForCausalLM(config_of(Shape(**saved["shape"])))
    missing, unexpected = model.load_state_dict(saved["model"], strict=False)
    assert set(missing) <= {"lm_head.weight"} and not unexpected, (missing, unexpected)
    model.tie_weights()
    model.generation_config = GenerationConfig(
        do_sample=False, max_new_tokens=128, pad_token_id=tk.PAD, bos_token_id=tk.BOS, eos_token_id=tk.END
    )
    return model.eval()


def to_tokenizer(path: Path, window: int = 1024) -> PreTrainedTokenizerFast:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(path),
        bos_token="<|bos|>",
        eos_token="<|end|>",
        pad_token="<|pad|>",
        additional_special_tokens=["<|system|>", "<|user|>", "<|assistant|>"],
        model_max_length=window,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = tk.CHAT_TEMPLATE
    return tokenizer


def swap_in(fresh: Path, target: Path) -> None:
    """Put a finished folder in place of the old one, so that no reader meets half a folder."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def card_of(checkpoint: Path) -> str:
    saved = torch.load(checkpoint, weights_only=True)
    progress = saved["progress"]
    parameters = sum(weights.numel() for weights in saved["model"].values())
    return card.text(Shape(**saved["shape"]), parameters, progress, saved.get("averaged", 1))


def write(checkpoint: Path, tokenizer: Path, target: Path) -> str:
    """Export and return the hash of the weights."""
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    to_llama(checkpoint).to(torch.bfloat16).save_pretrained(fresh)
    to_tokenizer(tokenizer).save_pretrained(fresh)
    (fresh / "README.md").write_text(card_of(checkpoint), "utf-8")
    digest = sha256(fresh / "model.safetensors")
    swap_in(fresh, target)
    return digest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=HOME / "release.pt")
    parser.add_argument("--tokenizer", type=Path, default=HOME / "tokenizer.json")
    parser.add_argument("--out", type=Path, default=TARGET)
    a = parser.parse_args()
    print(write(a.checkpoint, a.tokenizer, a.out))


if __name__ == "__main__":
    main()
