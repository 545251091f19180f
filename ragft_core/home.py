"""The home folder: where everything RAGFT keeps lies, owned by one process at a time."""

import json
import os
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psutil
from filelock import FileLock, Timeout

from .errors import HomeError

IN_MEMORY = ("tmpfs", "ramfs")


class Home:
    """An open home folder. The lock is the kernel's, so it goes when the process dies, however it dies."""

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder, self._lock = folder, lock
        self.database = folder / "ragft.sqlite"
        self.index = folder / "index"
        self.adapters = folder / "adapters"
        self.downloads = folder / "downloads"
        self.lasting = lasting(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Create `folder` if need be and take its lock; HomeError says why not, and who holds it."""
        folder = Path(folder).expanduser().resolve()
        check_placement(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(folder / "owner.lock")
            lock.acquire(timeout=0)
        except Timeout as error:
            raise HomeError(held_by(folder)) from error
        except OSError as error:
            raise HomeError(
                f"The home folder {folder} cannot be written ({error.strerror or error}). "
                "Make it writable, or choose another with --home or RAGFT_HOME."
            ) from error
        home = cls(folder, lock)
        home.announce()
        return home

    def announce(self, url: str | None = None) -> None:
        """Write who owns the home (and where its page is), for a second start to read."""
        owner = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "url": url,
        }
        write_atomically(self.folder / "owner.json", json.dumps(owner))

    def close(self) -> None:
        """Give the home back; closing twice is harmless."""
        if self._lock.is_locked:
            (self.folder / "owner.json").unlink(missing_ok=True)
            self._lock.release()


def check_placement(folder: Path) -> None:
    """Refuse places that a web page may serve: the temporary folder, and the folder the program runs in.

    A working directory that holds the user's own home is let through, or nobody could start from there;
    the page itself moves to the program's folder before it opens (see app.py).
    """
    temporary, here = Path(tempfile.gettempdir()).resolve(), Path.cwd().resolve()
    if folder.is_relative_to(temporary):
        raise HomeError(f"The home folder {folder} lies in the temporary folder, which is emptied. Choose another.")
    if folder.is_relative_to(here) and not Path.home().resolve().is_relative_to(here):
        raise HomeError(
            f"The home folder {folder} lies in the working directory {here}, whose files a page could serve. "
            "Choose one outside with --home or RAGFT_HOME."
        )


def lasting(folder: Path) -> bool:
    """Whether what lies in `folder` outlives a restart: not in memory, and on a Space only in mounted storage.

    A Space's own disk is thrown away whenever it restarts; storage mounted at the home folder, or above it, is kept.
    """
    mounts = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    here = next((str(path) for path in (folder, *folder.parents) if str(path) in mounts), "/")
    return mounts.get(here) not in IN_MEMORY and not (here == "/" and bool(os.environ.get("SPACE_ID")))


def owner_of(folder: Path) -> dict[str, Any]:
    """What the owning process wrote about itself: pid, host, since, url; empty when nothing readable is there."""
    try:
        owner = json.loads((Path(folder) / "owner.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def held_by(folder: Path) -> str:
    """The sentence for a second start."""
    owner = owner_of(folder)
    who = f"process {owner['pid']} on {owner['host']} since {owner['since']}" if "pid" in owner else "another process"
    where = f" Its page is at {owner['url']}." if owner.get("url") else ""
    return f"The home folder {folder} is in use by {who}.{where} Stop that one first, or choose another with --home."


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by `text` such that a crash leaves the old or the new file, never a half one."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
