"""The real MiniLM and the real Chroma on the demo's documents, with the network closed."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ragft_core import Settings
from ragft_core.retrieval import Index
from ragft_core.retrieval.bert import Bert, fits
from ragft_core.retrieval.embedding import PACKAGED, Embedder, locate
from ragft_core.settings import ASSETS
from ragft_core.store import Store

from ..test_retrieval import statuses, words

pytestmark = pytest.mark.slow
DEMO = ASSETS / "demo"


class Clinic:
    """The demo's documents, copied so that they can change, in an index of their own."""

    def __init__(self, folder: Path) -> None:
        self.home, self.docs = folder / "home", folder / "docs"
        self.home.mkdir()
        shutil.copytree(DEMO / "documents", self.docs)
        self.open()

    def open(self) -> Index:
        self.store = Store(self.home / "ragft.sqlite")
        self.index = Index(self.store, self.home / "index", Settings(home=self.home), words)
        return self.index

    def close(self) -> None:
        self.index.close()
        self.store.close()


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    clinic = Clinic(tmp_path_factory.mktemp("clinic"))
    report = clinic.index.add([clinic.docs])
    assert set(statuses(report).values()) == {"added"}
    yield clinic
    clinic.close()


def questions() -> list[dict]:
    rows = [json.loads(line) for line in (DEMO / "eval.jsonl").read_text("utf-8").splitlines()]
    return [row for row in rows if row["sources"]][::5]


@pytest.mark.parametrize(("mode", "least"), [("hybrid", 0.95), ("dense", 0.95), ("keyword", 0.95)])
def test_the_demo_questions_find_their_documents(clinic: Clinic, mode: str, least: float) -> None:
    """The best three passages hold the document that the question is about; on all 311 questions 98.4 % did."""
    asked = questions()
    hits = sum(
        bool({p.source for p in clinic.index.search(row["question"], 3, mode)} & set(row["sources"])) for row in asked
    )
    assert hits / len(asked) >= least


def test_a_paraphrase_is_found_by_meaning_only(clinic: Clinic) -> None:
    question = "Epidermis physician wanted"
    assert clinic.index.search(question, 3, "keyword") == []
    assert "skin" in clinic.index.search(question, 1, "dense")[0].text


def test_an_edited_fact_is_found_new(clinic: Clinic) -> None:
    page = clinic.docs / "flu-shot.md"
    old = page.read_text("utf-8")
    page.write_text("# Flu shot\n\nThe flu shot costs 4711 euros.", "utf-8")
    (clinic.docs / "extra.md").write_text("# Parking\n\nThe garage is behind the river.", "utf-8")
    (clinic.docs / "acne.md").unlink()
    started = time.monotonic()
    changed = {k: v for k, v in statuses(clinic.index.add([clinic.docs])).items() if v != "unchanged"}
    assert changed == {"flu-shot.md": "updated", "extra.md": "added", "acne.md": "removed"}
    assert "4711" in clinic.index.search("What does the flu shot cost?", 1)[0].text
    assert time.monotonic() - started < 30
    assert clinic.index.search("Where is the garage?", 1)[0].source == "extra.md"
    page.write_text(old, "utf-8")
    clinic.index.add([clinic.docs])


def test_a_deleted_index_folder_is_made_again_without_embedding(clinic: Clinic) -> None:
    before = [p.id for p in clinic.index.search("Where can I find Dr. Holt?", 5)]
    clinic.close()
    shutil.rmtree(clinic.home / "index")
    index = clinic.open()
    assert "nothing lost" in index.notices[0]
    assert index._embedder._model is None
    assert [p.id for p in index.search("Where can I find Dr. Holt?", 5)] == before


def test_our_bert_gives_the_vectors_of_sentence_transformers() -> None:
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    folder = locate(PACKAGED)
    assert folder and fits(folder)
    pages = [path.read_text("utf-8") for path in sorted((DEMO / "documents").iterdir())[:12]]
    texts = [*pages, " ".join(pages), "", ".", "日本語 Straße 🙂", "x" * 5000]
    theirs = HuggingFaceEmbedding(model_name=str(folder), device="cpu", cache_folder=str(folder), local_files_only=True)
    ours = Bert(folder, "cpu")
    assert (
        np.abs(np.array(theirs.get_text_embedding_batch(texts)) - unit(ours.get_text_embedding_batch(texts))).max()
        < 1e-5
    )
    question = "Where is Dr. Holt?"
    assert (
        np.abs(np.array(theirs.get_query_embedding(question)) - unit([ours.get_query_embedding(question)])[0]).max()
        < 1e-5
    )


def unit(rows: object) -> np.ndarray:
    array = np.asarray(rows)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def test_another_kind_of_model_goes_through_llama_index(tmp_path: Path) -> None:
    """A copy of MiniLM that says it pools by its first token: not what our few layers do."""
    folder = tmp_path / "model"
    shutil.copytree(locate(PACKAGED), folder)
    pooling = folder / "1_Pooling" / "config.json"
    settings = json.loads(pooling.read_text("utf-8"))
    pooling.write_text(
        json.dumps(settings | {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}), "utf-8"
    )
    assert not fits(folder)
    embedder = Embedder(Settings(embedding=str(folder), device="cpu"))
    vector = embedder.question("Where is Dr. Holt?")
    assert vector.shape == (384,)
    assert type(embedder._model).__name__ == "HuggingFaceEmbedding"


def test_indexing_and_searching_reach_for_no_network(tmp_path: Path) -> None:
    """In a fresh process whose sockets say no, with nothing in the environment that says offline."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Flu shot\n\nThe flu shot costs 23 euros.")
    code = f"""
import socket, sys
def refuse(*all): raise AssertionError("network")
socket.socket.connect = socket.getaddrinfo = refuse
from pathlib import Path
from ragft_core import Settings
from ragft_core.retrieval import Index
from ragft_core.store import Store
place = Path({str(tmp_path)!r})
store = Store(place / "ragft.sqlite")
index = Index(store, place / "index", Settings(home=place), str.split)
index.add([place / "docs"])
print(index.search("flu shot price", 1)[0].text)
heavy = sorted(set(sys.modules) & {{"nltk", "sentence_transformers", "transformers", "tiktoken", "openai"}})
print(heavy)
index.close(); store.close()
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text, heavy = done.stdout.splitlines()
    assert text == "The flu shot costs 23 euros."
    assert "sentence_transformers" not in heavy and "nltk" not in heavy
