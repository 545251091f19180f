"""The adapters at hand: take one into Compare, read its card."""

from typing import Any

import gradio as gr

from ragft_core import AdapterError, RunError
from ragft_core.adapters import find_adapter
from ragft_core.weights import find_weights

from . import render, render_runs, render_tune
from .events import PLAIN, PRIVATE, sentence
from .owner import Owner
from .run_list import ROW_ACTS

CARD_CHARS = 8_000


class AdapterList:
    """`picked` is the event after which `chosen` names the adapter that Compare is to use (empty: none)."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        with gr.Column(elem_classes="card", elem_id="adapters_card"):
            gr.HTML(render_runs.ADAPTERS_HEAD, **PLAIN)
            self.table = gr.HTML("", elem_id="adapters", js_on_load=ROW_ACTS, **PLAIN)
            self.said = gr.HTML("", elem_id="adapters_said", **PLAIN)
        self.chosen = gr.Textbox(visible="hidden", show_label=False, elem_id="chosen_adapter")
        self.picked = self.table.select(self.act, None, [self.chosen, self.said], **PRIVATE)

    def rows(self) -> str:
        """All adapters as they are now, each with why it cannot be used."""
        if not Owner(self.studio).here():
            return ""
        try:
            base = find_weights(self.studio.settings.model, self.studio.settings.revision).sha256
        except Exception:  # noqa: BLE001 - a base that is missing is told elsewhere; the list is still of use
            base = ""
        own = self.studio.home.adapters
        found = [(adapter, adapter.folder.parent == own) for adapter in self.studio.adapters()]
        return render_runs.adapter_table(found, base)

    def act(self, event: gr.EventData) -> list[Any]:
        """A row's button."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            act, name = str(event.act), str(event.name)
            if act == "use":
                return [self.usable(name), ""]
            if act == "card":
                return ["", render_runs.card(name, self._card(name))]
            raise RunError("The page asked for something unknown; reload it.")
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return ["", render.problem(sentence(error))]

    def usable(self, name: str) -> str:
        """The name, once it is known that there is such an adapter. AdapterError."""
        return find_adapter(self.studio.adapter_folders(), name).name

    def _card(self, name: str) -> str:
        found = next((adapter for adapter in self.studio.adapters() if adapter.name == name), None)
        if found is None:
            raise AdapterError(f"There is no adapter {name[:60]!r}.")
        try:
            return (found.folder / "README.md").read_text("utf-8", "replace")[:CARD_CHARS]
        except OSError:
            return ""
