"""The answer panels, drawn once; what happens in them goes to the page as named parts that assets/app.js puts in place.

One Gradio component carries all parts. With one component per part, Gradio's own bookkeeping per output took most
of the browser's time while three answers streamed.
"""

import time
from typing import Any

import gradio as gr

from ragft_core.types import ARMS, Answer, Comparison, Status

from . import render

Parts = dict[str, Any]
"""HTML by part name (`rag-body`, `problem`, `line`), and `arms` (keys), `mode` (of the buttons) and `spoken` (text)."""

FIGURES_APART = 0.25  # seconds; numbers that change faster cannot be read
SHOW = """const show = () => window.ragft ? window.ragft.show(props.value) : setTimeout(show, 30);
watch('value', show);
show();"""


def draw(shown: list[str]) -> gr.HTML:
    """The empty panels; returns the component that takes Parts."""
    gr.HTML(render.skeleton(shown), apply_default_css=False, elem_id="panels")
    return gr.HTML(
        {}, html_template="", js_on_load=SHOW, apply_default_css=False, elem_id="live", elem_classes="srwrap"
    )


def emptied(arms: list[str]) -> Parts:
    """The chosen panels as on a fresh page."""
    parts: Parts = {"arms": arms, "line": ""}
    for arm in ARMS:
        if arm.key in arms:
            parts |= named(arm.key, render.empty_panel(arm))
    return parts


def waiting(arms: list[str]) -> Parts:
    """The chosen panels before the first word: nothing is left of an earlier run."""
    parts: Parts = {"arms": arms, "line": "", "problem": ""}
    for arm in ARMS:
        if arm.key in arms:
            parts |= named(arm.key, render.panel(Answer(arm.key)))
    return parts


def ended(comparison: Comparison) -> Parts:
    """A whole comparison, and the line under it."""
    best = render.fastest_arm(comparison)
    parts: Parts = {"arms": [answer.arm for answer in comparison.answers], "problem": ""}
    for answer in comparison.answers:
        parts |= named(answer.arm, render.panel(answer, comparison.question, answer.arm == best))
    return parts | {"line": render.run_line(comparison), "spoken": render.announcement(comparison)}


def named(arm: str, panel: dict[render.Part, str]) -> Parts:
    return {f"{arm}-{part}": html for part, html in panel.items()}


class Growing:
    """The parts of a comparison while it grows. Every value is complete, so that a skipped one loses nothing;
    Gradio sends only what differs from the one before."""

    def __init__(self, arms: list[str]) -> None:
        self.arms = arms
        self.parts = waiting(arms) | {"mode": "running"}
        self._figures_at: dict[str, float] = {}

    def loading(self, status: Status) -> Parts:
        """The panels while the model is not there yet."""
        body = render.loading_body(status)
        self.parts = self.parts | {f"{arm}-body": body for arm in self.arms} | {"spoken": status.message}
        return self.parts

    def grown(self, comparison: Comparison) -> Parts:
        parts = dict(self.parts)
        for answer in comparison.answers:
            panel = render.panel(answer, comparison.question)
            if not self._figures_due(answer):
                del panel["figures"]
            parts |= named(answer.arm, panel)
        self.parts = parts | {"spoken": render.announcement(comparison)}
        return self.parts

    def _figures_due(self, answer: Answer) -> bool:
        now = time.monotonic()
        if not answer.done and now - self._figures_at.get(answer.arm, 0.0) < FIGURES_APART:
            return False
        self._figures_at[answer.arm] = now
        return True
