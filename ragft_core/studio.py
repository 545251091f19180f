"""The one object that the page, the command line and a Python user hold."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from . import demo
from .compare import compare, stop
from .errors import AdapterError, NotFoundError, RagftError
from .home import Home
from .loaded import Loaded
from .prompts import PROMPT_VERSION
from .request import Request, checked_collection, checked_question, checked_request, checked_search, within
from .searches import Trace
from .settings import ASSETS, Settings
from .store import Store
from .types import DEFAULT_ARMS, Comparison, Document, IndexReport, Passage, Progress, Status
from .version import VERSION
from .weights import stay_offline

if TYPE_CHECKING:
    from .documents import Columns
    from .examples.propose import Proposal
    from .ratings import Ratings

Report = Callable[[Progress], None]


class Studio:
    """Settings, the home folder, and one engine and one index that load on first use.

    `engine` and `retrieval` may be given ready-made (see `testing`); otherwise they come from the settings.
    Use it as a context manager, or call `close()`: the home folder is locked while a Studio is open.
    """

    def __init__(self, settings: Settings | None = None, *, engine: Any = None, retrieval: Any = None) -> None:
        self.settings = settings or Settings.load()
        stay_offline(self.settings.model, self.settings.embedding)
        self.home = Home.open(self.settings.home)
        self.store = Store(self.home.database)
        self._loaded = Loaded(self.settings, self.home, self.store, self.adapter_folders(), engine, retrieval)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close index and store and give the home folder back."""
        self._loaded.close()
        self.store.close()
        self.home.close()

    # ---------------------------------------------------------------- parts, loaded on first use

    @property
    def engine(self) -> Any:
        """The base model in memory with its adapters; loading can take seconds. Raises ModelError."""
        return self._loaded.engine

    @property
    def retrieval(self) -> Any:
        """The retrieval index over this home's documents; a damaged one is rebuilt from the store."""
        return self._loaded.retrieval

    @cached_property
    def ratings(self) -> "Ratings":
        """Blind human judgement of saved comparisons: studies, ballots, votes, results, files."""
        from .ratings import Ratings

        return Ratings(self.store)

    @cached_property
    def secret(self) -> str:
        """Known to this process only and new at every start; where one is needed, it proves who owns the page."""
        return secrets.token_urlsafe(24)

    def adapter_folders(self) -> tuple[Path, ...]:
        """Where adapters are looked for: the user's own first, then the shipped ones."""
        return (self.home.adapters, ASSETS / "adapters")

    def adapters(self) -> list[Any]:
        """The adapters at hand, each with its name, folder and card, without loading the model."""
        from .adapters import find_adapters

        return find_adapters(self.adapter_folders())

    # ---------------------------------------------------------------- getting ready

    def prepare(self, progress: Report = lambda _: None) -> None:
        """Install the demo into an empty home, unless the settings say no."""
        if self.settings.demo and demo.wanted(self):
            self.note(demo.install(self, progress))

    def warm(self) -> None:
        """Prepare and load everything; the outcome, good or bad, is in `status()`."""
        try:
            self.prepare(lambda p: self._loaded.say("installing", p.message, p.done, p.total))
            for notice in self.retrieval.notices:
                self.note(notice)
            _ = self.engine
            self.retrieval.warm()  # else the first question waits for the embedding model
        except RagftError as error:
            self._loaded.say("failed", str(error))
        except BaseException:  # a fault of ours must not leave the page loading for ever
            self._loaded.say("failed", "RAGFT could not get ready, by a fault of its own; the log has the details.")
            raise
        else:
            self._loaded.say("ready", "Ready")

    def warm_in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.warm, name="ragft-warm", daemon=True)
        thread.start()
        return thread

    def status(self) -> Status:
        """What this Studio is doing and what it has loaded; never loads anything itself."""
        return self._loaded.status()

    def note(self, notice: str) -> None:
        """Remember a sentence for the user (what was installed, what was repaired)."""
        self._loaded.note(notice)

    def make_room(self, needed: int, until: Callable[[], object]) -> bool:
        """Let go of the base model when fewer than `needed` bytes are free; it is loaded again once `until` returns.

        A question in the meantime loads it, too. Returns whether the model was let go.
        """
        return self._loaded.make_room(needed, until)

    # ---------------------------------------------------------------- the main job

    def ask(
        self,
        question: str,
        arms: Sequence[str] = DEFAULT_ARMS,
        *,
        adapter: str | None = None,
        top_k: int | None = None,
        search_mode: str | None = None,
        steps: Sequence[str] | str | None = None,
        where: Sequence[str] = (),
        collection: str | None = None,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Comparison]:
        """Yield snapshots of the comparison; the last one is final and saved, also when it was stopped.

        What is not given comes from the settings. Raises QuestionError at once for a question or a wish
        beyond the limits, ModelError when the base model cannot be loaded; whatever concerns one arm
        only (no passages, a bad adapter) fails that arm and leaves the others.
        """
        request = checked_request(
            self.settings,
            question,
            arms,
            adapter=adapter,
            top_k=top_k,
            search_mode=search_mode,
            steps=steps,
            where=where,
            collection=collection,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed,
        )
        return self._compare(request, stopped)

    def _compare(self, request: Request, stopped: Callable[[], bool]) -> Iterator[Comparison]:
        snapshots = compare(request, self.engine, self.retrieval, self._setup(request), stopped)
        latest: Comparison | None = None
        with closing(snapshots):
            try:
                for latest in snapshots:
                    if not latest.done:
                        yield latest
            finally:  # also when the reader has gone: what was written is kept
                if latest is not None:
                    self.store.save_comparison(latest if latest.done else stop(latest))
        if latest is not None:
            yield latest

    def _setup(self, request: Request) -> dict[str, Any]:
        """Everything that is needed to repeat a comparison."""
        setup: dict[str, Any] = {"app_version": VERSION, "prompt_version": PROMPT_VERSION}
        setup |= self.engine.describe()
        if any(arm.adapted for arm in request.arms):
            setup["adapter"] = request.adapter
            try:
                setup |= self.engine.describe_adapter(request.adapter)
            except AdapterError as error:
                setup["adapter_error"] = str(error)
        if any(arm.retrieves for arm in request.arms):
            setup |= self.retrieval.describe() | request.search.describe()
        return setup | asdict(request.decoding)

    # ---------------------------------------------------------------- documents

    def search(self, question: str, k: int | None = None, mode: str | None = None, **more: Any) -> list[Passage]:
        """The `k` best passages, best first; `more` as in `trace`. Needs no language model unless a step does."""
        return list(self.trace(question, k, mode, **more).passages)

    def trace(
        self,
        question: str,
        k: int | None = None,
        mode: str | None = None,
        steps: Any = None,
        where: Sequence[str] = (),
        collection: str | None = None,
    ) -> Trace:
        """`search` with what every step did; `steps` are names of searches.STEPS, `where` conditions like `page=3`.

        The language model is loaded only for steps that need it. QuestionError for a wish that cannot be read.
        """
        search = checked_search(self.settings, k, mode, steps, where, collection)
        return self.retrieval.trace(checked_question(self.settings, question), search, lambda: self.engine)

    def timed_search(self, question: str, k: int | None, mode: str | None) -> tuple[list[Passage], float]:
        """`search`, and the seconds it took."""
        started = time.perf_counter()
        return self.search(question, k, mode), time.perf_counter() - started

    def index(
        self,
        paths: Sequence[str | Path],
        progress: Report = lambda _: None,
        *,
        columns: "Columns | None" = None,
        collection: str | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> IndexReport:
        """Index files and folders; a folder seen before is refreshed: changed, new and gone files.

        They go into the `collection`; without one, a document stays in its own, a new one joins those of its folder.

        `columns` says which columns of tables are read, and how many rows (None: as before). When `stopped` says so the
        job ends, keeps what is finished, and reports.
        """
        wished = None if collection is None else checked_collection(collection)
        how: dict[str, Any] = {"columns": columns, "collection": wished, "stopped": stopped}
        return self.retrieval.add([Path(path) for path in paths], progress, **how)

    def propose(self, count: int = 20, sources: Sequence[str] = (), seed: int = 0) -> "Iterator[Proposal]":
        """Training examples proposed from the documents by the loaded model, one by one, for a person to judge."""
        from .examples.propose import propose

        passages = self.retrieval.passages(sources)
        if not passages:
            raise NotFoundError("There are no indexed passages to ask about. Index documents first.")
        return propose(self.engine, passages, within("count", count, 20, 1, 500), seed)

    def documents(self) -> list[Document]:
        return self.store.documents()

    def collections(self) -> list[str]:  # their names, the settings' one first
        return list(dict.fromkeys([self.settings.collection, *self.store.collections()]))

    def forget(self, sources: Sequence[str], *, for_good: bool = False) -> int:
        """Remove documents by source; returns how many. NotFoundError names the first that is not there.

        `undo_forget` brings them back, for a day and until something else is forgotten, unless it was `for_good`.
        """
        return self.retrieval.forget(list(sources), for_good=for_good)

    def undo_forget(self) -> list[str]:
        """Bring back what was forgotten last; returns the sources that are back."""
        return self.retrieval.undo_forget()

    # ---------------------------------------------------------------- what was asked before

    def comparison(self, comparison_id: str) -> Comparison:
        """A saved comparison, shown again without any model."""
        found = self.store.comparison(comparison_id)
        if found is None:
            raise NotFoundError(
                f"There is no saved comparison {comparison_id[:40]!r}; it may have been made elsewhere."
            )
        return found

    def history(self, limit: int = 50) -> list[Comparison]:
        """The latest saved comparisons, newest first."""
        return self.store.comparisons(limit)
