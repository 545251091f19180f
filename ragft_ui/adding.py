"""The form that adds documents: files or a folder in, how far it is for every file, a report, a stop."""

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from ragft_core.documents import SUFFIXES, Columns
from ragft_core.errors import QuestionError
from ragft_core.request import checked_collection
from ragft_core.types import FileReport, IndexReport, Progress

from . import render, render_documents
from .events import PRIVATE, QUIET, sentence
from .owner import Owner
from .uploads import moved_uploads

LOOK_APART = 0.25  # seconds between two looks at an indexing job
PUBLIC = "This is a public demo: its documents cannot be changed here. Run RAGFT yourself to use your own."


class Adding:
    """The form's components and what happens on them; `added` is the event after which documents may be new."""

    def __init__(self, studio: Any) -> None:
        self.studio, self.owner = studio, Owner(studio)
        self._halt = threading.Event()
        public = not self.owner.possible
        with gr.Column(elem_classes="card"):
            gr.HTML(render_documents.ADD_HEAD, apply_default_css=False)
            self.files = gr.File(
                label="Files",
                file_count="multiple",
                file_types=list(SUFFIXES),
                height=150,
                elem_id="files",
                interactive=not public,
            )
            self.folder = gr.UploadButton(
                "Or choose a folder",
                file_count="directory",
                size="sm",
                elem_id="folder",
                interactive=not public,
            )
            self.collection = gr.Dropdown(
                [],
                label="Collection",
                info="Documents to be searched by themselves: choose or type a name. Empty: where they were.",
                allow_custom_value=True,
                interactive=not public,
                elem_id="collection",
            )
            self._lay_out_columns()
            with gr.Row(elem_classes="actions"):
                self.add = gr.Button("Add to the index", variant="primary", size="md", elem_id="add_btn")
                self.stop = gr.Button("Stop", size="md", visible=False, elem_id="stop_indexing")
            note = f"<p class='sub'>{PUBLIC}</p>" if public else ""
            self.report = gr.HTML(note, elem_id="index_report", apply_default_css=False)
        self._wire()

    def _lay_out_columns(self) -> None:
        with gr.Accordion("Rows of tables", open=False, elem_id="columns"):
            gr.HTML(render_documents.COLUMNS_HEAD, apply_default_css=False)
            with gr.Row(elem_classes="fields"):
                self.content = gr.Textbox(
                    label="Content column", info="Whose words are searched.", placeholder="all columns"
                )
                self.metadata = gr.Textbox(
                    label="Other columns", info="Kept with each row.", placeholder="names, between commas"
                )
            with gr.Row(elem_classes="fields"):
                self.rows = gr.Number(label="Rows at most", value=0, precision=0, minimum=0, info="0: all of them.")
                self.seed = gr.Number(label="Seed", value=0, precision=0, info="Which rows, when not all are taken.")

    def _wire(self) -> None:
        self.added = self.add.click(
            self.index,
            [self.files, self.content, self.metadata, self.rows, self.seed, self.collection],
            [self.report, self.add, self.files, self.stop],
            concurrency_id="index",
            concurrency_limit=1,
            **PRIVATE,
        )
        self.stop.click(self.halt, outputs=self.stop, **QUIET)
        self.folder.upload(self.take_folder, [self.files, self.folder], self.files, **QUIET)

    def take_folder(self, files: list[str] | None, more: list[str] | None) -> list[str]:
        """The files of a folder join those chosen before."""
        return list(dict.fromkeys([*(files or []), *(more or [])]))

    def list_collections(self) -> Any:
        return gr.Dropdown(self.studio.collections())

    def halt(self) -> Any:
        """End the job after the batch at hand; what is finished stays."""
        if self.owner.here():
            self._halt.set()
        return gr.Button("Stopping", interactive=False)

    def index(
        self,
        files: list[str] | None,
        content: str = "",
        metadata: str = "",
        rows: float | None = 0,
        seed: float | None = 0,
        collection: str | None = None,
    ) -> Iterator[dict[Any, Any]]:
        """Index the uploaded files, showing how far it is; then a row per file, and why one was skipped."""
        if not self.owner.here():
            yield {self.report: render.problem(self.owner.refusal(PUBLIC))}
            return
        if not files:
            yield {self.report: render.problem("Choose one or more files first.")}
            return
        wished: dict[str, Any] = {"columns": columns(content, metadata, rows, seed)}
        if name := (collection or "").strip():
            try:
                wished["collection"] = checked_collection(name)
            except QuestionError as error:
                yield {self.report: render.problem(str(error))}
                return
        self._halt.clear()
        yield {
            self.add: gr.Button(interactive=False),
            self.stop: gr.Button("Stop", visible=True, interactive=True),
            self.report: render_documents.progress(Progress(0, 0, "Starting")),
        }
        try:
            moved = moved_uploads(self.studio.home.folder / "uploads", files)
            for step, told in self._indexing(moved, wished):
                if isinstance(step, IndexReport):
                    yield {self.report: render_documents.report(step)}
                else:
                    yield {self.report: render_documents.progress(step, told)}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            yield {self.report: render.problem(sentence(error))}
        # The uploads are gone by now, whatever came of them: they have to be chosen again.
        yield {self.files: None, self.add: gr.Button(interactive=True), self.stop: gr.Button(visible=False)}

    def _indexing(
        self, paths: list[Path], wished: dict[str, Any]
    ) -> Iterator[tuple[Progress | IndexReport, list[FileReport]]]:
        """Run the job in a thread of its own, so that a closed tab does not leave a document half indexed."""
        news: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def work() -> None:
            ended: IndexReport | Exception
            try:
                ended = self.studio.index(paths, news.put, **wished, stopped=self._halt.is_set)
            except Exception as error:  # noqa: BLE001 - raised again where the page can show it
                ended = error
            for path in paths:  # the database keeps the text; a second copy would outlive a `forget`
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            news.put(ended)  # only now: who reads the report may look whether the uploads are gone

        threading.Thread(target=work, name="ragft-index", daemon=True).start()
        latest: Any = Progress(0, len(paths), "Reading")
        told: list[FileReport] = []
        while True:
            for step in fresh(news):
                latest = step
                told += step.files if isinstance(step, Progress) else ()
            if isinstance(latest, Exception):
                raise latest
            yield latest, told
            if isinstance(latest, IndexReport):
                return


def fresh(news: "queue.SimpleQueue[Any]", seconds: float = LOOK_APART) -> list[Any]:
    """What has come: waits for the first thing, then takes all there is, so that a fast job does not flood the page."""
    try:
        found = [news.get(timeout=seconds)]
    except queue.Empty:
        return []
    while not news.empty():
        found.append(news.get())
    return found


def columns(content: str, metadata: str, rows: float | None, seed: float | None) -> Columns | None:
    """The columns as the form names them; None when nothing was filled in, so that tables are read as before."""
    names = tuple(name.strip() for name in (metadata or "").split(",") if name.strip())
    content, limit = (content or "").strip(), max(int(rows or 0), 0)
    return Columns(content, names, limit, int(seed or 0)) if content or names or limit else None
