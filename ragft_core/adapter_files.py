"""Adapters become zip files, other names, and back: nothing is taken over that is not a checked LoRA adapter."""

import json
import re
import shutil
import stat
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from .adapters import NAME, WEIGHTS, AdapterInfo, find_adapter, read_info
from .errors import AdapterError, NotFoundError
from .home import write_atomically

Check = Callable[[AdapterInfo], None]
TAKEN = {"adapter_config.json": 1_000_000, "adapter_card.json": 1_000_000, "README.md": 1_000_000, WEIGHTS: 8 << 30}
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
MOST_ENTRIES = 200
MOST_RATIO = 100  # times that a file may grow when unpacked; trained weights hardly shrink at all
KEPT_DELETED = 20
PLAIN_PATTERN = re.compile(r"[\w.\\^$|()/-]*")  # no repetition, so that no pattern can run for ever
PATTERNS = ("target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern", "target_parameters")


@dataclass(frozen=True)
class Deleted:
    """A deleted adapter that can still be brought back; `folder` holds its files, `when` is UTC."""

    name: str
    folder: Path
    when: str


def export_adapter(folders: Iterable[str | Path], name: str, target: str | Path) -> Path:
    """Write an adapter (safetensors, configuration, card) as a zip, whole or not at all; returns the file.

    `target` is a file to be made or a folder. AdapterError when the adapter is broken or the file is there already.
    """
    info = find_adapter(folders, name)
    target = Path(target).expanduser()
    file = target / f"{name}.zip" if target.is_dir() else target
    if file.exists():
        raise AdapterError(f"There is a file {file} already. Choose another name.")
    new = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in TAKEN:
                if (info.folder / part).is_file():
                    archive.writestr(f"{name}/{part}", _without_paths(info.folder / part))
        new.rename(file)
    except OSError as error:
        raise AdapterError(f"The file {file} cannot be written ({error.strerror or error}).") from error
    finally:
        new.unlink(missing_ok=True)
    return file


def import_adapter(
    own: Path, source: str | Path, name: str | None = None, *, check: Check | None = None
) -> AdapterInfo:
    """Take over an adapter from a zip or a folder into `own`, once it has passed `check` (see `merge.fits`).

    Only four known files are read, each by its own name, so nothing of a zip chooses where it is written.
    AdapterError, with nothing left behind, for pickles, links, bombs, broken files and names that are taken.
    """
    source = Path(source).expanduser()
    with _files(source) as files:
        wish = name or re.sub(r"[^\w.-]+", "-", files.name).strip("-._")[:80]
        _free(own, wish)
        if files.pickles and WEIGHTS not in files.sizes:
            raise AdapterError(
                f"{source.name} has its weights in a pickle file ({files.pickles[0][:60]}), which can run code and is "
                "not loaded; save it as safetensors."
            )
        own.mkdir(parents=True, exist_ok=True)
        new = own / f".{wish}.{uuid.uuid4().hex[:8]}.new" / wish
        try:
            new.mkdir(parents=True)
            _enough_room(own, sum(files.sizes.values()))
            for part in files.sizes:
                files.copy(part, new / part)
            info = read_info(new)
            if info.problem:
                raise AdapterError(f"The adapter in {source.name} cannot be used: {info.problem}")
            _plain_patterns(new / "adapter_config.json")
            if check is not None:
                check(info)
            _free(own, wish)
            new.rename(own / wish)
        except OSError as error:
            raise AdapterError(f"The adapter cannot be written to {own} ({error.strerror or error}).") from error
        finally:
            shutil.rmtree(new.parent, ignore_errors=True)
    return read_info(own / wish)


def rename_adapter(own: Path, name: str, new: str) -> AdapterInfo:
    """Give one of the user's own adapters another name; its card follows. AdapterError."""
    folder = _mine(own, name)
    _free(own, new)
    folder.rename(own / new)
    card = own / new / "adapter_card.json"
    try:
        data = json.loads(card.read_text("utf-8"))
        write_atomically(card, json.dumps(data | {"name": new}, ensure_ascii=False, indent=1))
    except (OSError, ValueError, TypeError):
        pass  # a foreign adapter has no card of ours; the folder's name is what counts
    return read_info(own / new)


def delete_adapter(own: Path, name: str) -> Deleted:
    """Put one of the user's own adapters aside; `restore_adapter` brings it back. The oldest of many go for good."""
    folder = _mine(own, name)
    when = datetime.now(UTC).isoformat(timespec="microseconds")
    aside = own / ".deleted" / f"{when.replace(':', '')} {name}"
    aside.parent.mkdir(exist_ok=True)
    folder.rename(aside)
    for old in deleted_adapters(own)[KEPT_DELETED:]:
        shutil.rmtree(old.folder, ignore_errors=True)
    return Deleted(name, aside, when)


def deleted_adapters(own: Path) -> list[Deleted]:
    """What can be brought back, the latest first."""
    found = sorted((own / ".deleted").glob("* *"), reverse=True)
    return [Deleted(folder.name.partition(" ")[2], folder, folder.name.partition(" ")[0]) for folder in found]


def restore_adapter(own: Path, name: str | None = None) -> AdapterInfo:
    """Bring back the adapter deleted last, or the latest deleted of this name. NotFoundError, AdapterError."""
    found = next((one for one in deleted_adapters(own) if name in (None, one.name)), None)
    if found is None:
        raise NotFoundError(f"There is no deleted adapter{f' {name[:60]!r}' if name else ''} to bring back.")
    _free(own, found.name)
    found.folder.rename(own / found.name)
    return read_info(own / found.name)


# ---------------------------------------------------------------- names


def _free(own: Path, name: str) -> None:
    if not NAME.fullmatch(name) or ".." in name:
        raise AdapterError(f"{name[:60]!r} cannot be an adapter's name; a name has letters, digits, - and _ only.")
    if (own / name).exists():
        raise AdapterError(f"There is an adapter {name} already. Choose another name.")


def _mine(own: Path, name: str) -> Path:
    """The folder of one of the user's own adapters, broken or not."""
    if not NAME.fullmatch(name) or ".." in name:
        raise AdapterError(f"{name[:60]!r} cannot be an adapter's name; a name has letters, digits, - and _ only.")
    if not (own / name).is_dir():
        raise AdapterError(f"There is no adapter {name} of your own; those that came with the program stay.")
    return own / name


# ---------------------------------------------------------------- what is taken over


@dataclass(frozen=True)
class _Files:
    """The known files of a source with their bytes, and how to open one."""

    name: str
    sizes: dict[str, int]
    pickles: list[str]
    opened: Callable[[str], IO[bytes]]

    def copy(self, part: str, target: Path) -> None:
        """Copy at most as many bytes as were declared: a bomb lies about them."""
        left = self.sizes[part]
        with self.opened(part) as source, target.open("xb") as file:
            try:
                while piece := source.read(1 << 20):
                    left -= len(piece)
                    if left < 0:
                        raise AdapterError(f"{part} is larger than the archive says; it is not unpacked.")
                    file.write(piece)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise AdapterError(f"The archive is damaged ({str(error)[:100]}). Copy it again.") from error


@contextmanager
def _files(source: Path) -> Iterator[_Files]:
    if source.is_dir():
        inside = {file.name: file for file in source.iterdir()}
        links = [name for name in TAKEN if name in inside and (inside[name].is_symlink() or not inside[name].is_file())]
        if links:
            raise AdapterError(f"{links[0]} in {source.name} is a link or no file; copy the file itself there.")
        sizes = {name: inside[name].stat().st_size for name in TAKEN if name in inside}
        yield _checked(_Files(source.name, sizes, _pickles(inside), lambda part: inside[part].open("rb")))
        return
    try:
        archive = zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no zip file"
        raise AdapterError(f"{source.name} cannot be read: {reason}. Give a zip or a folder of an adapter.") from error
    with archive:
        entries = _entries(source, archive.infolist())
        sizes = {part: entry.file_size for part, entry in entries.items()}
        pickles = _pickles(archive.namelist())
        top = next((entry.filename for entry in entries.values()), "").rpartition("/")[0]
        yield _checked(_Files(top or source.stem, sizes, pickles, lambda part: archive.open(entries[part])))


def _entries(source: Path, listed: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The known files of an archive, which lie in one folder of it; AdapterError for what should not be there."""
    if len(listed) > MOST_ENTRIES:
        raise AdapterError(f"{source.name} has {len(listed):,} entries; that is no adapter.")
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in listed:
        folder, _, part = entry.filename.rpartition("/")
        if folder.startswith("/") or ".." in entry.filename.split("/") or "\\" in entry.filename or "/" in folder:
            raise AdapterError(f"{source.name} holds the path {entry.filename[:60]!r}; it is not unpacked.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise AdapterError(f"{source.name} holds a link ({entry.filename[:60]}); it is not unpacked.")
        if entry.flag_bits & 1:
            raise AdapterError(f"{source.name} is encrypted; save it without a password.")
        if part in TAKEN:
            if part in entries:
                raise AdapterError(f"{source.name} holds {part} twice; give one adapter at a time.")
            entries[part] = entry
            if entry.file_size > MOST_RATIO * max(1, entry.compress_size):
                raise AdapterError(f"{part} would grow {MOST_RATIO} times and more when unpacked; it is not unpacked.")
    return entries


def _checked(files: _Files) -> _Files:
    for part, size in files.sizes.items():
        if size > TAKEN[part]:
            raise AdapterError(f"{part} has {size / 1e6:,.0f} MB; that is too large for an adapter.")
    return files


def _pickles(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.lower().endswith(PICKLES)]


def _enough_room(own: Path, need: int) -> None:
    free = shutil.disk_usage(own).free
    if free < need + 50_000_000:
        raise AdapterError(f"The disk with {own} has {free / 1e6:.0f} MB free; {need / 1e6:.0f} MB are needed.")


def _plain_patterns(config: Path) -> None:
    """Refuse patterns that PEFT would run as regular expressions and that could run for ever."""
    data = json.loads(config.read_text("utf-8"))
    for field in PATTERNS:
        value: Any = data.get(field)
        for pattern in [value] if isinstance(value, str) else value or ():
            if not isinstance(pattern, str) or not PLAIN_PATTERN.fullmatch(pattern):
                raise AdapterError(
                    f"The adapter's {field} holds the pattern {str(pattern)[:60]!r}; name modules plainly."
                )


def _without_paths(file: Path) -> bytes:
    """The file as it goes out: no folder of this machine stays in the configuration."""
    data = file.read_bytes()
    if file.name != "adapter_config.json":
        return data
    config = json.loads(data)
    base = config.get("base_model_name_or_path")
    return json.dumps(config | {"base_model_name_or_path": Path(str(base or "")).name}, indent=2).encode()
