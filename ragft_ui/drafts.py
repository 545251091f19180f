"""The files of examples in this home, by name, and the drafts of those that were looked at last. No gradio here."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from ragft_core import DatasetError
from ragft_core.demo import DEMO
from ragft_core.examples.check import clean_copy
from ragft_core.training.draft import Draft

from .uploads import moved_uploads

SUFFIXES = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".xlsx")
INDEX = "(the documents)"
"""Named among the sets that rows must not be shared with: the user's own index."""
DEMO_TRAIN, DEMO_EVAL = "demo/train.jsonl", "demo/eval.jsonl"
REMEMBERED = 4  # drafts kept, each with its lessons


class Drafts:
    """Names come from the page and are only ever looked up among files that are there: no name becomes a path."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        self.folder: Path = studio.home.folder / "datasets"
        self._kept: OrderedDict[Any, Draft] = OrderedDict()
        self._lock = Lock()

    def files(self) -> dict[str, Path]:
        """All files of examples by name, the user's newest first, the demo's last."""
        own = [file for file in self.folder.glob("*") if file.suffix.lower() in SUFFIXES and file.is_file()]
        own.sort(key=lambda file: file.stat().st_mtime, reverse=True)
        demo = {name: DEMO.parent / name for name in (DEMO_TRAIN, DEMO_EVAL)}
        return {file.name: file for file in own} | {name: file for name, file in demo.items() if file.is_file()}

    def path(self, name: str | None) -> Path:
        if not name:
            raise DatasetError("Choose examples first: upload a file, or use the demo's.")
        found = self.files().get(name)
        if found is None:
            raise DatasetError(f"There is no file of examples {name[:60]!r} any more. Upload it again.")
        return found

    def take(self, upload: str | None) -> str:
        """Keep an uploaded file; returns its name. One of the same name is replaced."""
        if not upload:
            raise DatasetError("Choose a file first.")
        if Path(upload).suffix.lower() not in SUFFIXES:
            raise DatasetError(f"{Path(upload).name} is of no known kind; give {', '.join(SUFFIXES)}.")
        return moved_uploads(self.folder, [upload])[0].name

    def draft(self, name: str | None, mapping: Mapping[str, str] | None = None, others: Sequence[str] = ()) -> Draft:
        """The file checked, with what its rows must not be shared with; the last few are kept. DatasetError."""
        path = self.path(name)
        beside = [self.path(other) for other in others if other not in (name, INDEX)]
        search = self.search if INDEX in others else None
        facts = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in (path, *beside)]
        index = (self.studio.store.count_documents(), self.studio.store.count_chunks())
        key = (tuple(facts), tuple(sorted((mapping or {}).items())), index, search is not None)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = Draft(self.studio.settings, path, mapping or None, beside, search)
            self._kept.move_to_end(key)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
            return self._kept[key]

    def clean(self, draft: Draft) -> tuple[str, dict[str, list[int]]]:
        """Write the clean copy of a draft's file beside the others; its name, and the dropped lines by kind."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        target = self.folder / f"{draft.path.stem.removesuffix('-clean')}-clean.jsonl"
        return target.name, clean_copy(draft.check, target)

    def search(self, question: str, k: int) -> Sequence[Any]:
        """What RAFT finds in the user's index for a training question, however long it is."""
        return self.studio.search(question[: self.studio.settings.max_question_chars], k)


def mapping_of(columns: Sequence[str | None]) -> dict[str, str]:
    """The chosen columns, in the order of FIELDS, as a mapping; what is not chosen is left out."""
    return {field: column for field, column in zip(FIELDS, columns, strict=True) if column}


FIELDS = ("question", "answer", "context", "group")
