"""The model card: what was trained on what, how to use it, and the measured table."""

from __future__ import annotations

import re
from pathlib import Path

from embedded.natural import CREDITS
from embedded.network import Shape

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
_CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---

# RAGFT embedded model

A Llama-architecture chat model of {parameters:.1f} million parameters, trained by this project, small enough for any
machine. It reads short English passages and answers a question with the words asked for and the passage's number;
it knows nothing by itself. It is there to show what retrieval, fine-tuning and both do to answers. For real work
choose a larger model.

| | |
|---|---|
| shape | {layers} layers, width {width}, {heads} heads of {head}, {kv_heads} key/value heads, feed-forward {ff} |
| vocabulary | {vocab} byte-level pieces, single digits |
| window | {window} tokens, trained on rows of up to {longest} |
| training | {tokens:.1f} million tokens, {steps} steps since the warm start, last loss {loss:.3f} |
| weights | {weights} |
| seeds | one for each of many starts, and text that depends on the step: another training gives other weights |

The weights did not start from noise: the embedding and four of six layers were carried over to the new vocabulary from
this project's own 3.8-million-parameter prototype, which had seen 16 million generated tokens (counted in the tokens
above); after 119 million tokens `embedded.grow` made the six layers eight, and after some 16 million more
`embedded.revive` began 1,923 embeddings anew that were hardly told apart. `python -m embedded.rebuild` starts from
nothing and takes correspondingly longer.

## Prompt

With passages, system: `Answer from the context and cite passages as [n]. If the answer is not there, say so.`, user:
`Context:`, one line `[n] title: text` a passage, an empty line and `Question: ...`. Without: `Answer the question. If
you do not know, say so.` and the question alone. The chat template puts a space before every answer.

## Data

Generated text of this project (tiny lookups, relations in many wordings, everyday passages from templates, a free
sentence grammar, small talk, drills), questions made by rules from its statements and from people's sentences, and
questions that people asked, from:
{credits}

SQuAD was only measured on. The hand-written passages (`embedded/handwritten.jsonl`) were never trained on.

## Measured

{begin}
{table}
{end}

## Limits

English only. It finds words, it does not reason, count or compare. Long passages, words far from the passage's own and
more than three passages make it choose wrongly or miscopy; it also answers when it should refuse. Check the source.
"""


def text(shape: Shape, parameters: int, progress: dict[str, float], averaged: int = 1, longest: int = 416) -> str:
    """The card of weights that were `averaged` from so many checkpoints; `progress` is that of pretraining."""
    mean = f"the mean of {averaged} checkpoints of two processes that met half way every 50 steps"
    return _CARD.format(
        **shape.as_dict(),
        head=shape.head,
        parameters=parameters / 1e6,
        tokens=progress["tokens"] / 1e6,
        steps=progress["step"],
        loss=progress["loss"],
        weights=mean if averaged > 1 else "those of the last step",
        longest=longest,
        credits="\n".join(f"- {line}" for line in CREDITS),
        begin=BEGIN,
        end=END,
        table="not measured yet",
    )


def put_table(readme: Path, table: str) -> None:
    """Replace the measured part of a card."""
    old = readme.read_text("utf-8")
    new = re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table}\n{END}", old, flags=re.S)
    readme.write_text(new, "utf-8")
