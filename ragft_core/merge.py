"""A base model and an adapter become one model folder; and whether an adapter fits a base is told without weights."""

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .adapters import AdapterInfo, check_adapter, load_adapter
from .errors import AdapterError, ModelError
from .model import load_base
from .settings import Settings, model_name
from .weights import find_weights, free_memory

PROBES = ("What are your opening hours?", "Who are you?", "Tell me about the weather in a sentence.")
# A merge adds B @ A to each matrix once instead of at each step: in fp32 the logits differ by rounding alone.
MOST_CHANGE = 1e-2


@dataclass(frozen=True)
class Merged:
    """A merged model folder; differences are of logits, the largest on a few prompts, to the adapter on its base.

    `difference` is that of the merge itself (fp32), `rounded` that after rounding to the base's own kind of number.
    """

    folder: Path
    sha256: str
    parameters: int
    difference: float
    rounded: float


def fits(settings: Settings, info: AdapterInfo) -> None:
    """Check an adapter as the engine would, on the settings' base but without loading its weights. AdapterError."""
    from transformers import AutoConfig

    weights = find_weights(settings.model, settings.revision)
    try:
        config = AutoConfig.from_pretrained(weights.folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The configuration of the model {weights.name} cannot be read ({str(error)[:200]})."
        ) from error
    check_adapter(SimpleNamespace(config=config), weights.sha256, info)


def merge_adapter(settings: Settings, info: AdapterInfo, target: str | Path) -> Merged:
    """Write base + adapter as one model folder (safetensors, tokenizer, card), whole or not at all.

    The weights are merged in fp32 and kept as the base's own are. AdapterError when the folder is there already, the
    disk or memory is too small, or the merged model does not say what the adapter on its base says.
    """
    target = Path(target).expanduser().resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AdapterError(f"{target} is there already. Name a new folder for the merged model.")
    weights = find_weights(settings.model, settings.revision)
    target.parent.mkdir(parents=True, exist_ok=True)
    need, free = sum(file.stat().st_size for file in weights.files), shutil.disk_usage(target.parent).free
    if free < need + 50_000_000:
        raise AdapterError(f"The disk with {target} has {free / 1e6:.0f} MB free; {need / 1e6:.0f} MB are needed.")
    _enough_memory(weights.parameters)
    base = load_base(settings.model_copy(update={"precision": "fp32"}))
    tuned = load_adapter(base.model, base.sha256, info, "merged")
    before = _logits(tuned, base)
    model = tuned.merge_and_unload(safe_merge=True)
    difference = _difference(before, _logits(model, base))
    if not difference < MOST_CHANGE:
        raise AdapterError(
            f"The merged model does not answer as the adapter on its base does (logits differ by {difference:.3g}), so "
            "it is not kept. Use the adapter as it is."
        )
    kept = _round(model, weights.config)
    rounded = _difference(before, _logits(model.float(), base))
    new = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        _write(new, model, base, info, kept)
        if target.exists():
            target.rmdir()  # an empty folder that was named
        new.rename(target)
    except OSError as error:
        raise AdapterError(f"The merged model cannot be written to {target} ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    merged = find_weights(str(target))
    return Merged(target, merged.sha256, merged.parameters, difference, rounded)


def _enough_memory(parameters: int) -> None:
    """AdapterError when the base does not fit once more, in fp32, beside what is in memory."""
    need, free = 4 * parameters * 5 // 4, free_memory()
    if free < need:
        raise AdapterError(
            f"Merging needs about {need / 1e6:,.0f} MB of memory and {free / 1e6:,.0f} MB are free. "
            "Close other programs, or use the adapter as it is."
        )


def _logits(model: Any, base: Any) -> list[Any]:
    import torch

    found = []
    for probe in PROBES:
        text = base.tokenizer.apply_chat_template(
            [{"role": "user", "content": probe}], tokenize=False, add_generation_prompt=True
        )
        ids = torch.tensor([base.tokenizer(text, add_special_tokens=False)["input_ids"]], device=base.device)
        with torch.no_grad():
            found.append(model(input_ids=ids).logits[0].float())
    return found


def _difference(before: list[Any], after: list[Any]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(before, after, strict=True))


def _round(model: Any, config: dict[str, Any]) -> str:
    """Round the weights to the kind of number that the base is kept in; returns its name."""
    import torch

    name = str(config.get("dtype") or config.get("torch_dtype") or "float32").removeprefix("torch.")
    name = name if name in ("float32", "bfloat16", "float16") else "float32"
    model.to(getattr(torch, name))
    return name


def _write(folder: Path, model: Any, base: Any, info: AdapterInfo, kept: str) -> None:
    import torch

    model.to(getattr(torch, kept))
    folder.mkdir(parents=True)
    model.save_pretrained(folder, safe_serialization=True)
    base.tokenizer.save_pretrained(folder)
    facts = {
        "base": model_name(base.name),
        "base_sha256": base.sha256,
        "adapter": info.name,
        "adapter_sha256": info.sha256,
        "recipe": info.recipe,
        "dtype": kept,
    }
    (folder / "merged_from.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    card = (
        f"# {facts['base']} with {info.name}\n\nThe base model {facts['base']} (sha256 {base.sha256[:12]}) with the "
        f"adapter {info.name} (sha256 {info.sha256[:12]}) merged into its weights by RAGFT.\n"
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
