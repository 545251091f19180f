"""One run, live: how it goes, its curves and sample answers; stop, resume, the verdict, and its adapter in Compare."""

from pathlib import Path
from typing import Any

import gradio as gr

from ragft_core import RunError, training
from ragft_core.training import Run
from ragft_core.training.curves import CurveReader
from ragft_core.training.run import read_json, run_folder

from . import render, render_tune
from .events import PLAIN, QUIET, sentence
from .owner import Owner

LOOK_EVERY = 1.0  # seconds between two looks at a run that goes on
LIVE = '<div role="status" aria-live="polite">${value}</div>'
Updates = dict[Any, Any]


class RunView:
    """`run` names what is shown. `state`, a hidden field, changes whenever the run changes its state."""

    def __init__(self, studio: Any) -> None:
        self.studio, self.reader = studio, CurveReader()
        self.run = gr.Textbox(visible="hidden", show_label=False, elem_id="tune_run")
        self.adapter = gr.Textbox(visible="hidden", show_label=False, elem_id="tune_adapter")
        self.state = gr.Textbox(visible="hidden", show_label=False, elem_id="tune_state")
        self.seen = gr.State({})
        self.timer = gr.Timer(LOOK_EVERY, active=False)
        self.spoken = gr.HTML("", html_template=LIVE, elem_id="tune_spoken", elem_classes="srwrap", **PLAIN)
        with gr.Column(elem_classes="card", elem_id="run_card"):
            self.head = gr.HTML(render_tune.NO_RUN, elem_id="run_head", **PLAIN)
            with gr.Row(elem_classes="actions wraps", elem_id="run_actions"):
                self.stop = gr.Button("Stop, keep the best", variant="stop", visible=False, elem_id="run_stop")
                self.resume = gr.Button("Resume", size="md", visible=False, elem_id="run_resume")
                self.use = gr.Button("Use in Compare", variant="primary", size="md", visible=False, elem_id="run_use")
            self.problem = gr.HTML("", elem_id="run_problem", **PLAIN)
            self.report = gr.HTML("", elem_id="run_report", **PLAIN)
            self.curves = gr.HTML("", elem_id="run_curves", **PLAIN)
            self.samples = gr.HTML("", elem_id="run_samples", **PLAIN)
            self.command = gr.HTML("", elem_id="run_command", **PLAIN)
        self.parts = {
            "head": self.head,
            "curves": self.curves,
            "samples": self.samples,
            "report": self.report,
            "command": self.command,
            "spoken": self.spoken,
        }
        self.shown = [self.run, self.adapter, self.state, self.seen, self.timer, self.problem, *self.parts.values()]
        self.shown += [self.stop, self.resume, self.use]
        self._wire()

    def _wire(self) -> None:
        self.timer.tick(self.look, [self.run, self.seen], self.shown, **QUIET)
        self.stop.click(self.stop_run, [self.run, self.seen], self.shown, **QUIET)
        self.resume.click(self.resume_run, [self.run, self.seen], self.shown, **QUIET)

    # ---------------------------------------------------------------- looking

    def look(self, run_id: str | None, seen: dict[str, int] | None) -> Updates:
        """What has changed since the last look; without a run, the one that goes on, else the latest."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            run = self._run(run_id)
            return self._changed(run, seen or {}) if run else self._nothing()
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return {self.timer: gr.Timer(active=False), self.problem: render.problem(sentence(error))}

    def opened(self, run_id: str | None, seen: dict[str, int] | None) -> Updates:
        """The same for a run that was just chosen: what was said of another one goes."""
        return {self.problem: ""} | self.look(run_id, seen)

    def _run(self, run_id: str | None) -> Run | None:
        home = self.studio.home.folder
        if run_id:
            return training.status(home, run_id)
        found = training.runs(home)
        return next((run for run in found if not run.final), found[0] if found else None)

    def _changed(self, run: Run, seen: dict[str, int]) -> Updates:
        folder = run_folder(self.studio.home.folder, run.id)
        curves, report = self.reader.read(folder), read_json(folder / "report.json")
        parts = {
            "head": render_tune.progress(run, curves),
            "curves": render_tune.drawn(curves, run.steps) if curves.loss or curves.validation else "",
            "samples": render_tune.samples(curves.evaluations),
            "report": render_tune.report(report, run.preset) if run.final else "",
            "command": render_tune.run_command(run),
            "spoken": f"{run.id}: {render_tune.STATES.get(run.state, ('', run.state))[1]}.",
        }
        marks = {name: hash(html) for name, html in parts.items()}
        news = {self.parts[name]: html for name, html in parts.items() if seen.get(name) != marks[name]}
        return news | {
            self.run: run.id,
            self.adapter: Path(run.adapter).name if run.final and run.adapter else "",
            self.state: f"{run.id} {run.state}",
            self.seen: marks,
            self.timer: gr.Timer(active=not run.final),
            self.stop: gr.Button(visible=not run.final, interactive=run.state != "stopping"),
            self.resume: gr.Button(visible=run.state in ("stopped", "failed")),
            self.use: gr.Button(visible=bool(run.final and run.adapter)),
        }

    def _nothing(self) -> Updates:
        return {self.head: render_tune.NO_RUN, self.seen: {}, self.run: "", self.timer: gr.Timer(active=False)}

    # ---------------------------------------------------------------- acting

    def stop_run(self, run_id: str, seen: dict[str, int] | None) -> Updates:
        """Ask the run to stop after the step in hand; its best adapter is kept."""
        return self._act(training.stop, run_id, seen)

    def resume_run(self, run_id: str, seen: dict[str, int] | None) -> Updates:
        """Go on from the newest valid checkpoint."""
        return self._act(training.resume, run_id, seen)

    def _act(self, verb: Any, run_id: str, seen: dict[str, int] | None) -> Updates:
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            if not run_id:
                raise RunError("There is no run to do this with.")
            verb(self.studio.settings, run_id)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return {self.problem: render.problem(sentence(error))}
        return {self.problem: ""} | self.look(run_id, seen)
