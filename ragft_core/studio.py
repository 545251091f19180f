"""The one object that the page, the command line and a Python user hold."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from . import demo
from .compare import compare, stop
from .errors import AdapterError, NotFoundError, QuestionError, RagftError
from .home import Home
from .prompts import PROMPT_VERSION
from .settings import ASSETS, Settings
from .store import Store
from .types import (
    ARMS,
    DEFAULT_ARMS,
    Arm,
    Comparison,
    Decoding,
    Document,
    IndexReport,
    Passage,
    Progress,
    Status,
)
from .version import VERSION

Report = Callable[[Progress], None]
SNAPSHOTS_APART = 0.04  # seconds; a screen shows no more than 25 frames a second


class Studio:
    """Settings, the home folder, and one engine and one index that load on first use.

    `engine` and `retrieval` may be given ready-made (see `testing`); otherwise they come from the settings.
    Use it as a context manager, or call `close()`: the home folder is locked while a Studio is open.
    """

    def __init__(self, settings: Settings | None = None, *, engine: Any = None, retrieval: Any = None) -> None:
        self.settings = settings or Settings.load()
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

                self._say("loading", f"Loading model {Path(self.settings.model).name}")
                self._engine = Engine.load(self.settings, self.adapter_folders())
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
        except RagftError as error:
            self._say("failed", str(error))
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
            model=str(engine.get("base_model", Path(self.settings.model).name)),
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
        s = self.settings
        question = self._checked_question(question)
        chosen = chosen_arms(arms)
        decoding = Decoding(
            self._within("max_new_tokens", max_new_tokens, s.max_new_tokens, 1, s.max_new_tokens_limit),
            self._within("temperature", temperature, s.temperature, 0.0, 2.0),
            seed=self._within("seed", seed, s.seed, 0, 2**31 - 1),
        )
        k = self._within("top_k", top_k, s.top_k, 1, 20)
        mode = search_mode or s.search_mode
        if mode not in ("hybrid", "dense", "keyword"):
            raise QuestionError(f"The search mode {mode!r} is unknown; choose hybrid, dense or keyword.")
        name = adapter or s.adapter
        return self._compare(question, chosen, decoding, name, k, mode, stopped)

    def _compare(
        self,
        question: str,
        arms: tuple[Arm, ...],
        decoding: Decoding,
        adapter: str,
        top_k: int,
        mode: str,
        stopped: Callable[[], bool],
    ) -> Iterator[Comparison]:
        setup = self._setup(arms, decoding, adapter, top_k, mode)
        snapshots = compare(
            question,
            arms,
            self.engine,
            self.retrieval,
            decoding,
            adapter=adapter,
            top_k=top_k,
            search_mode=mode,
            setup=setup,
            stopped=stopped,
        )
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

    def _setup(self, arms: tuple[Arm, ...], decoding: Decoding, adapter: str, top_k: int, mode: str) -> dict[str, Any]:
        """Everything that is needed to repeat a comparison."""
        setup: dict[str, Any] = {"app_version": VERSION, "prompt_version": PROMPT_VERSION}
        setup |= self.engine.describe()
        if any(arm.adapted for arm in arms):
            setup["adapter"] = adapter
            try:
                setup |= self.engine.describe_adapter(adapter)
            except AdapterError as error:
                setup["adapter_error"] = str(error)
        if any(arm.retrieves for arm in arms):
            setup |= self.retrieval.describe() | {"top_k": top_k, "search_mode": mode}
        return setup | {
            "max_new_tokens": decoding.max_new_tokens,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "seed": decoding.seed,
        }

    def _checked_question(self, question: str) -> str:
        question = question.strip() if isinstance(question, str) else ""
        if not question:
            raise QuestionError("Type a question first.")
        limit = self.settings.max_question_chars
        if len(question) > limit:
            raise QuestionError(
                f"The question has {len(question):,} characters; at most {limit:,} are taken. Shorten it."
            )
        return question

    @staticmethod
    def _within(name: str, wish: Any, default: Any, low: float, high: float) -> Any:
        """The wish if it is a number of the default's kind between the limits; QuestionError otherwise."""
        if wish is None:
            return default
        number = isinstance(wish, (int, float)) and not isinstance(wish, bool) and math.isfinite(wish)
        if not number or (isinstance(default, int) and wish != int(wish)) or not low <= wish <= high:
            raise QuestionError(f"{name} must be a number from {low:g} to {high:g}, not {str(wish)[:40]}.")
        return type(default)(wish)

    # ---------------------------------------------------------------- documents

    def search(self, question: str, k: int | None = None, mode: str | None = None) -> list[Passage]:
        """The `k` best passages, best first; needs no language model."""
        k = self._within("top_k", k, self.settings.top_k, 1, 100)
        return self.retrieval.search(self._checked_question(question), k, mode or self.settings.search_mode)

    def timed_search(self, question: str, k: int | None, mode: str | None) -> tuple[list[Passage], float]:
        """`search`, and the seconds it took."""
        started = time.perf_counter()
        return self.search(question, k, mode), time.perf_counter() - started

    def index(self, paths: Sequence[str | Path], progress: Report = lambda _: None) -> IndexReport:
        """Index files and folders; a folder seen before is refreshed: changed, new and gone files."""
        return self.retrieval.add([Path(path) for path in paths], progress)

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


def chosen_arms(keys: Sequence[str]) -> tuple[Arm, ...]:
    """The arms named by their keys, in the fixed order of ARMS; QuestionError for none or an unknown one."""
    unknown = [key for key in keys if key not in {arm.key for arm in ARMS}]
    if unknown or not keys:
        wrong = f"There is no arm {str(unknown[0])[:40]!r}" if unknown else "No arm is chosen"
        raise QuestionError(f"{wrong}; choose among {', '.join(arm.key for arm in ARMS)}.")
    return tuple(arm for arm in ARMS if arm.key in keys)
