"""See how the index is, let it be checked, and make it anew."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from . import render, render_retrieval
from .events import PLAIN, PRIVATE, QUIET, sentence
from .owner import Owner

PUBLIC = "This is a public demo: its index cannot be changed here."
LOOK_APART = 0.5  # seconds between two looks at a job


class IndexHealth:
    """The card's components and what happens on them."""

    def __init__(self, studio: Any) -> None:
        self.studio, self.owner = studio, Owner(studio)
        with gr.Column(elem_classes="card", elem_id="health_card"):
            gr.HTML(render_retrieval.HEALTH_HEAD, **PLAIN)
            self.shown = gr.HTML("<div class='empty'>Press Show to see it.</div>", elem_id="health", **PLAIN)
            self.said = gr.HTML("", elem_id="health_said", **PLAIN)
            with gr.Row(elem_classes="actions"):
                self.show = gr.Button("Show", size="sm", elem_id="health_show")
                self.check = gr.Button("Check", size="sm", elem_id="health_check")
                self.rebuild = gr.Button("Rebuild the index", size="sm", elem_id="health_rebuild")
        both = [self.shown, self.said]
        job: dict[str, Any] = {"concurrency_id": "index", "concurrency_limit": 1, **PRIVATE}
        self.show.click(self.show_state, outputs=both, **QUIET)
        self.check.click(self.run_check, outputs=both, **job)
        self.rebuild.click(self.run_rebuild, outputs=both, **job)

    def show_state(self) -> list[Any]:
        try:
            return [render_retrieval.health(self.studio.retrieval.health()), ""]
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [gr.skip(), render.problem(sentence(error))]

    def run_check(self) -> Iterator[list[Any]]:
        """Let the passages look for themselves, and compare the files."""
        if not self.owner.here():
            yield [gr.skip(), render.problem(self.owner.refusal(PUBLIC))]
            return
        uploads = self.studio.home.folder / "uploads"
        for done in self._waiting("Checking", lambda: self.studio.retrieval.check(uploads)):
            yield [gr.skip(), done] if isinstance(done, str) else [render_retrieval.health(done), ""]

    def run_rebuild(self) -> Iterator[list[Any]]:
        """Make the vector index anew; searches go on with the old one meanwhile."""
        if not self.owner.here():
            yield [gr.skip(), render.problem(self.owner.refusal(PUBLIC))]
            return
        for done in self._waiting("Rebuilding", lambda: self.studio.retrieval.rebuild()):
            if isinstance(done, str):
                yield [gr.skip(), done]
            else:
                shown, _ = self.show_state()
                yield [shown, f"<p class='sub' role='status'>Made anew in {done:.1f} s.</p>"]

    def _waiting(self, doing: str, job: Callable[[], Any]) -> Iterator[Any]:
        """HTML while the job runs in a thread of its own (a closed tab does not cut it short), then its result."""
        ended: list[Any] = []

        def work() -> None:
            try:
                ended.append(job())
            except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
                ended.append(render.problem(sentence(error)))

        started = time.monotonic()
        thread = threading.Thread(target=work, name="ragft-care", daemon=True)
        thread.start()
        while thread.is_alive():
            yield f"<p class='sub' role='status'>{doing} &hellip; {time.monotonic() - started:.0f} s</p>"
            thread.join(LOOK_APART)
        yield ended[0] if ended else render.problem(f"{doing} ended without a result.")
