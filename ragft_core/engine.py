"""Rows of messages, each with its adapter, become drafts that grow side by side from one model in memory."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Self

import torch

from .adapters import AdapterInfo, find_adapter, load_adapter
from .chat import Chat
from .errors import AdapterError, RagftError
from .likelihood import likelihoods
from .llama_rows import LlamaRows, llama_rows
from .model import LoadedBase, load_base
from .peft_rows import PeftRows
from .prompt_lookup import PromptLookup, agreed
from .settings import Settings, model_name
from .types import Decoding, Draft, Message, Row
from .writer import Writer

READ = 6e10  # weights times prompt tokens between two yields: about a second of a CPU core that Stop can take
LEAST, MOST = 128, 2048  # prompt tokens between two yields
TURN_POLL = 0.2  # seconds between two looks whether the engine is free


@dataclass(frozen=True)
class LoadedAdapter:
    """An adapter in the model; `key` is its name inside PEFT, where a name may not hold a dot."""

    info: AdapterInfo
    key: str
    lean: bool


class Engine:
    """One base model with its adapters. Knows nothing of arms, documents or screens.

    One batch is written at a time; it is computed in the thread that iterates, and the turn passes on when
    the iterator ends or is closed.
    """

    def __init__(
        self, base: LoadedBase, adapter_folders: Sequence[str | Path] = (), prompt_lookup: bool = True
    ) -> None:
        self._base, self._folders = base, tuple(Path(folder) for folder in adapter_folders)
        self._chat = Chat(base.tokenizer)
        self._model = base.model
        self._lean: LlamaRows | None = llama_rows(base.model)
        self._general = PeftRows(base.model)
        self._adapters: dict[str, LoadedAdapter] = {}
        self._turn = threading.Lock()
        self._loads = 0
        self._prompt_lookup = prompt_lookup
        self.chunk = chunk_for(base)
        self.context_window = int(base.model.config.max_position_embeddings)
        self._ends = _end_tokens(base)

    @classmethod
    def load(cls, settings: Settings, adapter_folders: Sequence[str | Path] = ()) -> Self:
        """The engine of these settings, their adapter on it if that can be used; ModelError says why not."""
        engine = cls(load_base(settings), adapter_folders, settings.prompt_lookup)
        with suppress(AdapterError):  # whoever asks with it is told
            engine.describe_adapter(settings.adapter)
        return engine

    # ---------------------------------------------------------------- what it is

    def describe(self) -> dict[str, Any]:
        """What has to be known of the model to repeat what it wrote."""
        base = self._base
        return {
            "base_model": model_name(base.name),
            "base_revision": base.revision,
            "base_sha256": base.sha256,
            "precision": base.precision,
            "precision_reason": base.why,
            "device": base.device,
            "threads": base.threads,
            "forward": "llama_rows" if self._lean else "transformers",
            "prompt_lookup": self._prompt_lookup and self._lean is not None,
            "versions": _versions(base.precision),
        }

    def describe_adapter(self, name: str) -> dict[str, Any]:
        """The same of an adapter, which is loaded and checked for it. AdapterError."""
        info = find_adapter(self._folders, name)
        if name not in self._adapters or self._adapters[name].info.sha256 != info.sha256:
            with self._turn:
                self._adapter(name)
        info = self._adapters[name].info
        return {
            "adapter_sha256": info.sha256,
            "adapter_base": info.base_sha256 or "unknown",
            "adapter_recipe": info.recipe,
            "adapter_rank": info.rank,
            "adapter_created": info.created,
        }

    def count(self, messages: Sequence[Message]) -> int:
        """How many tokens the model reads for these messages."""
        return self._chat.count(messages)

    def render(self, messages: Sequence[Message]) -> str:
        """The exact text the model reads for these messages."""
        return self._chat.render(messages)

    def likelihoods(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text explains the question: mean log-likelihood per token, by the base without an adapter."""
        with self._turn:
            return likelihoods(self._model, self._chat, self.context_window, question, texts)

    # ---------------------------------------------------------------- writing

    def stream(self, rows: Sequence[Row], decoding: Decoding) -> Iterator[tuple[Draft, ...]]:
        """Yield all rows' drafts as they grow: each first token at once, then one token per living row at a time.

        While another batch is written the drafts say "waiting". A row that cannot be written fails alone,
        with the reason in its draft. Closing the iterator ends the work after the token in hand.
        """
        writers = [self._writer(row, decoding) for row in rows]
        while not self._turn.acquire(timeout=TURN_POLL):
            yield tuple(replace(w.draft, state="waiting") if w.living else w.draft for w in writers)
        try:
            yield from self._write(rows, writers)
        finally:
            self._turn.release()

    def _write(self, rows: Sequence[Row], writers: Sequence[Writer]) -> Iterator[tuple[Draft, ...]]:
        started = time.perf_counter()
        keys, lean = self._keys(rows, writers)
        source = self._lean if lean and self._lean else self._general
        yield _drafts(writers)
        living = sorted((n for n, w in enumerate(writers) if w.living), key=lambda n: len(writers[n].prompt))
        try:
            batch = source.start(keys, [w.capacity if w.living else 0 for w in writers])
            for n in living:  # the shortest prompt first: its answer shows while the long ones are read
                prompt = writers[n].prompt
                for piece, last in even(prompt, self.chunk):
                    logits = batch.extend([(n, piece)])
                    if last:
                        writers[n].write(writers[n].choose(logits[0]), time.perf_counter() - started)
                    yield _drafts(writers)
            lookups = dict[int, PromptLookup]()
            if self._prompt_lookup and source is self._lean and all(writers[n].greedy for n in living):
                lookups = {n: PromptLookup(writers[n].prompt + writers[n].tokens) for n in living}
            while living := [n for n in living if writers[n].living]:
                found = step(batch, {n: writers[n] for n in living}, lookups)
                for tokens in zip_longest(*found):  # shown one by one: Stop ends between two of them
                    for n, token in zip(living, tokens, strict=True):
                        if token is not None and writers[n].living:
                            writers[n].write(token, time.perf_counter() - started)
                    yield _drafts(writers)
        except (MemoryError, torch.OutOfMemoryError):
            for writer in writers:
                if writer.living:
                    writer.fail("There is not enough memory for this answer. Ask for fewer passages or a shorter one.")
            yield _drafts(writers)

    def _writer(self, row: Row, decoding: Decoding) -> Writer:
        """The row's writer, or one that has failed because the messages cannot be read."""
        try:
            prompt = self._chat.encode(row.messages)
        except RagftError as error:
            return Writer.failed(str(error))
        room = self.context_window - len(prompt)
        if room < 1:
            return Writer.failed(
                f"The prompt has {len(prompt):,} tokens; the model reads {self.context_window:,} with its answer. "
                "Ask more briefly, or with fewer passages.",
                len(prompt),
            )
        return Writer(prompt, room, decoding, self._base.tokenizer, self._ends)

    def _keys(self, rows: Sequence[Row], writers: Sequence[Writer]) -> tuple[list[str | None], bool]:
        """Each row's adapter as PEFT knows it, and whether the lean forward knows them all; bad ones fail their row."""
        keys, lean = list[str | None](), True
        for row, writer in zip(rows, writers, strict=True):
            key = None
            if row.adapter is not None and writer.living:
                try:
                    loaded = self._adapter(row.adapter)
                    key, lean = loaded.key, lean and loaded.lean
                except RagftError as error:
                    writer.fail(str(error), len(writer.prompt))
            keys.append(key)
        return keys, lean

    def _adapter(self, name: str) -> LoadedAdapter:
        """The adapter in the model; loaded on first use, and again when its files have changed. Needs the turn."""
        info = find_adapter(self._folders, name)
        loaded = self._adapters.get(name)
        if loaded and loaded.info.sha256 == info.sha256:
            return loaded
        self._loads += 1
        key = f"adapter_{self._loads}"
        self._model = load_adapter(self._model, self._base.sha256, info, key)
        self._general.model = self._model
        if loaded:
            self._model.delete_adapter(loaded.key)
            if self._lean:
                self._lean.drop_adapter(loaded.key)
        lean = self._lean is not None and self._lean.add_adapter(key)
        self._adapters[name] = LoadedAdapter(info, key, lean)
        return self._adapters[name]


def chunk_for(base: LoadedBase) -> int:
    """How many prompt tokens this model reads between two yields; the same for every prompt, as rounding may differ."""
    if base.device != "cpu":
        return MOST
    return min(MOST, max(LEAST, int(READ / base.model.num_parameters())))


def even(prompt: Sequence[int], most: int) -> Iterator[tuple[Sequence[int], bool]]:
    """The prompt in as few pieces of at most `most` tokens as will do, of like size, and whether each is the last."""
    count = -(-len(prompt) // most)
    size = -(-len(prompt) // count)
    for start in range(0, len(prompt), size):
        yield prompt[start : start + size], start + size >= len(prompt)


def step(batch: Any, living: Mapping[int, Writer], lookups: Mapping[int, PromptLookup]) -> list[list[int]]:
    """The next tokens of every living row: one, and as many more as were guessed right. Rows as in `living`."""
    guesses = {n: lookups[n].guess(writer.left - 1) if n in lookups else [] for n, writer in living.items()}
    spans = [(n, [*writer.tokens[-1:], *guesses[n]]) for n, writer in living.items()]
    if not any(guesses.values()):
        found = [[w.choose(chances)] for w, chances in zip(living.values(), batch.extend(spans), strict=True)]
    else:
        each = zip(guesses.values(), batch.extend_each(spans), strict=True)
        found = [agreed(guess, logits.argmax(-1).tolist()) for guess, logits in each]
        for n, tokens in zip(living, found, strict=True):
            batch.take_back(n, len(guesses[n]) + 1 - len(tokens))
    for n, tokens in zip(living, found, strict=True):
        if n in lookups:
            lookups[n].learn(guesses[n], tokens)
    return found


def _drafts(writers: Sequence[Writer]) -> tuple[Draft, ...]:
    return tuple(writer.draft for writer in writers)


def _end_tokens(base: LoadedBase) -> set[int]:
    """The ids that end an answer: what the model's generation settings and its tokenizer name."""
    ends: set[int] = set()
    for found in (base.model.generation_config.eos_token_id, base.tokenizer.eos_token_id):
        ends |= set(found) if isinstance(found, (list, tuple)) else set() if found is None else {found}
    return ends


def _versions(precision: str) -> dict[str, str]:
    from importlib.metadata import version

    libraries = ("torch", "transformers", "peft", *(("bitsandbytes",) if precision == "nf4" else ()))
    return {library: version(library) for library in libraries}
