"""A moment of training becomes a folder that is whole or not there, and back; torn ones are passed over."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .run import read_json

KEPT = 2
MARKER = "COMPLETE"


def save(folder: Path, step: int, tensors: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> Path:
    """Write `checkpoints/step-N`: one safetensors file per group of tensors, facts.json, and the marker last.

    All of it is on disk under another name before the rename, so a kill leaves a checkpoint whole or unseen.
    """
    from safetensors.torch import save as to_bytes

    target = checkpoints(folder) / f"step-{step:07d}"
    new = target.with_name(f".{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for name, group in tensors.items():
        plain = {key: value.detach().cpu().contiguous().clone() for key, value in group.items()}
        (new / f"{name}.safetensors").write_bytes(to_bytes(plain))  # a full disk is then an OSError
    (new / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    hashes = {file.name: _sha256(file) for file in sorted(new.iterdir())}
    for file in [*new.iterdir()]:
        _sync(file)
    (new / MARKER).write_text(json.dumps(hashes), encoding="utf-8")
    _sync(new / MARKER)
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    _sync(target.parent)
    for old in complete(folder)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def newest(folder: Path) -> Path | None:
    """The newest checkpoint whose files are what its marker says; None when there is none."""
    return next((found for found in complete(folder) if valid(found)), None)


def complete(folder: Path) -> list[Path]:
    """Checkpoints with a marker, newest first."""
    return sorted((marker.parent for marker in checkpoints(folder).glob(f"step-*/{MARKER}")), reverse=True)


def valid(checkpoint: Path) -> bool:
    hashes = read_json(checkpoint / MARKER)
    try:
        return bool(hashes) and all(_sha256(checkpoint / name) == sha for name, sha in hashes.items())
    except OSError:
        return False


def load(checkpoint: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The tensors by group and the facts of a checkpoint."""
    from safetensors.torch import load_file

    tensors = {file.stem: load_file(file) for file in sorted(checkpoint.glob("*.safetensors"))}
    return tensors, read_json(checkpoint / "facts.json")


def checkpoints(folder: Path) -> Path:
    return folder / "checkpoints"


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
