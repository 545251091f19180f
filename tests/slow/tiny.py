"""Tiny random models and adapters in a folder, for tests that need weights of a certain shape."""

import json
import shutil
from pathlib import Path
from typing import Any

from ragft_core.settings import ASSETS

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}


def make_model(folder: Path, kind: str = "llama", **shape: Any) -> Path:
    """A random model of this kind with the embedded model's tokenizer and chat template."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    for file in (ASSETS / "model").iterdir():
        if file.suffix in (".json", ".jinja") and file.name not in ("config.json", "generation_config.json"):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder)
    vocab = json.loads((ASSETS / "model" / "config.json").read_text("utf-8"))["vocab_size"]
    torch.manual_seed(7)
    ends = {"bos_token_id": 1, "eos_token_id": 5, "pad_token_id": 0}
    config = AutoConfig.for_model(kind, **({"vocab_size": vocab} | ends | SHAPE | shape))
    model = AutoModelForCausalLM.from_config(config)
    for name, weight in model.named_parameters():  # larger than usual, so that answers are lively
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.2)
        elif "bias" in name:
            torch.nn.init.normal_(weight, std=0.1)
    model.save_pretrained(folder)
    return folder


def make_adapter(folder: Path, model: Path, *, seed: int = 1, card: dict[str, Any] | None = None, **lora: Any) -> Path:
    """A random LoRA adapter for the model in a folder, with B matrices that change its answers."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    config = LoraConfig(**({"r": 8, "lora_alpha": 20, "target_modules": ALL, "task_type": "CAUSAL_LM"} | lora))
    tuned = get_peft_model(base, config)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    tuned.save_pretrained(folder)
    if card is not None:
        (folder / "adapter_card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder
