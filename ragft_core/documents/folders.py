"""Paths become the files to read, and a report row for everything below them that is not read."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..types import FileReport
from .loaders import SUFFIXES, not_read


@dataclass
class Found:
    """`files` to the names they go by, in a fixed order; `refused` says what is passed over and why; `complete` are the
    folders that were read to the last file, so that what is not in them any more is known to be gone."""

    files: dict[Path, str] = field(default_factory=dict)
    refused: list[FileReport] = field(default_factory=list)
    complete: list[Path] = field(default_factory=list)


def find(paths: Sequence[Path]) -> Found:
    """The files that the paths name: a file is itself, a folder all it holds, links and hidden things excepted."""
    found = Found()
    for path in paths:
        path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would hide that it is a link
        try:
            folder = path.is_dir() and not path.is_symlink()
            exists = folder or path.is_symlink() or path.exists()
        except (OSError, ValueError):  # a name too long, or with a NUL in it
            folder = exists = False
        if not exists:
            found.refused.append(FileReport(shown(path), "failed", "There is no such file or folder."))
        for file in _walk(path, found) if folder else [path] if exists else []:
            found.files.setdefault(file, shown(file.relative_to(path)) if folder else shown(Path(file.name)))
    return found


def shown(path: Path) -> str:
    """The path as text that any screen and database can hold, different for different paths."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk(folder: Path, found: Found) -> Iterator[Path]:
    """The readable files below `folder` in the order of their names; the rest goes to the report."""
    unread: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=unread.append):
        here = Path(place)
        for name in sorted(folders):
            if name.startswith(".") or (here / name).is_symlink():
                reason = "Links are not followed." if (here / name).is_symlink() else "Hidden folders are not read."
                found.refused.append(FileReport(shown(here / name), "skipped", reason))
                folders.remove(name)
        folders.sort()
        for name in sorted(files):
            reason = _passed_over(here / name)
            if reason:
                found.refused.append(FileReport(shown(here / name), "skipped", reason))
            else:
                yield here / name
    for error in unread:
        reason = f"The folder cannot be read: {error.strerror or error}."
        found.refused.append(FileReport(shown(Path(error.filename or folder)), "failed", reason))
    if not unread:
        found.complete.append(folder)


def _passed_over(file: Path) -> str:
    if file.is_symlink():
        return "Links are not followed."
    if file.name.startswith("."):
        return "Hidden files are not read."
    if file.suffix.lower() not in SUFFIXES:
        return not_read(file.suffix.lower())
    return ""
