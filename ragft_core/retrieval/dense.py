"""The vectors of the database become a Chroma index that is checked at every opening and made again if it is not sound.

Every making has its own folder, or its own name on a Chroma server; a fact in the database names the current one, so
the switch is one transaction.
"""

import json
import shutil
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import HomeError
from ..types import Progress
from .check import ALL, SAMPLE, Finding, in_child, inspect
from .collection import AT_ONCE, FAR, Broken, Collection
from .server import Remote, Server
from .shelf import Change, Shelf

if TYPE_CHECKING:
    import numpy as np

CURRENT, MODEL, SEAL, ASTRAY = "index_folder", "index_model", "index_seal", "index_astray"
UNREACHABLE = "The index cannot be kept on {}: is the Chroma server running? Start it, or empty the setting chroma."
MOST_ASTRAY = 0.02  # a larger share than this of new vectors that are not found is no accident of the graph


class Dense:
    """Nearest chunks by vector. What had to be repaired is told to `note`, a sentence each; nothing is lost by it.

    Chroma's search walks a graph, and among many near-twins some chunk may be left without a path to it: such
    chunks are known by name and compared one by one, so that none is out of reach.
    """

    def __init__(
        self,
        shelf: Shelf,
        folder: Path,
        note: Callable[[str], None],
        server: Server | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self.shelf, self.folder, self.note, self.server = shelf, folder, note, server
        self._progress = progress  # of the opening
        self._lock = threading.RLock()  # of all that changes the collection; reading needs none
        self._collection: Collection | None = None
        self._astray: dict[str, np.ndarray] = shelf.vectors(json.loads(shelf.store.fact(ASTRAY) or "[]"))
        fault = self._open()
        if fault:
            self.rebuild(fault)
        self._sweep()
        self._progress = lambda _: None

    def close(self) -> None:
        """Close, and seal what was closed: files found unchanged at the next opening need no child to look at them."""
        with self._lock:
            if self._collection is None:
                return
            collection, self._collection = self._collection, None
            with suppress(Broken):
                collection.close()
                if isinstance(collection.folder, Path):
                    self.shelf.store.set_fact(SEAL, seal(collection.folder))

    def nearest(self, vector: "np.ndarray", k: int) -> dict[str, float]:
        """{chunk id: cosine} of the `k` nearest, best first. A collection that fails is made again, once."""
        collection = self._sound()
        try:
            found = collection.nearest(vector, k)
        except Broken as error:
            with self._lock:
                if self._collection is collection:
                    self.rebuild(f"could not be searched: {error}")
            found = self._sound().nearest(vector, k)
        astray = self._astray
        if astray:
            found |= {key: float(vector @ other) for key, other in astray.items()}
            found = dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:k])
        return found

    def apply(self, change: Change) -> None:
        """Follow a change of the database."""
        with self._lock:
            try:
                self._follow(self._sound(), change)
            except Broken as error:
                self.rebuild(f"could not be written: {error}")
            if not self._astray.keys().isdisjoint(change.gone):
                self._remember(set(self._astray) - set(change.gone))

    def verify(self, ids: Sequence[str]) -> None:
        """After `ids` came: as many chunks as in the database, and all find themselves; else make the collection again.

        All, not only the new ones: their links in the graph may have taken the place of an older one's last. Of more
        than ALL chunks only the new ones are asked, or a sample of them.
        """
        with self._lock:
            try:
                collection = self._sound()
                there, wanted = collection.count(), self.shelf.store.count_chunks()
                asked = self.shelf.ids() if wanted <= ALL else ids if len(ids) <= ALL else ids[:: len(ids) // SAMPLE]
                lost = collection.lost(self.shelf.vectors(asked))
            except Broken as error:
                self.rebuild(f"could not be read: {error}")
                return
            if there != wanted or self._damaged(collection, lost, len(asked)):
                self.rebuild(f"had {there} of {wanted} passages, {len(lost)} of them lost")
            else:
                self._remember((set(self._astray) - set(asked)) | set(lost))

    def _damaged(self, collection: Collection, lost: Iterable[str], asked: int) -> bool:
        """Whether of those that do not find themselves, and were not known for it, too many have no path at all."""
        fresh, most = sorted(set(lost) - set(self._astray)), max(2, MOST_ASTRAY * asked)
        return len(fresh) > most and len(collection.lost(self.shelf.vectors(fresh), FAR)) > most

    def count(self) -> int:
        """How many vectors Chroma holds."""
        return self._sound().count()

    def check(self) -> Finding:
        """Compare with the database, and let the passages look for themselves; those known as astray count as found."""
        with self._lock:
            finding = inspect(self._sound(), self.shelf)
        return replace(finding, lost=tuple(key for key in finding.lost if key not in self._astray))

    def rebuild(self, fault: str) -> None:
        """Make a new collection from the database, switch to it, remove the old one."""
        store = self.shelf.store
        name = f"{self.server.owner if self.server else 'chroma'}-{uuid.uuid4().hex[:8]}"
        with self._lock:
            fresh, finding = self._made(self._place(name))
            with store.writing() as db:
                facts = {CURRENT: name, MODEL: self.shelf.model, SEAL: ""}
                db.executemany("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", facts.items())
            self._remember(finding.lost)
            old, self._collection = self._collection, fresh
            if old is not None:
                with suppress(Broken):
                    old.close()
            self._sweep()
        count = store.count_chunks()
        if count:
            self.note(f"The index {fault}. It was made again from the database: {count} passages, nothing lost.")

    def _place(self, name: str) -> Path | Remote:
        return Remote(self.server, name) if self.server else self.folder / name

    def _made(self, folder: Path | Remote) -> tuple[Collection, Finding]:
        """A new collection of all chunks, and what its inspection found."""
        try:
            fresh = Collection(folder, new=True)
            try:
                ids = self.shelf.ids()
                for start in range(0, len(ids), AT_ONCE):
                    message = f"Making the index again, {start:,} of {len(ids):,} passages"
                    self._progress(Progress(start, len(ids), message))
                    self._follow(fresh, Change(came=tuple(ids[start : start + AT_ONCE])))
                finding = inspect(fresh, self.shelf)
                if finding.missing or finding.extra:
                    raise Broken(f"It lacks {len(finding.missing)} passages right after its making.")
            except BaseException:
                with suppress(Broken):
                    fresh.close()
                raise
        except (Broken, OSError) as error:
            if isinstance(folder, Remote):  # what was there before stays the current one
                folder.server.discard(folder.name)
                raise HomeError(f"{UNREACHABLE.format(folder.server.address)} {error}") from error
            shutil.rmtree(folder, ignore_errors=True)
            raise HomeError(f"The index cannot be made in {self.folder}; is its disk full? {error}") from error
        return fresh, finding

    def _open(self) -> str:
        """Open the current collection; if it is not sound, say why (to follow "The index ...")."""
        store = self.shelf.store
        name, model = store.fact(CURRENT), store.fact(MODEL)
        folder = self._place(name or "none")
        if not name or not self._there(folder):
            return "was missing"
        if model != self.shelf.model:
            return f"was made with another embedding model, {model}"
        if isinstance(folder, Path) and seal(folder) != store.fact(SEAL):
            finding, fault = in_child(folder, store.path, self.shelf.model)
            if finding is None:
                return f"was damaged: {fault}"
            if len(set(finding.pathless) - set(self._astray)) > max(2, MOST_ASTRAY * finding.asked):
                # Not to be opened here: what the child survived may still crash another process.
                return f"was damaged: {len(finding.lost)} of {finding.asked} passages could not be found"
        try:
            self._collection = Collection(folder)
            finding = inspect(self._collection, self.shelf)
            if self._damaged(self._collection, finding.lost, finding.asked):
                return f"was damaged: {len(finding.lost)} of {finding.asked} passages could not be found"
            self._remember(set(self._astray) | set(finding.lost))
            if finding.missing or finding.extra:
                self._follow(self._collection, Change(finding.missing, finding.extra))
                self.verify(finding.missing)
                amount = len(finding.missing) + len(finding.extra)
                self.note(f"The last change of the documents was interrupted; it was completed for {amount} passages.")
        except Broken as error:
            return f"was damaged: {error}"
        return ""

    def _there(self, folder: Path | Remote) -> bool:
        if isinstance(folder, Path):
            return (folder / "chroma.sqlite3").is_file()
        try:
            return folder.name in folder.server.names()
        except Exception as error:  # the client raises whatever its transport raises
            raise HomeError(f"{UNREACHABLE.format(folder.server.address)} ({str(error)[:200]})") from error

    def _follow(self, collection: Collection, change: Change) -> None:
        if change.gone:
            collection.remove(change.gone)
        if change.came:
            collection.put(self.shelf.embedded(change.came), self.shelf.vectors(change.came))

    def _sound(self) -> Collection:
        if self._collection is None:
            raise HomeError("The index is closed; start again.")
        return self._collection

    def _remember(self, astray: Iterable[str]) -> None:
        """Keep by name the chunks that Chroma's graph does not lead to."""
        if set(astray) != set(self._astray):
            self._astray = self.shelf.vectors(sorted(astray))
            self.shelf.store.set_fact(ASTRAY, json.dumps(sorted(self._astray)))

    def _sweep(self) -> None:
        """Remove what is not the current collection: old ones, and one whose making was killed."""
        current = self.shelf.store.fact(CURRENT)
        for place in self.folder.iterdir() if self.folder.is_dir() else ():
            if place.name != current:
                shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)
        if self.server:
            with suppress(Exception):  # what cannot be removed now is removed another time
                for name in self.server.names() - {current}:
                    self.server.discard(name)


def seal(folder: Path) -> str:
    """Names, sizes and times of all files of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [(str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return json.dumps(rows)
