"""A section's text becomes pieces of at most so many tokens, by one of four strategies.

sentence: whole sentences, as many as fit (LlamaIndex's SentenceSplitter). markdown: whole blocks (paragraphs, lists,
tables, code), as many as fit. recursive: at empty lines, else line ends, else sentences, else words. semantic: where
the meaning changes from one sentence to the next (LlamaIndex's SemanticSplitterNodeParser), then by sentences.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .sentences import sentences

STRATEGIES = ("sentence", "markdown", "recursive", "semantic")
FENCE = re.compile(r"^\s*(```|~~~)")
ROW = re.compile(r"^\s*\|")

Tokenize = Callable[[str], list[Any]]
EmbedTexts = Callable[[Sequence[str]], Any]


class Splitter(Protocol):
    """What cuts one section's text."""

    def split_text(self, text: str) -> list[str]: ...


def splitter(strategy: str, size: int, overlap: int, tokenize: Tokenize, embed: EmbedTexts | None) -> Splitter:
    """The splitter of a strategy; `embed` is needed by semantic alone."""
    by_sentence = sentence_splitter(size, overlap, tokenize)
    if strategy == "markdown":
        return Blocks(size, tokenize, by_sentence)
    if strategy == "recursive":
        return Recursive(size, overlap, tokenize)
    if strategy == "semantic":
        if embed is None:
            raise ValueError("the semantic strategy needs an embedding model")
        return Semantic(size, tokenize, embed, by_sentence)
    return by_sentence


def sentence_splitter(size: int, overlap: int, tokenize: Tokenize) -> Any:
    """LlamaIndex's; all is passed explicitly, its process-wide Settings are left alone."""
    from llama_index.core.callbacks import CallbackManager
    from llama_index.core.node_parser import SentenceSplitter

    return SentenceSplitter(
        chunk_size=size,
        chunk_overlap=overlap,
        tokenizer=tokenize,
        chunking_tokenizer_fn=sentences,
        paragraph_separator="\n\n",
        include_metadata=False,
        include_prev_next_rel=False,
        callback_manager=CallbackManager([]),
    )


class Blocks:
    """Whole blocks of Markdown, as many as fit; a larger one alone: a table by rows under its head, else sentences."""

    def __init__(self, size: int, tokenize: Tokenize, by_sentence: Splitter) -> None:
        self._size, self._tokenize, self._by_sentence = size, tokenize, by_sentence

    def split_text(self, text: str) -> list[str]:
        pieces: list[str] = []
        held = ""
        for block in blocks(text):
            together = f"{held}\n\n{block}" if held else block
            if self._fits(together):
                held = together
                continue
            pieces += [held] if held else []
            held = block if self._fits(block) else ""
            pieces += [] if held else self._cut(block)
        return [*pieces, held] if held else pieces

    def _cut(self, block: str) -> list[str]:
        rows = block.split("\n")
        if len(rows) < 3 or not all(map(ROW.match, rows)) or not all(map(self._fits, rows)):
            return self._by_sentence.split_text(block)
        head, pieces, held = "\n".join(rows[:2]), list[str](), list[str]()
        for row in rows[2:]:
            if held and not self._fits("\n".join([head, *held, row])):
                pieces.append("\n".join([head, *held]))
                held = []
            held.append(row)
        return [*pieces, "\n".join([head, *held])]

    def _fits(self, text: str) -> bool:
        return len(self._tokenize(text)) <= self._size


def blocks(text: str) -> list[str]:
    """What empty lines part, but code between fences is one block."""
    found: list[list[str]] = [[]]
    fence = ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1] == fence:
            fence = ""
        if line.strip() or fence:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return ["\n".join(lines) for lines in found if lines]


class Recursive:
    """The coarsest cut that fits, then as many neighbours together as fit, repeating up to `overlap` tokens."""

    CUTS: tuple[Callable[[str], list[str]], ...] = (
        lambda text: re.findall(r"(?:(?!\n\s*\n).)+(?:\n\s*\n\s*)?|\n\s*\n\s*", text, re.DOTALL),
        lambda text: text.splitlines(keepends=True),
        sentences,
        lambda text: re.findall(r"\s*\S+\s*", text),
    )

    def __init__(self, size: int, overlap: int, tokenize: Tokenize) -> None:
        self._size, self._overlap, self._tokenize = size, overlap, tokenize

    def split_text(self, text: str) -> list[str]:
        pieces, held = list[str](), list[str]()
        for atom in self._atoms(text, 0):
            if held and self._tokens([*held, atom]) > self._size:
                pieces.append("".join(held))
                while held and (self._tokens(held) > self._overlap or self._tokens([*held, atom]) > self._size):
                    held.pop(0)
            held.append(atom)
        return [*pieces, "".join(held)] if held else pieces

    def _atoms(self, text: str, level: int) -> list[str]:
        if self._tokens([text]) <= self._size or level == len(self.CUTS):
            return [text]
        parts = self.CUTS[level](text)
        return [atom for part in parts for atom in self._atoms(part, level + 1)]

    def _tokens(self, parts: list[str]) -> int:
        return len(self._tokenize("".join(parts)))


class Semantic:
    """LlamaIndex's cuts at the largest changes of meaning; what is still too large is cut by sentences."""

    def __init__(self, size: int, tokenize: Tokenize, embed: EmbedTexts, by_sentence: Splitter) -> None:
        from llama_index.core.base.embeddings.base import BaseEmbedding
        from llama_index.core.callbacks import CallbackManager
        from llama_index.core.node_parser import SemanticSplitterNodeParser

        class Ours(BaseEmbedding):
            """The embedding model of the index as LlamaIndex wants it."""

            def _get_text_embedding(self, text: str) -> list[float]:
                return [float(x) for x in embed([text])[0]]

            def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
                return [[float(x) for x in row] for row in embed(texts)]

            def _get_query_embedding(self, query: str) -> list[float]:
                return self._get_text_embedding(query)

            async def _aget_query_embedding(self, query: str) -> list[float]:
                return self._get_text_embedding(query)

        self._size, self._tokenize, self._by_sentence = size, tokenize, by_sentence
        silent = CallbackManager([])
        self._parser = SemanticSplitterNodeParser(
            embed_model=Ours(embed_batch_size=32, callback_manager=silent),
            sentence_splitter=sentences,
            include_prev_next_rel=False,
            callback_manager=silent,
        )

    def split_text(self, text: str) -> list[str]:
        from llama_index.core.schema import Document

        if len(self._tokenize(text)) <= self._size:
            return [text]
        pieces: list[str] = []
        for node in self._parser.get_nodes_from_documents([Document(text=text)]):
            piece = node.get_content()
            fits = len(self._tokenize(piece)) <= self._size
            pieces += [piece] if fits else self._by_sentence.split_text(piece)
        return pieces
