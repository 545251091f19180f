"""Looks at this machine and this home and says, check by check, what works and what to do about the rest."""

import importlib.metadata
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .adapters import find_adapters
from .documents import ocr
from .errors import RagftError
from .home import Home, held_by, owner_of
from .settings import ASSETS, Settings
from .store import Store

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
GIB = 2**30


@dataclass(frozen=True)
class Check:
    """One finding; `fix` says what to do when it is not ok."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


def doctor(settings: Settings) -> list[Check]:
    """All checks, none of which loads the model or changes the home."""
    return [check for look in LOOKS for check in look(settings)]


def python(settings: Settings) -> Iterator[Check]:
    right = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Check("python", right, f"{platform.python_version()} on {platform.platform()}", "use Python 3.11 to 3.13")


def packages(settings: Settings) -> Iterator[Check]:
    wrong = []
    pins = [line.split("#")[0].strip() for line in REQUIREMENTS.read_text("utf-8").splitlines()]
    for name, _, version in (pin.partition("==") for pin in pins if "==" in pin):
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found.split("+")[0] != version:
            wrong.append(f"{name} {found}, expected {version}")
    yield Check("packages", not wrong, "; ".join(wrong) or "as pinned", "pip install -r requirements.txt")


def machine(settings: Settings) -> Iterator[Check]:
    import psutil
    import torch

    memory = psutil.virtual_memory()
    enough = memory.available > 2 * GIB
    detail = f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free, {os.cpu_count()} cores"
    yield Check("memory", enough, detail, "close other programs; 2 GiB should be free")
    cuda = torch.cuda.is_available()
    yield Check("device", True, torch.cuda.get_device_name(0) if cuda else "CPU (no CUDA device)")


def home(settings: Settings) -> Iterator[Check]:
    folder = settings.home
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    yield Check("disk", free > 2 * GIB, f"{free / GIB:.1f} GiB free at {existing}", "free some space: 2 GiB are needed")
    if not folder.exists():
        yield Check("home", os.access(existing, os.W_OK), f"{folder} will be made", "choose another with --home")
        return
    try:
        opened = Home.open(folder)
    except RagftError as error:
        running = bool(owner_of(folder).get("url"))
        yield Check("home", running, held_by(folder) if running else str(error), "stop the other process")
        return
    try:
        store = Store(opened.database)
        counts = f"{store.count_documents()} documents, {store.count_chunks()} chunks"
        store.close()
        yield Check("home", True, f"{folder}: {counts}")
    except RagftError as error:
        yield Check("home", False, str(error), "restore a backup, or choose another with --home")
    finally:
        opened.close()


def model(settings: Settings) -> Iterator[Check]:
    folder = Path(settings.model)
    if not folder.is_dir():
        yield Check("model", True, f"{settings.model}: not a folder here, will be fetched as a Hugging Face id")
        return
    missing = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    missing += [] if list(folder.glob("*.safetensors")) else ["*.safetensors"]
    detail = f"{folder.name}: " + (f"lacks {', '.join(missing)}" if missing else "complete")
    yield Check("model", not missing, detail, "point --config or RAGFT_MODEL to a complete model folder")


def documents(settings: Settings) -> Iterator[Check]:
    missing = ocr.missing(settings.ocr)
    detail = f"no scans: {missing}" if missing else f"scanned pages are read by tesseract ({settings.ocr})"
    yield Check("ocr", True, detail)
    if settings.chroma:
        url = urlsplit(settings.chroma)
        port = url.port or (443 if url.scheme == "https" else 8000)
        try:
            socket.create_connection((url.hostname or "", port), timeout=3).close()
            yield Check("chroma", True, f"a server answers at {settings.chroma}")
        except OSError as error:
            detail = f"nothing answers at {settings.chroma} ({error.strerror or error})"
            yield Check("chroma", False, detail, "start it with `chroma run`, or empty the setting chroma")


def adapters(settings: Settings) -> Iterator[Check]:
    for adapter in find_adapters((settings.home / "adapters", ASSETS / "adapters")):
        yield Check(
            f"adapter {adapter.name}", not adapter.problem, adapter.problem or "readable", "train or import again"
        )


LOOKS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    python,
    packages,
    machine,
    home,
    documents,
    model,
    adapters,
)
