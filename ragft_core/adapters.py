"""Folders become checked LoRA adapters: what is at hand, and whether each is really one for this base model."""

import json
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import AdapterError
from .weights import file_sha256, safetensors_header

WEIGHTS = "adapter_model.safetensors"
NAME = re.compile(r"[^\W_][\w.-]{0,99}")


@dataclass(frozen=True)
class AdapterInfo:
    """An adapter at hand; `problem` says why it cannot be used, empty when nothing is known against it."""

    name: str
    folder: Path
    sha256: str = ""
    rank: int = 0
    alpha: float = 0.0
    recipe: str = ""
    base_sha256: str = ""
    created: str = ""
    problem: str = ""


def find_adapters(folders: Iterable[str | Path]) -> list[AdapterInfo]:
    """The adapters in these folders, by name; of two with one name the first folder's counts. Reads no weights."""
    found: dict[str, AdapterInfo] = {}
    for folder in map(Path, folders):
        for inside in sorted(folder.iterdir()) if folder.is_dir() else ():
            if inside.is_dir() and next(inside.glob("adapter_*"), None) and inside.name not in found:
                found[inside.name] = read_info(inside)
    return [found[name] for name in sorted(found)]


def find_adapter(folders: Iterable[str | Path], name: str) -> AdapterInfo:
    """The adapter of this name; AdapterError when there is none or it cannot be used."""
    if not NAME.fullmatch(name) or ".." in name:
        raise AdapterError(f"{name[:60]!r} cannot be an adapter's name; a name has letters, digits, - and _ only.")
    for folder in map(Path, folders):
        inside = folder / name
        if inside.is_dir() and next(inside.glob("adapter_*"), None):
            info = read_info(inside)
            if info.problem:
                raise AdapterError(f"The adapter {name} cannot be used: {info.problem}")
            return info
    raise AdapterError(f"There is no adapter {name}. Train one, or choose one of those listed.")


def read_info(folder: Path) -> AdapterInfo:
    """What the files of an adapter folder say about it, without torch."""
    card, config, problem = {}, {}, ""
    try:
        config = _json(folder / "adapter_config.json")
        card = _json(folder / "adapter_card.json") if (folder / "adapter_card.json").is_file() else {}
        problem = _wrong_kind(config) or _wrong_weights(folder)
    except (OSError, ValueError, RecursionError) as error:
        problem = f"{error}"
    weights = folder / WEIGHTS
    return AdapterInfo(
        name=folder.name,
        folder=folder,
        sha256=file_sha256(weights) if weights.is_file() else "",
        rank=_number(config.get("r"), int),
        alpha=_number(config.get("lora_alpha"), float),
        recipe=str(card.get("recipe", "")),
        base_sha256=str(card.get("base_sha256", "")),
        created=str(card.get("created", "")),
        problem=problem,
    )


def load_adapter(model: Any, base_sha256: str, info: AdapterInfo, key: str) -> Any:
    """Load a checked adapter with PEFT under `key`; `model` is the base or the PeftModel of earlier adapters.

    Returns the PeftModel. Nothing is put into the model before the files are known to fit it. AdapterError.
    """
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT's own, on what is checked here and on the base's folder being another
        check_adapter(model, base_sha256, info)
        how: dict[str, Any] = {"use_safetensors": True, "local_files_only": True}
        try:
            if isinstance(model, PeftModel):
                model.load_adapter(info.folder, key, **how)
            else:
                model = PeftModel.from_pretrained(model, info.folder, key, is_trainable=False, **how)
        except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
            raise AdapterError(f"The adapter {info.name} cannot be loaded: {_first_line(error)}") from error
    return model.eval().requires_grad_(False)


def check_adapter(model: Any, base_sha256: str, info: AdapterInfo) -> None:
    """Refuse, with the reason as AdapterError, an adapter that would not change this model as its maker meant.

    PEFT itself loads an adapter whose keys match no module, or miss some, with a mere warning; the page
    would then show the base model's answers under the name of the tuned one.
    """
    if info.problem:
        raise AdapterError(f"The adapter {info.name} cannot be used: {info.problem}")
    if info.base_sha256 and info.base_sha256 != base_sha256:
        raise AdapterError(
            f"The adapter {info.name} was trained on another base model ({info.base_sha256[:12]}; "
            f"in memory is {base_sha256[:12]}). Choose its base, or train it again on this one."
        )
    wanted = _wanted_shapes(model, info)
    given = {key: tuple(entry["shape"]) for key, entry in safetensors_header(info.folder / WEIGHTS).items()}
    _compare(info.name, wanted, given)
    _in_use(info)


def _wanted_shapes(model: Any, info: AdapterInfo) -> dict[str, tuple[int, ...]]:
    """The keys and shapes PEFT itself would save for this adapter on this model, from an empty copy of the model."""
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
    from transformers import AutoModelForCausalLM, PretrainedConfig

    config: PretrainedConfig = type(model.config).from_dict(model.config.to_dict())
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    try:
        lora = LoraConfig.from_pretrained(str(info.folder))
        with torch.device("meta"):
            empty = get_peft_model(AutoModelForCausalLM.from_config(config), lora)
        state = get_peft_model_state_dict(empty, save_embedding_layers=False)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise AdapterError(f"The adapter {info.name} does not fit this base model: {_first_line(error)}") from error
    return {key: tuple(value.shape) for key, value in state.items()}


def _compare(name: str, wanted: dict[str, tuple[int, ...]], given: dict[str, tuple[int, ...]]) -> None:
    strange, missing = sorted(given.keys() - wanted.keys()), sorted(wanted.keys() - given.keys())
    if strange:
        raise AdapterError(
            f"The adapter {name} does not fit this base model: {len(strange)} of its {len(given)} tensors match "
            f"no module of the model (such as {strange[0]}). Choose an adapter trained on this model."
        )
    if missing:
        raise AdapterError(
            f"The adapter {name} does not fit this base model: it lacks {len(missing)} of {len(wanted)} tensors "
            f"(such as {missing[0]}), as one of a smaller model would. Choose an adapter trained on this model."
        )
    for key in sorted(wanted):
        if wanted[key] != given[key]:
            raise AdapterError(
                f"The adapter {name} does not fit this base model: {key} has shape {list(given[key])}, the model "
                f"needs {list(wanted[key])}. Choose an adapter trained on this model."
            )


def _in_use(info: AdapterInfo) -> None:
    """Refuse weights that change nothing (every B zero) or everything (numbers that are not finite)."""
    from safetensors import safe_open

    changes = False
    with safe_open(info.folder / WEIGHTS, "pt") as tensors:
        for key in tensors.keys():  # noqa: SIM118 - safe_open is no dict
            tensor = tensors.get_tensor(key)
            if not tensor.isfinite().all():
                raise AdapterError(f"The adapter {info.name} is damaged: {key} holds numbers that are not finite.")
            changes = changes or ("lora_B" in key and bool(tensor.any()))
    if not changes:
        raise AdapterError(
            f"The adapter {info.name} changes nothing: all its B matrices are zero, as before any training. "
            "Train it, or choose another."
        )


def _wrong_kind(config: dict[str, Any]) -> str:
    kind = config.get("peft_type", "unknown")
    if kind != "LORA":
        return f"it is of the kind {kind}; only LoRA adapters are used."
    if not config.get("target_modules"):
        return "its adapter_config.json names no target modules."
    if config.get("modules_to_save") or config.get("bias", "none") != "none":
        return "it carries changed base layers (modules_to_save or bias); train it with LoRA layers only."
    return ""


def _wrong_weights(folder: Path) -> str:
    weights = folder / WEIGHTS
    if not weights.is_file():
        if next(folder.glob("adapter_model.*"), None):
            return "its weights are a pickle file, which can run code and is not loaded; save it as safetensors."
        return f"it has no {WEIGHTS}; copy or train it again."
    try:
        header = safetensors_header(weights)
    except ValueError as error:
        return f"its weights are damaged: {error}; copy or train it again."
    return "" if header else "its weights file holds no tensor; train it again."


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise ValueError(f"it has no {file.name}; copy or train it again.")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its {file.name} cannot be read as JSON.") from error
    if not isinstance(data, dict):
        raise ValueError(f"its {file.name} does not hold an object.")
    return data


def _number(value: Any, kind: Any) -> Any:
    return kind(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else kind(0)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
