"""Settings become the base model and the index, each loaded on first use, and a status that says how far that is."""

import gc
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from .errors import RagftError
from .home import Home
from .settings import Settings, model_name
from .store import Store
from .types import Status
from .weights import free_memory


class Loaded:
    """One engine and one index; either may be given ready-made."""

    def __init__(
        self, settings: Settings, home: Home, store: Store, adapters: tuple[Path, ...], engine: Any, retrieval: Any
    ) -> None:
        self.settings, self.home, self.store, self.adapters = settings, home, store, adapters
        self._engine, self._retrieval = engine, retrieval
        self._loading = threading.RLock()
        self._status = Status("starting", "Starting", since=time.monotonic(), adapter=settings.adapter)

    def close(self) -> None:
        if self._retrieval is not None:
            self._retrieval.close()

    @property
    def engine(self) -> Any:
        """The base model in memory with its adapters. Raises ModelError."""
        with self._loading:
            if self._engine is None:
                from .engine import Engine

                before = self._status
                self.say("loading", f"Loading model {model_name(self.settings.model)}")
                try:
                    self._engine = Engine.load(self.settings, self.adapters)
                except RagftError as error:
                    self.say("failed", str(error))
                    raise
                if before.state == "ready":  # it had made room for a run
                    self.say("ready", "Ready")
            return self._engine

    @property
    def retrieval(self) -> Any:
        """The retrieval index over the home's documents; a damaged one is rebuilt from the store."""
        with self._loading:
            if self._retrieval is None:
                from .model import load_tokenizer
                from .retrieval import Index

                self.say("loading", "Opening the index")
                tokenizer = load_tokenizer(self.settings)
                self._retrieval = Index(
                    self.store,
                    self.home.index,
                    self.settings,
                    tokenizer.tokenize,
                    progress=lambda p: self.say("loading", p.message, p.done, p.total),
                )
            return self._retrieval

    def make_room(self, needed: int, until: Callable[[], object]) -> bool:
        """Let go of the base model when fewer than `needed` bytes are free; it is loaded again once `until` returns."""
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

    # ---------------------------------------------------------------- status

    def status(self) -> Status:
        """What is being done and what is loaded; never loads anything itself."""
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

    def say(self, state: str, message: str, done: int = 0, total: int = 0) -> None:
        since = self._status.since if message == self._status.message else time.monotonic()
        self._status = replace(self._status, state=state, message=message, done=done, total=total, since=since)
