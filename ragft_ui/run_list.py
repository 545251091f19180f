"""The history of runs: open one, and see what differs between two."""

from typing import Any

import gradio as gr

from ragft_core import RunError, training
from ragft_core.training.history import best_of
from ragft_core.training.run import read_json, run_folder

from . import render, render_runs, render_tune
from .events import PLAIN, PRIVATE, QUIET, sentence
from .owner import Owner

ROW_ACTS = """element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-act]');
  if (button) trigger('select', { act: button.dataset.act, name: button.dataset.name });
});"""
GROUP_HELP = "Runs that were started to be compared."
MARKED = "() => [[...document.querySelectorAll('#runs input[data-run]:checked')].map((box) => box.dataset.run)]"


class RunList:
    """`chosen` is the event after which `run` names another run."""

    def __init__(self, studio: Any, run: gr.Textbox) -> None:
        self.studio = studio
        with gr.Column(elem_classes="card", elem_id="runs_card"):
            gr.HTML(render_runs.RUNS_HEAD, **PLAIN)
            self.table = gr.HTML("", elem_id="runs", js_on_load=ROW_ACTS, **PLAIN)
            with gr.Row(elem_classes="actions"):
                self.compare = gr.Button("What differs?", size="sm", elem_id="runs_diff")
            self.said = gr.HTML("", elem_id="runs_said", **PLAIN)
            self.group = gr.Dropdown(
                [], label="Duel, sweep or learning curve", info=GROUP_HELP, visible=False, elem_id="group"
            )
            self.grouped = gr.HTML("", elem_id="group_table", **PLAIN)
        self.marked = gr.JSON(visible=False)
        self.chosen = self.table.select(self.open, run, [run, self.said], **PRIVATE)
        gr.on([self.group.change, self.group.focus], self.group_table, self.group, self.grouped, **QUIET)
        self.compare.click(self.diff, self.marked, self.said, js=MARKED, **QUIET)

    def rows(self, chosen: str | None) -> str:
        """All runs as they are now."""
        if not Owner(self.studio).here():
            return ""
        home = self.studio.home.folder
        found = [(run, self._colour(run.id)) for run in training.runs(home)]
        return render_runs.run_table(found, chosen or "")

    def groups(self) -> gr.Dropdown:
        """The groups there are, newest first; hidden while there is none."""
        found = {} if not Owner(self.studio).here() else training.group_names(self.studio.home.folder)
        return gr.Dropdown([(f"{name} ({kind})", name) for name, kind in found.items()], visible=bool(found))

    def group_table(self, name: str | None) -> str:
        """How the runs of a group went, beside each other."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            rows = training.group_table(self.studio.home.folder, str(name)) if name else []
            return render_runs.group_table(rows, best_of(rows)) if rows else ""
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return render.problem(sentence(error))

    def _colour(self, run_id: str) -> str:
        folder = run_folder(self.studio.home.folder, run_id)
        return str(read_json(folder / "report.json").get("colour", ""))

    def open(self, shown: str, event: gr.EventData) -> list[Any]:
        """A row's button: show that run above."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            return [training.status(self.studio.home.folder, str(event.name)).id, ""]
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [gr.skip(), render.problem(sentence(error))]

    def diff(self, marked: list[str] | None) -> str:
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            if not isinstance(marked, list) or len(marked) != 2:
                raise RunError("Mark two runs in the list first.")
            a, b = (str(name) for name in marked)
            home = self.studio.home.folder
            told = training.difference(home, a, b)
            return render_runs.differences(a, b, told, len(training.facts(home, a)) - len(told))
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return render.problem(sentence(error))
