"""Choose a file of examples, map its columns, read what is wrong with it, and take a clean copy."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ragft_core.examples.head import guessed, head, is_table
from ragft_core.types import Progress

from . import render, render_documents, render_examples, render_tune
from .drafts import DEMO_EVAL, DEMO_TRAIN, FIELDS, INDEX, SUFFIXES, Drafts, mapping_of
from .events import PLAIN, PRIVATE, QUIET, sentence
from .owner import Owner

LABELS = {
    "question": ("Question", "The column that is asked."),
    "answer": ("Answer", "The column with the answer you want."),
    "context": ("Passage", "Optional: the passage that holds the answer, for RAFT."),
    "group": ("Group", "Optional: rows of one group are kept on one side of the split."),
}
OTHERS_HELP = "A row that is in an evaluation set, or asked in a document, would spoil it and is told as a leak."
NAMES = {DEMO_TRAIN: "The demo's training file", DEMO_EVAL: "The demo's evaluation set"}
# In the queue, as reading takes seconds; one at a time, as two would only slow each other.
READING: dict[str, Any] = {**PRIVATE, "concurrency_id": "examples", "concurrency_limit": 1}
Updates = dict[Any, Any]


class ExamplesCard:
    """`source` are the inputs that say which rows are meant; `changed` the events after which they have changed."""

    def __init__(self, studio: Any, drafts: Drafts) -> None:
        self.studio, self.drafts = studio, drafts
        with gr.Column(elem_classes="card", elem_id="examples_card"):
            gr.HTML(render_examples.HEAD, **PLAIN)
            with gr.Row(elem_classes="actions wraps"):
                self.upload = gr.UploadButton(
                    "Upload a file", file_types=list(SUFFIXES), variant="primary", size="md", elem_id="tune_upload"
                )
                self.demo = gr.Button("Use the demo's training file", size="md", elem_id="tune_demo")
            self.file = gr.Dropdown([], label="Examples", info="Your files, newest first.", elem_id="tune_file")
            self.problem = gr.HTML("", elem_id="examples_problem", **PLAIN)
            with gr.Column(visible=False, elem_id="mapping") as self.mapping:
                self.table = gr.HTML("", **PLAIN)
                with gr.Row(elem_classes="fields"):
                    self.columns = [
                        gr.Dropdown([], label=label, info=help, min_width=140) for label, help in LABELS.values()
                    ]
            self.report = gr.HTML(render_examples.EMPTY, elem_id="lint", **PLAIN)
            with gr.Row(elem_classes="actions"):
                self.clean = gr.Button("Take the clean copy", size="sm", visible=False, elem_id="clean_btn")
            with gr.Accordion("Must not share rows with", open=False, elem_id="others_box"):
                self.others = gr.Dropdown(
                    [], multiselect=True, label="Evaluation sets and documents", info=OTHERS_HELP, elem_id="others"
                )
        self.source = [self.file, *self.columns, self.others]
        self.shown = [*self.source, self.problem, self.mapping, self.table, self.report, self.clean, self.upload]
        self._wire()

    def _wire(self) -> None:
        self.changed = [
            self.upload.upload(self.take, [self.upload, self.others], self.shown, **READING),
            self.demo.click(self.take_demo, self.others, self.shown, **READING),
            self.file.input(self.choose, [self.file, self.others], self.shown, **READING),
            self.clean.click(self.take_clean, self.source, self.shown, **READING),
            gr.on(
                [field.input for field in (*self.columns, self.others)],  # type: ignore[attr-defined]
                self.look_again,
                self.source,
                self.shown,
                trigger_mode="always_last",
                **READING,
            ),
        ]

    def choose_after(self, event: Any, name: gr.Textbox) -> None:
        """Look at the file that an event has named; the form follows as after any change."""
        self.changed.append(event.then(self.choose_made, [name, self.others], self.shown, **READING))

    def choose_made(self, name: str | None, others: list[str] | None) -> Iterator[Updates]:
        """A file that was made here; none, when it was not made."""
        if name:
            yield from self.choose(name, others)
        else:
            yield {self.problem: ""}

    def wire_page(self, page: gr.Blocks, tab: gr.Tab) -> None:
        gr.on([page.load, tab.select], self.list_files, self.file, [self.file, self.others], **QUIET)

    # ---------------------------------------------------------------- which file

    def list_files(self, chosen: str | None) -> list[Any]:
        """The files there are; nothing is chosen for the user."""
        if not Owner(self.studio).here():
            return [gr.skip(), gr.skip()]
        choices = self._choices()
        known = [value for _, value in choices]
        beside = [("Your documents (the index)", INDEX), *(choice for choice in choices if choice[1] != DEMO_TRAIN)]
        return [gr.Dropdown(choices, value=chosen if chosen in known else None), gr.Dropdown(beside)]

    def _choices(self) -> list[tuple[str, str]]:
        return [(NAMES.get(name, name), name) for name in self.drafts.files()]

    def take(self, upload: str | None, others: list[str] | None) -> Iterator[Updates]:
        """Keep an upload and look at it."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            name = self.drafts.take(upload)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            yield {self.problem: render.problem(sentence(error)), self.upload: None}
            return
        yield {self.upload: None}
        yield from self.choose(name, others)

    def take_demo(self, others: list[str] | None) -> Iterator[Updates]:
        yield from self.choose(DEMO_TRAIN, others)

    # ---------------------------------------------------------------- looking at it

    def choose(self, name: str | None, others: list[str] | None) -> Iterator[Updates]:
        """Another file: its columns, as far as their names tell, and what is wrong with it."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            path = self.drafts.path(name)
            picked = {self.file: gr.Dropdown(self._choices(), value=name)}
            if not is_table(path):
                none = [gr.Dropdown([], value=None) for _ in FIELDS]
                yield picked | {self.mapping: gr.Column(visible=False)} | dict(zip(self.columns, none, strict=True))
                yield from self._looked(name, [None] * len(FIELDS), others)
                return
            columns, rows = head(path)
            guess = guessed(columns)
            offered = [gr.Dropdown(["", *columns], value=guess.get(field, "")) for field in FIELDS]
            table = {self.mapping: gr.Column(visible=True), self.table: render_examples.table_head(columns, rows)}
            yield picked | table | dict(zip(self.columns, offered, strict=True))
            yield from self._looked(name, [guess.get(field) for field in FIELDS], others)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            yield self._refused(error)

    def look_again(self, name: str | None, *chosen: Any) -> Iterator[Updates]:
        """Other columns, or another set to keep apart from."""
        yield from self._looked(name, chosen[:-1], chosen[-1])

    def _looked(self, name: str | None, columns: Any, others: list[str] | None) -> Iterator[Updates]:
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            reading = render_documents.progress(Progress(0, 0, "Reading and checking the rows"), label="Checking")
            yield {self.report: reading, self.problem: "", self.clean: gr.Button(visible=False)}
            draft = self.drafts.draft(name, mapping_of(columns), others or ())
            droppable = any(p.line and (p.blocking or p.kind in render_examples.DROPPED) for p in draft.check.problems)
            yield {
                self.report: render_examples.found(draft.check),
                self.clean: gr.Button(visible=droppable and draft.check.reading.kind == "training"),
            }
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            yield self._refused(error)

    def take_clean(self, name: str | None, *chosen: Any) -> Iterator[Updates]:
        """Write the clean copy, say what it left out, and go on with it."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            made, dropped = self.drafts.clean(self.drafts.draft(name, mapping_of(chosen[:-1]), chosen[-1] or ()))
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            yield self._refused(error)
            return
        yield from self.choose(made, chosen[-1])
        yield {self.problem: render_examples.cleaned(made, dropped), self.clean: gr.Button(visible=False)}

    def _refused(self, error: Exception) -> Updates:
        return {
            self.problem: render.problem(sentence(error)),
            self.report: "",
            self.clean: gr.Button(visible=False),
        }
