"""A loaded document becomes chunks of whole sentences, sized in the tokens of the model that will read them."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .loaders import HEADING, Loaded, plain
from .strategies import EmbedTexts, Splitter, Tokenize, splitter

VERSION = 1  # raise it when the same file would be cut differently: documents are then cut again on refresh
PROBE = "The flu shot costs 45 euros; it is free for patients over 65 (since 2024)."
LONGEST_WORD = 400  # the splitter asks for the tokens of every single character of what it cannot split
PATH = "\x1f"  # between the headings of a path: no heading holds it


@dataclass(frozen=True)
class Chunk:
    """A passage to be found. `heading` is the path of headings it stands under, as the text itself gives it.

    The id is made of heading and text, so the same words under the same heading are the same chunk, in
    whichever document and in whatever order documents came; a price under another heading is not.
    """

    heading: str
    text: str
    tokens: int
    page: int | None = None

    @property
    def id(self) -> str:
        return hashlib.sha256(f"{self.heading}\n{self.text}".encode()).hexdigest()[:32]

    @property
    def embedded(self) -> str:
        return embedded(self.heading, self.text)


def embedded(heading: str, text: str) -> str:
    """What the embedding model and the keyword index read of a chunk."""
    return f"{heading}\n{text}" if heading else text


class Cutter:
    """Cuts documents by `size` and `overlap` in tokens; `recipe` changes whenever it would cut differently.

    `strategy` is one of strategies.STRATEGIES; `embed` gives the vectors of texts to the semantic one.
    """

    def __init__(
        self,
        size: int,
        overlap: int,
        tokenize: Tokenize,
        strategy: str = "sentence",
        embed: EmbedTexts | None = None,
    ) -> None:
        self.size, self.overlap, self.tokenize = size, overlap, tokenize
        self.strategy, self._embed = strategy, embed
        probe = hashlib.sha256(repr(list(tokenize(PROBE))).encode("utf-8", "replace")).hexdigest()[:8]
        way = "" if strategy == "sentence" else f" {strategy}"
        self.recipe = f"v{VERSION}{way} {size}/{overlap} {probe}"
        self._splitters: tuple[Any, Splitter] | None = None

    def cut(self, loaded: Loaded) -> list[Chunk]:
        """The chunks in reading order; a text that repeats within the document comes once."""
        chunks: dict[str, Chunk] = {}
        markdown, cutter = self._load()
        for part in loaded.parts:
            sections = _sections(part.text, markdown) if part.markdown else [((), part.text)]
            for path, text in sections:
                heading = ": ".join(dict.fromkeys(h for h in (loaded.heading, *path) if h))
                for piece in cutter.split_text(_breakable(text)):
                    if piece.strip():
                        chunk = Chunk(heading, piece.strip(), len(self.tokenize(piece)), part.page)
                        chunks.setdefault(chunk.id, chunk)
        return list(chunks.values())

    def _load(self) -> tuple[Any, Splitter]:
        """LlamaIndex's parser of headings, and the splitter of the text below them."""
        if self._splitters is None:
            from llama_index.core.callbacks import CallbackManager
            from llama_index.core.node_parser import MarkdownNodeParser

            silent = CallbackManager([])
            self._splitters = (
                MarkdownNodeParser(header_path_separator=PATH, include_prev_next_rel=False, callback_manager=silent),
                splitter(self.strategy, self.size, self.overlap, self.tokenize, self._embed),
            )
        return self._splitters


def _sections(text: str, markdown: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path of headings, text below the last of them). A heading with nothing below it, nor in its path, is text."""
    from llama_index.core.schema import Document

    bare: tuple[str, ...] = ()
    for node in markdown.get_nodes_from_documents([Document(text=text)]):
        above = tuple(plain(h) for h in node.metadata["header_path"].split(PATH) if h)
        first, _, body = node.text.partition("\n")
        match = HEADING.match(first)
        path = (*above, plain(match[2])) if match else above
        body = body if match else node.text
        if bare and path[: len(bare)] != bare:
            yield bare[:-1], bare[-1]
        bare = () if body.strip() else path
        if body.strip():
            yield path, body
    if bare:
        yield bare[:-1], bare[-1]


def _breakable(text: str) -> str:
    """`text` with spaces inside endless words (encoded pictures, mostly), which would take minutes to split."""
    return re.sub(rf"(\S{{{LONGEST_WORD}}})(?=\S)", r"\1 ", text)
