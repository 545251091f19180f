"""The owner's view of a study: its results in words and tables, and its files in one click."""

import shutil
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from ragft_core.ratings import RatingError, Ratings

from . import render, render_rate, render_results, study_form
from .events import PRIVATE, sentence
from .owner import NotOwnerError, Owner
from .theme import ASSETS

FILES = [
    ("Table, one row per rater and item (CSV)", "ratings.csv"),
    ("Arena pairs (CSV)", "pairs.csv"),
    ("Arena pairs (JSONL)", "pairs.jsonl"),
    ("Exact archive with every version (JSONL)", "ratings.jsonl"),
]
JUDGE_HELP = (
    "RAGFT asks no outside model. Let a judge read the answers elsewhere (the CSV of ratings has item ids and texts) "
    "and give its verdicts here: item_id, and winner (an arm, tie or bad) or a column of scores per arm such as "
    "rag_score; optional judge. They are shown beside people's ratings and never counted among them."
)
KEPT_SECONDS = 3600  # an export can be made again at any time
# `DownloadButton.click(fn, outputs=itself)` would need two clicks: this one is hidden and clicked once it has its file.
FETCH = """() => setTimeout(() =>
  (document.querySelector('#file_dl a, a#file_dl') || document.querySelector('#file_dl')).click(), 100)"""


class ResultsView:
    """Shown for the study in `study`; an empty one hides it."""

    def __init__(self, studio: Any, ratings: Ratings) -> None:
        self.studio, self.ratings, self.owner = studio, ratings, Owner(studio)
        with gr.Column(visible=False, elem_id="rate_results") as self.column:
            self.study = gr.Textbox(visible="hidden", show_label=False)
            with gr.Row(elem_classes="actions"):
                self.back = gr.Button("All studies", size="sm", elem_id="results_back")
                self.again = gr.Button("Refresh", size="sm", elem_id="results_again")
                gr.HTML("", elem_classes="grow", apply_default_css=False)
                self.csv = gr.Button("Export CSV", variant="primary", size="sm", elem_id="export_csv")
            self.said = gr.HTML("", elem_id="export_said", apply_default_css=False)
            self.body = gr.HTML("", elem_id="results_body", apply_default_css=False, js_on_load=saving())
            with gr.Accordion("Other files", open=False, elem_id="other_files"):
                self.kind = gr.Radio(FILES, value="ratings.csv", label="File")
                self.texts = gr.Checkbox(
                    True,
                    label="With texts",
                    info="Questions, references, answers and notes; an archive always has them.",
                )
                with gr.Row(elem_classes="actions"):
                    self.other = gr.Button("Export", size="md", elem_id="export_other")
            with gr.Accordion("Verdicts of an LLM judge", open=False, elem_id="judge_card"):
                gr.HTML(f"<p class='sub'>{JUDGE_HELP}</p>", apply_default_css=False)
                with gr.Row(elem_classes="actions"):
                    self.judged = gr.UploadButton(
                        "Choose a file of verdicts", file_types=[".csv", ".jsonl"], size="md", elem_id="judge_btn"
                    )
                self.took = gr.HTML("", elem_id="judge_said", apply_default_css=False)
        self.file = gr.DownloadButton("file", visible="hidden", elem_id="file_dl")
        self.shown = [self.column, self.study, self.said, self.body, self.took]
        self._wire()

    def _wire(self) -> None:
        reading = {**PRIVATE, "concurrency_limit": 2}
        gr.on([self.study.change, self.again.click], self.read, self.study, self.body, **reading)
        self.judged.upload(self.take_judge, [self.study, self.judged], [self.took, self.judged], **PRIVATE).then(
            self.read, self.study, self.body, **reading
        )
        self.csv.click(self.export_csv, self.study, [self.file, self.said], **PRIVATE).success(
            None, js=FETCH, **PRIVATE
        )
        self.other.click(self.export, [self.study, self.kind, self.texts], [self.file, self.said], **PRIVATE).success(
            None, js=FETCH, **PRIVATE
        )

    def open(self, study: str) -> dict[Any, Any]:
        """Show the column at once; that `study` changes starts the reading."""
        return {
            self.column: gr.Column(visible=True),
            self.study: study,
            self.said: "",
            self.took: "",
            self.body: "<div class='card'><div class='empty'>Working out the results &hellip;</div></div>",
        }

    def closed(self) -> dict[Any, Any]:
        return {self.column: gr.Column(visible=False), self.study: "", self.said: "", self.body: "", self.took: ""}

    def read(self, study_id: str) -> str:
        if not study_id:
            return ""
        try:
            self.owner.check(render_rate.PUBLIC)
            study = self.ratings.study(study_id)
            questions = {item.id: item.comparison.question for item in self.ratings.items(study.id)}
            return render_results.page(study, questions, self.ratings.results(study.id), self.ratings.raters(study.id))
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return render.problem(sentence(error))

    def take_judge(self, study_id: str, file: str | None) -> list[Any]:
        """Verdicts that an LLM gave elsewhere on this study's items."""
        try:
            self.owner.check(render_rate.PUBLIC)
            if not file:
                raise RatingError("Choose a file first.")
            done = self.ratings.import_file(file, study=study_id)
            Path(file).unlink(missing_ok=True)  # the database has it; a second copy would outlive it
            return [study_form.imported(done), None]
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [render.problem(sentence(error)), gr.skip()]

    # ---------------------------------------------------------------- files

    def export_csv(self, study_id: str) -> tuple[Any, str]:
        return self.export(study_id, "ratings.csv", True)

    def export(self, study_id: str, kind: str, texts: bool) -> tuple[Any, str]:
        """A file in a folder of its own with a name that cannot be guessed, as whoever has the address can read it."""
        self._may_export()
        try:
            format, _, suffix = kind.partition(".")
            folder = self.studio.home.downloads / "exports"
            tidy(folder)
            path = folder / uuid.uuid4().hex / f"{format}-{datetime.now(UTC):%Y%m%d-%H%M}.{suffix}"
            done = self.ratings.export(path, study_id, format=format, texts=bool(texts) or kind == "ratings.jsonl")
        except Exception as error:
            raise refused(error) from error
        long = f" {done['long_cells']} cells are longer than a spreadsheet takes." if done["long_cells"] else ""
        said = f"<p class='sub' role='status'>{render_rate.count(done['rows'], 'row')} in {path.name}.{long}</p>"
        return gr.DownloadButton(value=str(path)), said

    def _may_export(self) -> None:
        try:
            self.owner.check(render_rate.PUBLIC)
        except NotOwnerError as error:
            raise refused(error) from error


def saving() -> str:
    """The script behind the buttons that save a plot."""
    return (ASSETS / "plots.js").read_text("utf-8")


def refused(error: Exception) -> gr.Error:
    """An error that ends the event, so that nothing is fetched; Gradio shows its sentence."""
    return gr.Error(sentence(error), print_exception=False)


def tidy(folder: Path) -> None:
    """Remove the exports of an hour ago and older."""
    for old in folder.iterdir() if folder.is_dir() else ():
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
