"""The answer panels: one column per arm, and which of their parts to send anew."""

import time
from collections.abc import Mapping
from typing import Any

import gradio as gr

from ragft_core.types import ARMS, Answer, Comparison, Status

from . import render
from .render import PARTS, Part

FIGURES_APART = 0.25  # seconds; numbers that change faster cannot be read


class Panels:
    """A column of parts for every arm; columns of arms that are not chosen are not on the page."""

    def __init__(self, shown: list[str]) -> None:
        self.columns: dict[str, gr.Column] = {}
        self.parts: dict[tuple[str, Part], gr.HTML] = {}
        with gr.Row(elem_classes="cards", elem_id="panels"):
            for arm in ARMS:
                with gr.Column(elem_classes=["syscard", arm.key], min_width=240, visible=arm.key in shown) as column:
                    self.columns[arm.key] = column
                    for part, html in render.empty_panel(arm).items():
                        classes = ["part", f"part-{part}"]
                        self.parts[arm.key, part] = gr.HTML(html, elem_classes=classes, apply_default_css=False)

    @property
    def outputs(self) -> list[Any]:
        return [*self.columns.values(), *self.parts.values()]

    def show(self, arms: list[str]) -> dict[Any, Any]:
        """Show the columns of these arms."""
        return {column: gr.Column(visible=key in arms) for key, column in self.columns.items()}

    def emptied(self, arms: list[str]) -> dict[Any, Any]:
        """The chosen columns as on a fresh page."""
        return self.show(arms) | self._html({arm.key: render.empty_panel(arm) for arm in ARMS if arm.key in arms})

    def waiting(self, arms: list[str]) -> dict[Any, Any]:
        """The chosen columns before the first word: nothing is left of an earlier run."""
        blank = {arm.key: render.panel(Answer(arm.key)) for arm in ARMS if arm.key in arms}
        return self.show(arms) | self._html(blank)

    def saved(self, comparison: Comparison) -> dict[Any, Any]:
        """A whole comparison at once."""
        best = render.fastest_arm(comparison)
        return self.show([answer.arm for answer in comparison.answers]) | self._html(
            {a.arm: render.panel(a, comparison.question, a.arm == best) for a in comparison.answers}
        )

    def _html(self, panels: Mapping[str, Mapping[Part, str]]) -> dict[Any, Any]:
        return {self.parts[key, part]: panel[part] for key, panel in panels.items() for part in PARTS}


class Changes:
    """Of a growing comparison, the parts that differ from what this visitor's page already shows."""

    def __init__(self, panels: Panels) -> None:
        self.panels = panels
        self._sent: dict[tuple[str, Part], str] = {}
        self._figures_at: dict[str, float] = {}

    def of(self, comparison: Comparison) -> dict[Any, Any]:
        best = render.fastest_arm(comparison)
        updates: dict[Any, Any] = {}
        for answer in comparison.answers:
            for part, html in render.panel(answer, comparison.question, answer.arm == best).items():
                if self._is_news(answer, part, html):
                    self._sent[answer.arm, part] = html
                    updates[self.panels.parts[answer.arm, part]] = html
        return updates

    def loading(self, status: Status, arms: list[str]) -> dict[Any, Any]:
        """The panels while the model is still loading."""
        html = render.loading_body(status)
        return {self.panels.parts[key, "body"]: html for key in arms}

    def _is_news(self, answer: Answer, part: Part, html: str) -> bool:
        if self._sent.get((answer.arm, part)) == html:
            return False
        if part == "figures" and not answer.done:
            if time.monotonic() - self._figures_at.get(answer.arm, 0.0) < FIGURES_APART:
                return False
            self._figures_at[answer.arm] = time.monotonic()
        return True
