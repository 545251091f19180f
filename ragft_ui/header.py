"""The line on top: what runs here, whether it is ready, and what the user should know."""

import time
from dataclasses import replace
from html import escape
from typing import Any

import gradio as gr

from ragft_core.types import Status

from .events import QUIET
from .render import LOGO, SUN

LOOK_EVERY = 1.0  # seconds, while something is loading
LONGEST_NAME = 80  # characters of an adapter's name; it comes from the browser
BRAND = f"""<header id="appbar"><div class="brand">{LOGO}<div><h1>RAGFT Compare</h1>
<p class="tag">RAG, fine-tuning and hybrid, side by side on your own domain</p></div></div></header>"""
TOGGLE = (
    '<button type="button" id="theme_toggle" class="iconbtn" aria-label="Switch between light and dark theme" '
    f'title="Light or dark">{SUN}</button>'
)


class Header:
    """Pills and notices; `refresh_after(event)` shows the counts anew once an event has changed them.

    The adapter's pill names the one that this visitor's next question is asked with, as `wire_page` is told.
    """

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        self.chosen: list[Any] = []
        with gr.Row(elem_id="topline"):
            gr.HTML(BRAND, apply_default_css=False)
            self.pills = gr.HTML(pills(studio.status()), apply_default_css=False, elem_id="pills")
            gr.HTML(TOGGLE, apply_default_css=False, elem_id="toggle")
        self.notices = gr.HTML(notices(studio.status()), apply_default_css=False, elem_id="notices")
        self.timer = gr.Timer(LOOK_EVERY)
        self.outputs = [self.timer, self.pills, self.notices]

    def wire_page(self, page: gr.Blocks, adapter: gr.Dropdown) -> None:
        """Look when the page opens, while something loads, and when the visitor takes another adapter."""
        self.chosen = [adapter]
        gr.on([page.load, self.timer.tick, adapter.change], self.view, self.chosen, self.outputs, **QUIET)

    def view(self, adapter: str | None = None) -> list[Any]:
        status = self.studio.status()
        if adapter:
            status = replace(status, adapter=str(adapter)[:LONGEST_NAME])
        loading = status.state not in ("ready", "failed")
        return [gr.Timer(active=loading), pills(status), notices(status)]

    def refresh_after(self, event: Any) -> None:
        """To be called after `wire_page`."""
        event.then(self.view, self.chosen, self.outputs, **QUIET)


def pills(status: Status) -> str:
    """State, base model, adapter, index and device, as far as they are known."""
    known = [
        ("Base", f"{status.model} {status.precision}".strip()),
        ("Adapter", status.adapter),
        ("Index", f"{status.chunks:,} chunks"),
        ("Device", status.device),
    ]
    shown = "".join(f"<span class='pill opt'>{name} <b>{escape(value)}</b></span>" for name, value in known if value)
    state = f"<span class='pill' id='state' data-state='{status.state}'>{state_line(status)}</span>"
    return f"<div class='env'>{state}{shown}</div>"


def state_line(status: Status, now: float | None = None) -> str:
    """`Ready`, or what is going on and for how many seconds."""
    if status.state == "ready":
        return "<span class='dot'></span>Ready"
    if status.state == "failed":
        return "<span class='dot bad'></span>Not ready"
    seconds = max(0.0, (time.monotonic() if now is None else now) - status.since)
    part = f" {status.done}/{status.total}" if status.total else ""
    return f"<span class='rspin'></span>{escape(status.message)}{part} &hellip; {seconds:.0f} s"


def notices(status: Status) -> str:
    """Sentences for the user, each can be put away; why nothing can be asked cannot."""
    rows = []
    if status.state == "failed":
        rows.append(
            f"<div class='notice bad' role='alert'><span><b>The model is not ready.</b> {escape(status.message)} "
            "Saved comparisons still open; asking tries to load it again.</span></div>"
        )
    for notice in status.notices:
        rows.append(
            f"<div class='notice' data-notice='{escape(notice)}'><span>{escape(notice)}</span>"
            "<button type='button' class='dismiss' aria-label='Put this notice away'>&#10005;</button></div>"
        )
    return "".join(rows)
