"""Add documents, see what is in the index, take documents out of it; search, passages and health have cards too."""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from ragft_core.documents import SUFFIXES
from ragft_core.types import IndexReport, Progress

from . import render, render_documents
from .events import PRIVATE, QUIET, sentence
from .index_health import IndexHealth
from .owner import Owner
from .passages import Passages
from .probe import Probe
from .uploads import moved_uploads

LOOK_APART = 0.25  # seconds between two looks at an indexing job
PUBLIC = "This is a public demo: its documents cannot be changed here. Run RAGFT yourself to use your own."
CHECKED = "() => [[...document.querySelectorAll('#documents input[data-source]:checked')].map((x) => x.dataset.source)]"


class DocumentsTab:
    """The tab's components and what happens on them."""

    def __init__(self, studio: Any) -> None:
        self.studio, self.owner = studio, Owner(studio)
        with gr.Row(equal_height=False, elem_id="documents_tab"):
            with gr.Column(scale=5, min_width=300):
                self._lay_out_adding()
                Probe(studio)
            with gr.Column(scale=7, min_width=300):
                self._lay_out_list()
                self.passages = Passages(studio)
                IndexHealth(studio)
        self._wire()

    # ---------------------------------------------------------------- layout

    def _lay_out_adding(self) -> None:
        with gr.Column(elem_classes="card"):
            gr.HTML(render_documents.ADD_HEAD, apply_default_css=False)
            self.files = gr.File(
                label="Files",
                file_count="multiple",
                file_types=list(SUFFIXES),
                height=150,
                elem_id="files",
                interactive=self.owner.possible,
            )
            self.add = gr.Button("Add to the index", variant="primary", size="md", elem_id="add_btn")
            self.report = gr.HTML(self._public_note(), elem_id="index_report", apply_default_css=False)

    def _lay_out_list(self) -> None:
        with gr.Column(elem_classes="card"):
            self.count = gr.HTML(render_documents.counts([]), apply_default_css=False)
            self.filter = gr.Textbox(
                label="Filter", placeholder="Part of a title or of a file name", lines=1, elem_id="filter"
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

    # ---------------------------------------------------------------- wiring

    def _wire(self) -> None:
        self.listed = [self.count, self.table]
        confirming = [self.pending, self.confirm, self.confirm_text, self.said]
        self.added = self.add.click(
            self.index,
            self.files,
            [self.report, self.add, self.files],
            concurrency_id="index",
            concurrency_limit=1,
            **PRIVATE,
        )
        self.forgotten = self.yes.click(
            self.forget_pending, self.pending, confirming, concurrency_id="index", concurrency_limit=1, **PRIVATE
        )
        for changed in (self.added, self.forgotten):
            changed.then(self.list_documents, self.filter, self.listed, **QUIET)
        self.forget.click(self.ask_first, self.chosen, confirming, js=CHECKED, **QUIET)
        self.no.click(lambda: self._asking([], ""), outputs=confirming, **QUIET)
        self.filter.change(self.list_documents, self.filter, self.listed, **QUIET)

    def wire_page(self, page: gr.Blocks, tab: gr.Tab, counts_changed: Callable[[Any], None]) -> None:
        """Fill the list when the page opens or the tab is chosen; tell the header when counts changed."""
        page.load(self.list_documents, self.filter, self.listed, **QUIET)
        tab.select(self.list_documents, self.filter, self.listed, **QUIET)
        for changed in (self.added, self.forgotten, self.passages.saved):
            counts_changed(changed)
        self.passages.saved.then(self.list_documents, self.filter, self.listed, **QUIET)
        self.passages.wire(page.load, tab.select, self.added.then, self.forgotten.then)

    # ---------------------------------------------------------------- adding

    def index(self, files: list[str] | None) -> Iterator[dict[Any, Any]]:
        """Index the uploaded files, showing how far it is; then a row per file, and why one was skipped."""
        if not self.owner.here():
            yield {self.report: render.problem(self.owner.refusal(PUBLIC))}
            return
        if not files:
            yield {self.report: render.problem("Choose one or more files first.")}
            return
        yield {
            self.add: gr.Button(interactive=False),
            self.report: render_documents.progress(Progress(0, 0, "Starting")),
        }
        try:
            for step in self._indexing(moved_uploads(self.studio.home.folder / "uploads", files)):
                if isinstance(step, IndexReport):
                    yield {self.report: render_documents.report(step)}
                else:
                    yield {self.report: render_documents.progress(step)}
            yield {self.files: None}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            yield {self.report: render.problem(sentence(error))}
        yield {self.add: gr.Button(interactive=True)}

    def _indexing(self, paths: list[Path]) -> Iterator[Progress | IndexReport]:
        """Run the job in a thread of its own, so that a closed tab does not leave a document half indexed."""
        news: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def work() -> None:
            try:
                news.put(self.studio.index(paths, news.put))
            except Exception as error:  # noqa: BLE001 - raised again where the page can show it
                news.put(error)
            finally:
                for path in paths:  # the database keeps the text; a second copy would outlive a `forget`
                    path.unlink(missing_ok=True)

        threading.Thread(target=work, name="ragft-index", daemon=True).start()
        latest: Any = Progress(0, len(paths), "Reading")
        while True:
            try:
                latest = news.get(timeout=LOOK_APART)
            except queue.Empty:
                yield latest
                continue
            if isinstance(latest, Exception):
                raise latest
            yield latest
            if isinstance(latest, IndexReport):
                return

    # ---------------------------------------------------------------- list and forget

    def list_documents(self, wanted: str | None) -> list[str]:
        documents = self.studio.documents()
        word = (wanted or "").strip().lower()
        fitting = [d for d in documents if word in d.title.lower() or word in d.source.lower()]
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
        return self._asking([], f"<p class='sub'>{gone} document{'s' if gone != 1 else ''} forgotten.</p>")

    def _asking(self, sources: list[str], said: str) -> list[Any]:
        text = render_documents.forget_question(len(sources))
        return [sources, gr.Row(visible=bool(sources)), text, said]

    def _public_note(self) -> str:
        return f"<p class='sub'>{PUBLIC}</p>" if not self.owner.possible else ""
