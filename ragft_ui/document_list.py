"""The list of documents in the index: filter, select, forget, undo."""

from typing import Any

import gradio as gr

from . import render, render_documents
from .adding import PUBLIC
from .events import PRIVATE, QUIET, sentence
from .owner import Owner

CHECKED = "() => [[...document.querySelectorAll('#documents input[data-source]:checked')].map((x) => x.dataset.source)]"


class DocumentList:
    """The list's components and what happens on them; after the events `changed` documents may be gone or back."""

    def __init__(self, studio: Any) -> None:
        self.studio, self.owner = studio, Owner(studio)
        with gr.Column(elem_classes="card"):
            self.count = gr.HTML(render_documents.counts([]), apply_default_css=False)
            self.filter = gr.Textbox(
                label="Filter", placeholder="Part of a title, a file name or a collection", lines=1, elem_id="filter"
            )
            self.table = gr.HTML("", elem_id="documents", apply_default_css=False)
            with gr.Row(elem_classes="actions"):
                self.forget = gr.Button("Forget selected", size="sm", elem_id="forget_btn")
            self.chosen = gr.JSON(visible=False)
            self.pending = gr.State([])
            with gr.Row(visible=False, elem_classes="actions", elem_id="confirm") as self.confirm:
                self.confirm_text = gr.HTML("", elem_classes="grow", apply_default_css=False)
                self.yes = gr.Button("Yes, forget", variant="stop", size="sm", elem_id="forget_yes")
                self.no = gr.Button("Keep", size="sm", elem_id="forget_no")
            self.said = gr.HTML("", elem_id="documents_said", apply_default_css=False)
            self.back = gr.Button("Undo", size="sm", visible=False, elem_id="forget_undo")
        self._wire()

    def _wire(self) -> None:
        self.listed = [self.count, self.table]
        confirming = [self.pending, self.confirm, self.confirm_text, self.said, self.back]
        alone = {"concurrency_id": "index", "concurrency_limit": 1, **PRIVATE}
        self.changed = [
            self.yes.click(self.forget_pending, self.pending, confirming, **alone),
            self.back.click(self.undo_forget, outputs=confirming, **alone),
        ]
        for event in self.changed:
            self.list_after(event)
        self.forget.click(self.ask_first, self.chosen, confirming, js=CHECKED, **QUIET)
        self.no.click(lambda: self._asking([], ""), outputs=confirming, **QUIET)
        self.filter.change(self.list_documents, self.filter, self.listed, **QUIET)

    def list_after(self, event: Any) -> None:
        event.then(self.list_documents, self.filter, self.listed, **QUIET)

    def list_documents(self, wanted: str | None) -> list[str]:
        documents = self.studio.documents()
        word = (wanted or "").strip().lower()
        fitting = [d for d in documents if word in f"{d.title}\n{d.source}\n{d.collection}".lower()]
        return [render_documents.counts(documents), render_documents.table(fitting, filtered=bool(word))]

    def ask_first(self, sources: list[str] | None) -> list[Any]:
        if not self.owner.here():
            return self._asking([], render.problem(self.owner.refusal(PUBLIC)))
        if not sources:
            return self._asking([], render.problem("Select one or more documents first."))
        return self._asking(sources, "")

    def forget_pending(self, sources: list[str]) -> list[Any]:
        if not self.owner.here():
            return self._asking([], render.problem(self.owner.refusal(PUBLIC)))
        try:
            gone = self.studio.forget(sources)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return self._asking([], render.problem(sentence(error)))
        return self._asking([], render_documents.said(gone, "forgotten"), undo=True)

    def undo_forget(self) -> list[Any]:
        if not self.owner.here():
            return self._asking([], render.problem(self.owner.refusal(PUBLIC)))
        try:
            back = self.studio.undo_forget()
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return self._asking([], render.problem(sentence(error)))
        return self._asking([], render_documents.said(len(back), "back in the index"))

    def _asking(self, sources: list[str], said: str, undo: bool = False) -> list[Any]:
        text = render_documents.forget_question(len(sources))
        return [sources, gr.Row(visible=bool(sources)), text, said, gr.Button(visible=undo)]
