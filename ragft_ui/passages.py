"""See how a document was cut, and change the words of a passage in place."""

from typing import Any

import gradio as gr

from . import render, render_retrieval
from .events import PLAIN, PRIVATE, QUIET, sentence
from .owner import Owner

PUBLIC = "This is a public demo: its documents cannot be changed here. Run RAGFT yourself to use your own."


class Passages:
    """The card's components and what happens on them."""

    def __init__(self, studio: Any) -> None:
        self.studio, self.owner = studio, Owner(studio)
        with gr.Column(elem_classes="card", elem_id="passages_card"):
            gr.HTML(render_retrieval.CHUNKS_HEAD, **PLAIN)
            with gr.Row(elem_classes="fields"):
                self.source = gr.Dropdown(
                    [], label="Document", info="Type to search the list.", filterable=True, elem_id="chunk_source"
                )
                self.piece = gr.Dropdown([], label="Passage", info="Which one to change.", elem_id="chunk_choice")
            self.text = gr.Textbox(label="Its words", lines=4, max_lines=12, visible=False, elem_id="chunk_text")
            self.save = gr.Button("Save and embed again", size="sm", visible=False, elem_id="chunk_save")
            self.said = gr.HTML("", elem_id="chunk_said", **PLAIN)
            self.shown = gr.HTML(render_retrieval.NO_DOCUMENT, elem_id="chunks", **PLAIN)
        opened = [self.piece, self.text, self.save, self.shown, self.said]
        self.source.input(self.open, self.source, opened, **QUIET)
        self.piece.input(self.choose, [self.source, self.piece], [self.text, self.save, self.shown, self.said], **QUIET)
        self.saved = self.save.click(
            self.edit,
            [self.source, self.piece, self.text],
            opened,
            concurrency_id="index",
            concurrency_limit=1,
            **PRIVATE,
        )

    def wire(self, *events: Any) -> None:
        """List the documents anew after each of these events."""
        for event in events:
            event(self.list_documents, outputs=self.source, **QUIET)

    def list_documents(self) -> Any:
        return gr.Dropdown([(f"{d.title or d.source} ({d.source})", d.source) for d in self.studio.documents()])

    def open(self, source: str | None) -> list[Any]:
        """Show the document's passages; none of them is chosen."""
        try:
            pieces = self.studio.retrieval.pieces(source) if source else []
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [gr.Dropdown([], value=None), *self._closed(), render.problem(sentence(error))]
        choices = [(f"{piece.position + 1}. {piece.text[:60]}", piece.id) for piece in pieces]
        return [gr.Dropdown(choices, value=None), *self._closed(render_retrieval.chunks(pieces)), ""]

    def choose(self, source: str | None, piece: str | None) -> list[Any]:
        """Put the chosen passage's words into the field."""
        try:
            pieces = self.studio.retrieval.pieces(source) if source else []
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [*self._closed(), render.problem(sentence(error))]
        text = next((one.text for one in pieces if one.id == piece), None)
        if text is None:
            return [*self._closed(render_retrieval.chunks(pieces)), ""]
        may = self.owner.here()
        field = gr.Textbox(value=text, visible=True, interactive=may)
        return [field, gr.Button(visible=may), render_retrieval.chunks(pieces, piece or ""), ""]

    def edit(self, source: str | None, piece: str | None, text: str) -> list[Any]:
        """Save the words, and say after how long they can be found."""
        skipped = [gr.skip()] * 4
        if not self.owner.here():
            return [*skipped, render.problem(self.owner.refusal(PUBLIC))]
        if not source or not piece:
            return [*skipped, render.problem("Choose a document and a passage first.")]
        try:
            seconds = self.studio.retrieval.edit(source, piece, text)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [*skipped, render.problem(sentence(error))]
        *parts, _ = self.open(source)
        return [*parts, f"<p class='sub' role='status'>Saved; it can be found after {seconds:.2f} s.</p>"]

    def _closed(self, shown: str = render_retrieval.NO_DOCUMENT) -> list[Any]:
        return [gr.Textbox(value="", visible=False), gr.Button(visible=False), shown]
