"""Settings become a base model in memory: the right precision for the machine, its tokenizer, its hash."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ModelError
from .settings import Settings
from .weights import Weights, find_weights, free_memory, model_folder

BYTES_PER_NUMBER = {"fp32": 4.0, "bf16": 2.0, "nf4": 0.6}  # nf4: 4 bits and the scales of 64-blocks
WORKING_ROOM = 300e6  # bytes: caches and activations beside the weights
SMALL_MODEL = 30_000_000  # parameters


@dataclass(frozen=True)
class LoadedBase:
    """A base model that is ready to write; `precision` is what is really in memory and `why` says how it was chosen."""

    name: str
    model: Any
    tokenizer: Any
    precision: str
    why: str
    device: str
    threads: int
    sha256: str
    revision: str


def load_tokenizer(settings: Settings) -> Any:
    """The base model's tokenizer (a transformers one), without its weights."""
    folder, _ = model_folder(settings.model, settings.revision)
    return _tokenizer(folder)


def load_base(settings: Settings) -> LoadedBase:
    """The base model of the settings in memory; every failure is a ModelError that says what to do."""
    import torch

    weights = find_weights(settings.model, settings.revision)
    tokenizer = _tokenizer(weights.folder)
    if not tokenizer.chat_template:
        raise ModelError(
            f"The model {weights.name} has no chat template, so it cannot be asked. Choose a chat (instruct) model."
        )
    device = _device(settings)
    precision, why = choose_precision(settings, device)
    threads = choose_threads(settings, weights)
    if device == "cpu":
        torch.set_num_threads(threads)
    _enough_memory(weights, precision, device)
    try:
        model = _quantised(weights, settings, device) if precision == "nf4" else _plain(weights, precision, device)
    except ModelError:
        raise
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ModelError(_no_memory(weights, precision)) from error
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise ModelError(f"The model {weights.name} cannot be loaded: {_first_line(error)}") from error
    model.eval().requires_grad_(False)
    return LoadedBase(weights.name, model, tokenizer, precision, why, device, threads, weights.sha256, weights.revision)


def choose_precision(settings: Settings, device: str) -> tuple[str, str]:
    """The precision to load and a phrase that says why."""
    if settings.precision != "auto":
        return settings.precision, "as set"
    if device == "cuda":
        return "nf4", "4-bit NF4 serves a GPU best"
    if computes_in_bf16():
        return "bf16", "this CPU computes in bf16"
    return "fp32", "this CPU has no bf16 arithmetic, so fp32 is the fastest exact choice"


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        file = folder / "tokenizer.json"
        if file.is_file():  # the Rust reader raises a bare Exception on a damaged file; this one says what is wrong
            json.loads(file.read_text(encoding="utf-8"))
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ImportError, RecursionError) as error:
        raise ModelError(
            f"The tokenizer of the model {folder} cannot be loaded ({_first_line(error)}). Copy the model again."
        ) from error


def _plain(weights: Weights, precision: str, device: str) -> Any:
    import torch

    return _from_pretrained(weights, dtype=torch.float32 if precision == "fp32" else torch.bfloat16).to(device)


def _quantised(weights: Weights, settings: Settings, device: str) -> Any:
    """The NF4 model; quantised once, then read back from the home folder (measured: 18 times faster)."""
    import torch
    from transformers import BitsAndBytesConfig

    if weights.config.get("quantization_config"):
        return _from_pretrained(weights, device_map={"": device})
    if device == "cpu":
        _fits_blocks(weights)
    compute = torch.bfloat16 if device == "cuda" or computes_in_bf16() else torch.float32
    kept = Path(settings.home) / "quantised" / f"{weights.sha256}-nf4-{str(compute).removeprefix('torch.')}"
    if kept.is_dir():
        try:
            return _from_pretrained(find_weights(str(kept)), dtype=compute, device_map={"": device})
        except (OSError, ValueError, RuntimeError, KeyError, ModelError):
            shutil.rmtree(kept, ignore_errors=True)  # damaged: made again below
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )
    model = _from_pretrained(weights, dtype=compute, quantization_config=nf4, device_map={"": device})
    _keep(model, kept)
    return model


def _keep(model: Any, folder: Path) -> None:
    """Save the quantised weights whole or not at all; no room to save is no reason not to answer."""
    new = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        new.mkdir(parents=True)
        with _no_progress_bars():
            model.save_pretrained(new)
        new.rename(folder)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)


def _from_pretrained(weights: Weights, **how: Any) -> Any:
    from transformers import AutoModelForCausalLM

    with _no_progress_bars():
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            weights.folder,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            **how,
        )
    model, found = loaded
    missing = sorted(found["missing_keys"])
    if missing:
        raise ModelError(
            f"The weights of the model {weights.name} lack {len(missing)} tensors (such as {missing[0]}), "
            "so it would answer nonsense. Copy or download the model again."
        )
    return model


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """transformers draws bars on the terminal of whoever loads a model; the page and the command say it themselves."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _fits_blocks(weights: Weights) -> None:
    """bitsandbytes' CPU kernels need rows of whole 64-blocks; say so before they raise in mid-answer."""
    sides = {name: weights.config.get(name) for name in ("hidden_size", "intermediate_size")}
    odd = [f"{name} {side}" for name, side in sides.items() if isinstance(side, int) and side % 64]
    if odd:
        raise ModelError(
            f"The model {weights.name} cannot run in NF4 on this CPU: {' and '.join(odd)} cannot be divided by 64. "
            "Set precision to fp32 or bf16."
        )


def _enough_memory(weights: Weights, precision: str, device: str) -> None:
    if device == "cpu" and weights.parameters * BYTES_PER_NUMBER[precision] + WORKING_ROOM > free_memory():
        raise ModelError(_no_memory(weights, precision))


def _no_memory(weights: Weights, precision: str) -> str:
    need = (weights.parameters * BYTES_PER_NUMBER[precision] + WORKING_ROOM) / 1e9
    smaller = {"fp32": "Set precision to bf16 or nf4, or choose", "bf16": "Set precision to nf4, or choose"}
    return (
        f"The model {weights.name} needs about {need:.1f} GB of memory in {precision} and {free_memory() / 1e9:.1f} GB "
        f"are free. {smaller.get(precision, 'Choose')} a smaller model."
    )


def _device(settings: Settings) -> str:
    import torch

    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ModelError("The device is set to cuda, but no CUDA GPU can be used here. Set it to auto or cpu.")
    if settings.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return settings.device


def computes_in_bf16() -> bool:
    """Whether this CPU multiplies in bf16 by itself (AVX512-BF16 or AMX); elsewhere bf16 is slower than fp32."""
    import torch

    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def choose_threads(settings: Settings, weights: Weights) -> int:
    """As set; else one for a small model, where sharing out work costs more than it saves, and all cores for others."""
    if settings.threads:
        return settings.threads
    return 1 if weights.parameters < SMALL_MODEL else cores()


def cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
