"""Uploaded files, moved from where the page server put them to where they are read."""

import shutil
from collections.abc import Sequence
from pathlib import Path


def moved_uploads(folder: Path, files: Sequence[str]) -> list[Path]:
    """The uploads moved to `folder` under their own names, so that the same name is the same document next time."""
    folder.mkdir(mode=0o700, exist_ok=True)
    moved: list[Path] = []
    for file in map(Path, files):
        target = folder / file.name
        for n in range(2, len(files) + 2):
            if target not in moved:
                break
            target = folder / f"{file.stem} ({n}){file.suffix}"
        shutil.move(file, target)
        moved.append(target)
    return moved
