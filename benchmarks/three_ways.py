"""One way of answering a question three times becomes its times and tokens, as JSON on the last line.

`three_answers` runs it, once per way, in a process of its own.
"""

import argparse
import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ARMS = ("rag", "tuned", "hybrid")
QUESTION = "When does the pharmacy close, and how long does a repeat prescription take?"
SENTENCE = "The pharmacy on the ground floor closes at 18:30; a repeat prescription takes two working days. "


def main() -> None:
    options = argparse.Namespace(**json.loads(sys.argv[1]))
    import peft
    import torch
    import transformers

    del peft  # imported here so that no way pays for it
    torch.set_num_threads(options.cores)
    transformers.utils.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    once = Clock()
    with once.loading():
        ask = WAYS[options.way](options)
    runs = []
    for _ in range(options.repeats):
        clock = Clock()
        tokens = ask(clock)
        runs.append(clock.result(options.tokens) | {"tokens": tokens})
        gc.collect()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"once": once.load, "runs": runs, "peak": peak}))


class Clock:
    """CPU seconds since the question: of loads in between, until each arm's first and last token; wall seconds too."""

    def __init__(self) -> None:
        self.wall, self.started = time.perf_counter(), time.process_time()
        self.load, self.first, self.last = 0.0, dict[str, float](), dict[str, float]()

    @contextmanager
    def loading(self) -> Iterator[None]:
        before = time.process_time()
        yield
        self.load += time.process_time() - before

    def note_first(self, arm: str) -> None:
        self.first.setdefault(arm, time.process_time() - self.started)

    def note_last(self, arm: str) -> None:
        self.last[arm] = time.process_time() - self.started

    def result(self, tokens: int) -> dict[str, Any]:
        """`step` is the CPU seconds of one decoding step: of one row, or of all rows where they are one batch."""
        total, wall = time.process_time() - self.started, time.perf_counter() - self.wall
        late = max(self.first, key=lambda arm: self.first[arm])
        step = (self.last[late] - self.first[late]) / max(1, tokens - 1)
        times = {"load": self.load, "first": self.first, "all": total, "writing": total - self.load, "wall": wall}
        return times | {"step": step}


Ask = Callable[[Clock], list[list[int]]]


def prompts(tokenizer: Any, options: argparse.Namespace) -> dict[str, tuple[Any, ...]]:
    """Each arm's messages."""
    from ragft_core.prompts import messages
    from ragft_core.types import Passage

    times = max(1, options.context // (3 * len(tokenizer.tokenize(SENTENCE))))
    passages = [Passage(str(n), SENTENCE * times, "", 1.0, f"Leaflet {n}") for n in (1, 2, 3)]
    bare, full = messages(QUESTION), messages(QUESTION, passages)
    return {"rag": full, "tuned": bare, "hybrid": full}


def load(options: argparse.Namespace, adapter: bool) -> tuple[Any, Any]:
    """Model and tokenizer as a notebook loads them."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
    how: dict[str, Any] = {"dtype": dtype}
    if options.precision == "nf4":
        how["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    model = AutoModelForCausalLM.from_pretrained(options.model, **how)
    if adapter:
        model = PeftModel.from_pretrained(model, options.adapter)
    return model.eval(), AutoTokenizer.from_pretrained(options.model)


def generate(model: Any, tokenizer: Any, arm: str, options: argparse.Namespace, clock: Clock) -> list[int]:
    import torch
    from transformers.generation.streamers import BaseStreamer

    class First(BaseStreamer):
        """Notes when the first token after the prompt arrives."""

        calls = 0

        def put(self, _: Any) -> None:
            self.calls += 1
            if self.calls == 2:
                clock.note_first(arm)

        def end(self) -> None:
            pass

    chat = [dict(message) for message in prompts(tokenizer, options)[arm]]
    ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")["input_ids"]
    model.generation_config.eos_token_id = None  # every way writes the same number of tokens
    how = {"attention_mask": torch.ones_like(ids), "max_new_tokens": options.tokens, "do_sample": False}
    out = model.generate(input_ids=ids, streamer=First(), pad_token_id=0, **how)
    clock.note_last(arm)
    return out[0, ids.shape[1] :].tolist()


def tutorial(options: argparse.Namespace) -> Ask:
    """A pipeline per arm, loaded when its turn comes and freed before the next."""

    def ask(clock: Clock) -> list[list[int]]:
        written = []
        for arm in ARMS:
            with clock.loading():
                model, tokenizer = load(options, adapter=arm != "rag")
            written.append(generate(model, tokenizer, arm, options, clock))
            del model
            gc.collect()
        return written

    return ask


def resident(options: argparse.Namespace) -> Ask:
    """One model in memory; PEFT's adapter is switched off for the first arm and on for the others."""
    model, tokenizer = load(options, adapter=True)

    def ask(clock: Clock) -> list[list[int]]:
        with model.disable_adapter():
            written = [generate(model, tokenizer, ARMS[0], options, clock)]
        return written + [generate(model, tokenizer, arm, options, clock) for arm in ARMS[1:]]

    return ask


def ours(options: argparse.Namespace, arms: tuple[str, ...] = ARMS) -> Ask:
    """The product's engine."""
    from ragft_core.engine import Engine
    from ragft_core.settings import Settings
    from ragft_core.types import Decoding, Row
    from ragft_core.writer import Writer

    how = {"model": options.model, "precision": options.precision, "device": "cpu", "threads": options.cores}
    engine = Engine.load(Settings.load(home=options.home, **how), [Path(options.adapter).parent])
    name = Path(options.adapter).name
    engine.describe_adapter(name)
    engine._ends = set()  # every way writes the same number of tokens
    asked = prompts(engine._base.tokenizer, options)
    rows = [Row(asked[arm], name if arm != "rag" else None) for arm in arms]
    written: dict[int, list[int]] = {}
    plain = Writer.write

    def noted(writer: Writer, token: int, seconds: float) -> None:
        plain(writer, token, seconds)
        written[id(writer)] = writer.tokens

    Writer.write = noted  # type: ignore[method-assign]

    def ask(clock: Clock) -> list[list[int]]:
        written.clear()
        by_text = {}
        for drafts in engine.stream(rows, Decoding(options.tokens)):
            for arm, draft in zip(arms, drafts, strict=True):
                assert draft.state != "failed", draft.error
                if draft.tokens:
                    clock.note_first(arm)
                by_text[arm] = draft
        for arm in arms:
            clock.note_last(arm)
        ids = list(written.values())
        order = sorted(arms, key=lambda arm: by_text[arm].first_token_seconds)
        return [ids[order.index(arm)] for arm in arms]

    return ask


def alone(options: argparse.Namespace) -> Ask:
    """The product's engine with the Hybrid arm only: what one arm takes in memory and per step."""
    return ours(options, ARMS[-1:])


WAYS: dict[str, Callable[[argparse.Namespace], Ask]] = {
    "tutorial": tutorial,
    "resident": resident,
    "ours": ours,
    "alone": alone,
}

if __name__ == "__main__":
    main()
