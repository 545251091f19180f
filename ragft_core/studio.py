"""The one object that the page, the command line and a Python user hold."""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from . import demo
from .compare import compare, stop
from .errors import AdapterError, NotFoundError, RagftError
from .home import Home
from .prompts import PROMPT_VERSION
from .request import Request, checked_mode, checked_question, checked_request, within
from .settings import ASSETS, Settings, model_name
from .store import Store
from .types import (
    DEFAULT_ARMS,
    Comparison,
    Document,
    IndexReport,
    Passage,
    Progress,
    Status,
)
from .version import VERSION
from .weights import free_memory, stay_offline

if TYPE_CHECKING:
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
        self._engine, self._retrieval = engine, retrieval
        self._loading = threading.RLock()
        self._status = Status("starting", "Starting", since=time.monotonic(), adapter=self.settings.adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close index and store and give the home folder back."""
        if self._retrieval is not None:
            self._retrieval.close()
        self.store.close()
        self.home.close()

    # ---------------------------------------------------------------- parts, loaded on first use

    @property
    def engine(self) -> Any:
        """The base model in memory with its adapters; loading can take seconds. Raises ModelError."""
        with self._loading:
            if self._engine is None:
                from .engine import Engine

                before = self._status
                self._say("loading", f"Loading model {model_name(self.settings.model)}")
                try:
                    self._engine = Engine.load(self.settings, self.adapter_folders())
                except RagftError as error:
                    self._say("failed", str(error))
                    raise
                if before.state == "ready":  # it had made room for a run (see make_room)
                    self._say("ready", "Ready")
            return self._engine

    @property
    def retrieval(self) -> Any:
        """The retrieval index over this home's documents; a damaged one is rebuilt from the store."""
        with self._loading:
            if self._retrieval is None:
                from .model import load_tokenizer
                from .retrieval import Index

                self._say("loading", "Opening the index")
                tokenizer = load_tokenizer(self.settings)
                self._retrieval = Index(self.store, self.home.index, self.settings, tokenizer.tokenize)
            return self._retrieval

    @cached_property
    def ratings(self) -> "Ratings":
        """Blind human judgement of saved comparisons: studies, ballots, votes, results, files."""
        from .ratings import Ratings

        return Ratings(self.store)

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
            self.prepare(lambda p: self._say("installing", p.message, p.done, p.total))
            for notice in self.retrieval.notices:
                self.note(notice)
            _ = self.engine
            self.retrieval.warm()  # else the first question waits for the embedding model
        except RagftError as error:
            self._say("failed", str(error))
        except BaseException:  # a fault of ours must not leave the page loading for ever
            self._say("failed", "RAGFT could not get ready, by a fault of its own; the log has the details.")
            raise
        else:
            self._say("ready", "Ready")

    def warm_in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.warm, name="ragft-warm", daemon=True)
        thread.start()
        return thread

    def status(self) -> Status:
        """What this Studio is doing and what it has loaded; never loads anything itself."""
        engine = self._engine.describe() if self._engine is not None else {}
        return replace(
            self._status,
            model=str(engine.get("base_model", model_name(self.settings.model))),
            precision=str(engine.get("precision", "")),
            device=str(engine.get("device", "")),
            documents=self.store.count_documents(),
            chunks=self.store.count_chunks(),
        )

    def note(self, notice: str) -> None:
        """Remember a sentence for the user (what was installed, what was repaired)."""
        self._status = replace(self._status, notices=(*self._status.notices, notice))

    def _say(self, state: str, message: str, done: int = 0, total: int = 0) -> None:
        since = self._status.since if message == self._status.message else time.monotonic()
        self._status = replace(self._status, state=state, message=message, done=done, total=total, since=since)

    def make_room(self, needed: int, until: Callable[[], object]) -> bool:
        """Let go of the base model when fewer than `needed` bytes are free; it is loaded again once `until` returns.

        A question in the meantime loads it, too. Returns whether the model was let go.
        """
        with self._loading:
            if self._engine is None or free_memory() >= needed:
                return False
            self._engine = None
        gc.collect()

        def reload() -> None:
            until()
            with suppress(RagftError):  # whoever asks next is told
                _ = self.engine

        threading.Thread(target=reload, name="ragft-reload", daemon=True).start()
        return True

    # ---------------------------------------------------------------- the main job

    def ask(
        self,
        question: str,
        arms: Sequence[str] = DEFAULT_ARMS,
        *,
        adapter: str | None = None,
        top_k: int | None = None,
        search_mode: str | None = None,
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
            setup |= self.retrieval.describe() | {"top_k": request.top_k, "search_mode": request.search_mode}
        return setup | asdict(request.decoding)

    # ---------------------------------------------------------------- documents

    def search(self, question: str, k: int | None = None, mode: str | None = None) -> list[Passage]:
        """The `k` best passages, best first; needs no language model."""
        k = within("top_k", k, self.settings.top_k, 1, 100)
        mode = checked_mode(mode or self.settings.search_mode)
        return self.retrieval.search(checked_question(self.settings, question), k, mode)

    def timed_search(self, question: str, k: int | None, mode: str | None) -> tuple[list[Passage], float]:
        """`search`, and the seconds it took."""
        started = time.perf_counter()
        return self.search(question, k, mode), time.perf_counter() - started

    def index(self, paths: Sequence[str | Path], progress: Report = lambda _: None) -> IndexReport:
        """Index files and folders; a folder seen before is refreshed: changed, new and gone files."""
        return self.retrieval.add([Path(path) for path in paths], progress)

    def propose(self, count: int = 20, sources: Sequence[str] = (), seed: int = 0) -> "Iterator[Proposal]":
        """Training examples proposed from the documents by the loaded model, one by one, for a person to judge."""
        from .examples.propose import propose

        passages = self.retrieval.passages(sources)
        if not passages:
            raise NotFoundError("There are no indexed passages to ask about. Index documents first.")
        return propose(self.engine, passages, within("count", count, 20, 1, 500), seed)

    def documents(self) -> list[Document]:
        return self.store.documents()

    def forget(self, sources: Sequence[str]) -> int:
        """Remove documents by source; returns how many. NotFoundError names the first that is not there."""
        return self.retrieval.forget(list(sources))

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
