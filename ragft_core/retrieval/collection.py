"""One Chroma collection, in a folder or on a server: LlamaIndex nodes with our own vectors, searched by cosine."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import HomeError
from .server import Remote

if TYPE_CHECKING:
    import numpy as np

NAME = "chunks"
# On the hardest case, 30,000 random vectors, this finds 71 % of the ten nearest where Chroma's defaults find 28 %.
HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}
AT_ONCE = 1000  # Chroma takes 5,461
TWIN = 1e-4  # cosine distance below which two vectors are the same one
NEAR = 50  # what a search asks for at least: a vector that does not find itself there is lost to it
FAR = 1000  # one that does not even here has no path in the graph


class Broken(HomeError):
    """Chroma failed; the folder can be thrown away, for the database has all that was in it."""


class Collection:
    """The open collection. Chroma allows any number of threads, but in a folder one process only."""

    def __init__(self, folder: Path | Remote, *, new: bool = False) -> None:
        self.folder = folder
        with self._broken():
            self._client = connect(folder)
            try:
                self._chroma = collection(self._client, new, NAME if isinstance(folder, Path) else folder.name)
            except BaseException:
                self._client.close()
                raise

    def close(self) -> None:
        with self._broken():
            self._client.close()

    def ids(self) -> set[str]:
        with self._broken():
            return set(self._chroma.get(include=[])["ids"])

    def count(self) -> int:
        with self._broken():
            return self._chroma.count()

    def put(self, texts: Mapping[str, str], vectors: Mapping[str, "np.ndarray"]) -> None:
        """Add chunks as LlamaIndex nodes, so that LlamaIndex itself could read the collection."""
        with self._broken():
            from llama_index.core.schema import TextNode
            from llama_index.vector_stores.chroma import ChromaVectorStore

            store = ChromaVectorStore(chroma_collection=self._chroma)
            for keys in _slices(list(texts)):
                store.add([TextNode(id_=key, text=texts[key], embedding=vectors[key].tolist()) for key in keys])

    def remove(self, ids: Sequence[str]) -> None:
        with self._broken():
            for keys in _slices(list(ids)):
                self._chroma.delete(ids=list(keys))

    def nearest(self, vector: "np.ndarray", k: int) -> dict[str, float]:
        """{id: cosine} of the `k` nearest, best first, ties by id."""
        with self._broken():
            found = self._chroma.query(query_embeddings=[vector], n_results=k, include=["distances"])
            pairs = [(1 - float(d), key) for key, d in zip(found["ids"][0], found["distances"][0], strict=True)]
        return {key: cosine for cosine, key in sorted(pairs, key=lambda pair: (-pair[0], pair[1]))}

    def lost(self, vectors: Mapping[str, "np.ndarray"], far: int = NEAR) -> list[str]:
        """Those ids whose own vector does not find them, nor a twin of theirs, among the `far` nearest."""
        lost = []
        with self._broken():
            total = self._chroma.count()
            for keys in _slices(list(vectors), 250):
                asked = [vectors[key] for key in keys]
                found = self._chroma.query(query_embeddings=asked, n_results=1, include=["distances"])
                for key, ids, distances in zip(keys, found["ids"], found["distances"], strict=True):
                    if key not in ids and not (distances and distances[0] < TWIN):
                        further = self._chroma.query(
                            query_embeddings=[vectors[key]], n_results=min(total, far), include=[]
                        )
                        lost += [] if key in further["ids"][0] else [key]
        return lost

    @contextmanager
    def _broken(self) -> Iterator[None]:
        """Whatever comes out of Chroma, its Rust side's panics too (no Exceptions, they), says that it is broken."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:
            said = f"{type(error).__name__}: {str(error)[:300]}"
            raise Broken(f"The index in {self.folder} failed ({said}).") from error


def connect(folder: Path | Remote) -> Any:
    """A client of the Chroma in the folder, which is made if need be, or on the server."""
    if isinstance(folder, Remote):
        return folder.server.connect()
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))


def collection(client: Any, new: bool, name: str = NAME) -> Any:
    """Our collection; we bring the vectors, so Chroma gets no embedding function that it would download."""
    if new:
        return client.create_collection(name, configuration={"hnsw": HNSW}, embedding_function=None)
    return client.get_collection(name, embedding_function=None)


def _slices(keys: Sequence[str], size: int = AT_ONCE) -> Iterator[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
