"""A fact of the demo is edited in place, with the real embedding model: found new at once, and how soon."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragft_core.model import load_tokenizer
from ragft_core.retrieval import Index
from ragft_core.settings import ASSETS, Settings
from ragft_core.store import Store

pytestmark = pytest.mark.slow
QUESTION = "How much does the skin check cost?"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    settings, store = Settings(home=tmp_path), Store(tmp_path / "ragft.sqlite")
    index = Index(store, tmp_path / "index", settings, load_tokenizer(settings).tokenize)
    index.add([ASSETS / "demo" / "documents"])
    index.warm()
    yield index
    index.close()
    store.close()


def test_an_edited_fact_is_found_new_within_a_second(index: Index) -> None:
    before = index.search(QUESTION, 1)[0]
    assert "skin check costs" in before.text
    seconds = []
    for price in (911, 912, 913):
        found = index.search(QUESTION, 1)[0]
        text = " ".join(
            f"{price}" if word.isdigit() and n < 6 else word for n, word in enumerate(found.text.split(" "))
        )
        started = time.monotonic()
        index.edit(found.source, found.id, text)
        assert f"costs {price} " in index.search(QUESTION, 1)[0].text
        seconds.append(time.monotonic() - started)
    print(f"edited, embedded and found again in {min(seconds):.2f} to {max(seconds):.2f} s")
    assert max(seconds) < 5
    assert not [p for p in index.search(QUESTION, 20) if before.text == p.text]
    assert index.check(Path("none")).checked is not None and index.health().checked.sound  # type: ignore[union-attr]
