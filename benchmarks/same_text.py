"""Demo questions asked in one batch, arm by arm alone and in full precision become a table of how often texts agree.

    python -m benchmarks.same_text [--precisions fp32,bf16,nf4] [--questions 20] [--tokens 48]

A batch must not change an answer. In fp32 it does not (tests/slow/test_engine_oracle.py holds our forward pass against
transformers' own generate()); in lower precisions rounding depends on the shape of a multiplication, so a rate is what
can be said. Greedy; the embedded model and its default adapter; passages from the demo's own index.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ragft_core.engine import Engine
from ragft_core.llama_rows import LlamaBatch
from ragft_core.model import load_tokenizer
from ragft_core.prompts import messages
from ragft_core.retrieval import Index
from ragft_core.settings import ASSETS, Settings
from ragft_core.store import Store
from ragft_core.types import ARMS, DEFAULT_ARMS, Decoding, Row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precisions", default="fp32,bf16,nf4")
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=48, help="longest answer, in tokens")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        asked = batches(home, options.questions)
        written = {}
        for precision in options.precisions.split(","):
            written[precision] = ask_all(home, precision, asked, options.tokens)
    print(table(written))


def demo_questions(count: int) -> list[str]:
    """`count` questions of the demo's evaluation set, evenly over its categories' order."""
    lines = (ASSETS / "demo" / "eval.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines[:: max(1, len(lines) // count)]][:count]


def batches(home: str, count: int) -> list[list[Row]]:
    """One batch per question: a row per arm, with the passages that the demo's index finds."""
    settings = Settings.load(home=home)
    store = Store(Path(home) / "store.db")
    index = Index(store, Path(home) / "index", settings, load_tokenizer(settings).tokenize)
    index.add([ASSETS / "demo" / "documents"], lambda _: None)
    found = {question: index.search(question, settings.top_k) for question in demo_questions(count)}
    index.close()
    store.close()
    arms = [arm for arm in ARMS if arm.key in DEFAULT_ARMS]
    return [
        [Row(messages(q, p if arm.retrieves else ()), settings.adapter if arm.adapted else None) for arm in arms]
        for q, p in found.items()
    ]


def ask_all(home: str, precision: str, asked: Sequence[list[Row]], tokens: int) -> dict[str, list[str]]:
    """The texts of all rows: in batches, row by row, in batches without prompt lookup; a "1" for every pass."""
    settings = Settings.load(home=home, precision=precision, device="cpu")
    engine, plain = (
        Engine.load(settings.model_copy(update={"prompt_lookup": lookup}), [ASSETS / "adapters"])
        for lookup in (True, False)
    )
    with counted() as passes:
        together = [text for rows in asked for text in texts(engine, rows, tokens)]
    with counted() as plain_passes:
        unguessed = [text for rows in asked for text in texts(plain, rows, tokens)]
    alone = [text for rows in asked for row in rows for text in texts(engine, [row], tokens)]
    given = {"together": together, "alone": alone, "unguessed": unguessed}
    return given | {"passes": passes, "plain passes": plain_passes}


@contextmanager
def counted() -> Iterator[list[str]]:
    """Note every pass of a model while this lasts."""
    seen: list[str] = []
    plain = {name: getattr(LlamaBatch, name) for name in ("extend", "extend_each")}

    def noting(method: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given: seen.append("1") or method(*given)  # type: ignore[func-returns-value]

    for name, method in plain.items():
        setattr(LlamaBatch, name, noting(method))
    yield seen
    for name, method in plain.items():
        setattr(LlamaBatch, name, method)


def texts(engine: Engine, rows: Sequence[Row], tokens: int) -> list[str]:
    *_, last = engine.stream(rows, Decoding(tokens))
    assert all(draft.state == "done" for draft in last), [draft.error for draft in last]
    return [draft.text for draft in last]


def table(written: dict[str, dict[str, list[str]]]) -> str:
    full = written.get("fp32", {}).get("together")
    lines = [
        "| precision | batch equals each arm alone | equals fp32's text | equals the text without prompt lookup "
        "| passes with and without |",
        "|---|---|---|---|---|",
    ]
    for precision, by_way in written.items():
        together, count = by_way["together"], len(by_way["together"])
        same = sum(a == b for a, b in zip(together, by_way["alone"], strict=True))
        kept = f"{sum(a == b for a, b in zip(together, full, strict=True))} of {count}" if full else "not asked"
        unguessed = sum(a == b for a, b in zip(together, by_way["unguessed"], strict=True))
        passes = f"{len(by_way['passes'])}, {len(by_way['plain passes'])}"
        lines.append(f"| {precision} | {same} of {count} | {kept} | {unguessed} of {count} | {passes} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
