"""Add documents, see what is in the index, take documents out of it, and try what retrieval finds."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from . import render, render_documents
from .adding import Adding
from .document_list import DocumentList
from .events import QUIET, sentence
from .run_settings import MODES


class DocumentsTab:
    """The tab's components and what happens on them."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        with gr.Row(equal_height=False, elem_id="documents_tab"):
            with gr.Column(scale=5, min_width=300):
                self.adding = Adding(studio)
                self._lay_out_probe()
            with gr.Column(scale=7, min_width=300):
                self.list = DocumentList(studio)
        self._wire()

    # ---------------------------------------------------------------- layout

    def _lay_out_probe(self) -> None:
        s = self.studio.settings
        with gr.Column(elem_classes="card"):
            gr.HTML(render_documents.PROBE_HEAD, apply_default_css=False)
            self.probe = gr.Textbox(
                label="Question", placeholder="What should be found?", lines=1, max_lines=3, elem_id="probe"
            )
            with gr.Row(elem_classes="fields"):
                self.mode = gr.Radio(MODES, value=s.search_mode, label="Search", info="How passages are ranked.")
                self.k = gr.Slider(1, 20, s.top_k, step=1, label="Passages", info="How many to show.")
            self.find = gr.Button("Find passages", size="md", elem_id="find_btn")
            self.found = gr.HTML(render_documents.NOTHING_FOUND_YET, elem_id="found", apply_default_css=False)

    # ---------------------------------------------------------------- wiring

    def _wire(self) -> None:
        self.list.list_after(self.adding.added)
        gr.on(
            [self.find.click, self.probe.submit],
            self.search,
            [self.probe, self.k, self.mode],
            self.found,
            concurrency_limit=2,
            show_progress="minimal",
            api_visibility="private",
        )

    def wire_page(self, page: gr.Blocks, tab: gr.Tab, counts_changed: Callable[[Any], None]) -> None:
        """Fill the list when the page opens or the tab is chosen; tell the header when counts changed."""
        for event in (page.load, tab.select):
            event(self.list.list_documents, self.list.filter, self.list.listed, **QUIET)
        for changed in (self.adding.added, *self.list.changed):
            counts_changed(changed)

    # ---------------------------------------------------------------- probe

    def search(self, question: str, k: int, mode: str) -> str:
        try:
            return render_documents.found(self.studio.search(question, k, mode), question)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return render.problem(sentence(error))
