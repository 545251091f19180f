"""A model's name becomes a checked local folder: what is in it, what it weighs, its hash; no tensors are read."""

import hashlib
import json
import os
import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import ModelError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
WANTED = ("*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "tokenizer.model")
DTYPE_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
LARGEST_HEADER = 100_000_000  # bytes; the safetensors library's own limit


@dataclass(frozen=True)
class Weights:
    """A checked model folder; `parameters` counts numbers, `revision` is the commit of a hub model."""

    name: str
    folder: Path
    config: dict[str, Any]
    files: tuple[Path, ...]
    parameters: int
    revision: str = ""

    @property
    def sha256(self) -> str:
        """Hash of the one weight file; of several files, the hash of their `hash  name` lines."""
        if len(self.files) == 1:
            return file_sha256(self.files[0])
        lines = "".join(f"{file_sha256(file)}  {file.name}\n" for file in sorted(self.files))
        return hashlib.sha256(lines.encode()).hexdigest()


def stay_offline(*names: str) -> None:
    """Close the Hugging Face hub to this process unless one of the models `names` is a hub id.

    Libraries ask the hub for optional files even when a model lies in a folder. Call it before they are imported:
    huggingface_hub reads the variable once.
    """
    if not any(HUB_ID.fullmatch(name) and not Path(name).is_dir() for name in names):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


def find_weights(name: str, revision: str | None = None) -> Weights:
    """The folder behind `name` (a folder, or a Hugging Face id, which is fetched); ModelError says why not."""
    folder, commit = model_folder(name, revision)
    config = _config(folder)
    files = _weight_files(folder)
    parameters = 0
    for file in files:
        try:
            header = safetensors_header(file)
        except ValueError as error:
            raise ModelError(
                f"The weights {file.name} of the model {folder} are damaged: {error}. Copy or download them again."
            ) from error
        parameters += sum(_numbers(entry["shape"]) for entry in header.values())
    return Weights(name, folder, config, files, parameters, commit)


def model_folder(name: str, revision: str | None = None) -> tuple[Path, str]:
    """The local folder of a model and, for a hub model, its commit; a hub id is fetched once."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder, ""
    if not HUB_ID.fullmatch(name):
        raise ModelError(f"There is no model folder {name}. Give a folder, or a Hugging Face id such as owner/name.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        fetched = Path(snapshot_download(name, revision=revision, allow_patterns=list(WANTED)))
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
        raise ModelError(
            f"There is no folder {name}, and the Hugging Face model of that name could not be fetched "
            f"({_first_line(error)}). Check the name and the network, or give a folder."
        ) from error
    return fetched, fetched.name


def safetensors_header(file: Path) -> dict[str, Any]:
    """The tensors a safetensors file declares, name -> dtype, shape, data_offsets; ValueError when it is not whole."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        if len(start) < 8:
            raise ValueError(f"the file has only {size} bytes")
        length = struct.unpack("<Q", start)[0]
        if length > min(LARGEST_HEADER, size):
            raise ValueError("the file is cut short or is no safetensors file")
        try:
            header = json.loads(stream.read(length))
            header.pop("__metadata__", None)
            end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise ValueError("its header cannot be read") from error
    if size != 8 + length + end:
        raise ValueError(f"it has {size:,} bytes where its header declares {8 + length + end:,}")
    return header


def file_sha256(file: Path) -> str:
    """SHA-256 of a file; computed once for as long as its size and time of change stay the same."""
    stat = file.stat()
    return _sha256(str(file.resolve()), stat.st_size, stat.st_mtime_ns)


def free_memory() -> int:
    """Bytes of memory this process may still take: what the machine has free, or the container's limit."""
    import psutil

    free = psutil.virtual_memory().available
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        if limit != "max":
            free = min(free, int(limit) - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    except (OSError, ValueError):
        pass  # no such limit here
    return free


@lru_cache(maxsize=256)
def _sha256(file: str, _size: int, _changed: int) -> str:
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    if not file.is_file():
        what = "an adapter, not a base model" if (folder / "adapter_config.json").is_file() else "no model folder"
        raise ModelError(f"{folder} has no config.json: it is {what}. Give the folder of a Hugging Face model.")
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ModelError(f"{file} cannot be read as JSON ({_first_line(error)}). Copy it again.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{file} does not hold a model's configuration. Copy it again.")
    kinds = config.get("architectures") or []
    if kinds and not any(str(kind).endswith(("ForCausalLM", "LMHeadModel")) for kind in kinds):
        raise ModelError(
            f"The model {folder} is a {', '.join(map(str, kinds))}, which does not write text. "
            "Choose a chat model (a causal language model)."
        )
    return config


def _weight_files(folder: Path) -> tuple[Path, ...]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise ModelError(f"{index} cannot be read. Copy or download the model again.") from error
        files = tuple(folder / Path(name).name for name in names)
    else:
        files = (folder / "model.safetensors",)
    gone = [file.name for file in files if not file.is_file()]
    if not gone:
        return files
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.pth")):
        raise ModelError(
            f"The model {folder} has its weights only in pickle files, which can run code and are not loaded. "
            "Convert them to safetensors, or choose a model that has them."
        )
    raise ModelError(f"The model {folder} lacks its weights: {', '.join(gone[:3])}. Copy or download it again.")


def _numbers(shape: list[int]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
