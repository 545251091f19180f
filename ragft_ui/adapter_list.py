"""The adapters at hand: take one into Compare, read its card, export, import, merge, rename, delete, bring back."""

import uuid
from pathlib import Path
from typing import Any

import gradio as gr

from ragft_core import AdapterError, RunError
from ragft_core.adapter_files import (
    delete_adapter,
    deleted_adapters,
    export_adapter,
    import_adapter,
    rename_adapter,
    restore_adapter,
)
from ragft_core.adapters import AdapterInfo, find_adapter
from ragft_core.types import Progress
from ragft_core.weights import find_weights

from . import render, render_documents, render_runs, render_tune
from .events import PLAIN, PRIVATE, QUIET, sentence
from .owner import Owner
from .results_view import tidy
from .run_list import ROW_ACTS

CARD_CHARS = 8_000
# A DownloadButton needs two clicks: this one is hidden, and clicked once it has its file.
FETCH = """(made) => { if (made) setTimeout(() =>
  (document.querySelector('#adapter_dl a, a#adapter_dl') || document.querySelector('#adapter_dl')).click(), 100);
  return made; }"""
Updates = dict[Any, Any]


class AdapterList:
    """`picked` is the event after which `chosen` names the adapter that Compare is to use (empty: none)."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        with gr.Column(elem_classes="card", elem_id="adapters_card"):
            gr.HTML(render_runs.ADAPTERS_HEAD, **PLAIN)
            self.table = gr.HTML("", elem_id="adapters", js_on_load=ROW_ACTS, **PLAIN)
            with gr.Row(visible=False, elem_classes="actions wraps", elem_id="rename_row") as self.renaming:
                self.new_name = gr.Textbox(label="New name", lines=1, max_lines=1, elem_id="new_name")
                self.rename = gr.Button("Rename", size="sm", elem_id="rename_yes")
                self.keep = gr.Button("Leave it", size="sm", elem_id="rename_no")
            self.said = gr.HTML("", elem_id="adapters_said", **PLAIN)
            with gr.Row(elem_classes="actions wraps"):
                self.undo = gr.Button("Bring back what was deleted", size="sm", visible=False, elem_id="undelete")
                self.take = gr.UploadButton("Import a zip", file_types=[".zip"], size="sm", elem_id="adapter_import")
        self.chosen = gr.Textbox(visible="hidden", show_label=False, elem_id="chosen_adapter")
        self.old_name = gr.Textbox(visible="hidden", show_label=False)
        self.made = gr.Textbox(visible="hidden", show_label=False)
        self.merging = gr.Textbox(visible="hidden", show_label=False, elem_id="merging")
        self.file = gr.DownloadButton("file", visible="hidden", elem_id="adapter_dl")
        self.shown = [self.chosen, self.said, self.renaming, self.old_name, self.new_name, self.made, self.file]
        self.shown += [self.undo, self.table, self.take, self.merging]
        self.picked = self.table.select(self.act, None, self.shown, **PRIVATE)
        self.picked.then(None, self.made, js=FETCH, **PRIVATE)
        self.picked.then(self.merge, self.merging, self.shown, concurrency_id="merge", **PRIVATE)
        gr.on(
            [self.rename.click, self.new_name.submit],
            self.rename_it,
            [self.old_name, self.new_name],
            self.shown,
            **QUIET,
        )
        self.keep.click(lambda: gr.Row(visible=False), outputs=self.renaming, **QUIET)
        self.undo.click(self.bring_back, None, self.shown, **QUIET)
        self.take.upload(self.import_file, self.take, self.shown, **PRIVATE)

    # ---------------------------------------------------------------- the list

    def rows(self) -> str:
        """All adapters as they are now, each with why it cannot be used."""
        if not Owner(self.studio).here():
            return ""
        try:
            base = find_weights(self.studio.settings.model, self.studio.settings.revision).sha256
        except Exception:  # noqa: BLE001 - a base that is missing is told elsewhere; the list is still of use
            base = ""
        found = [(adapter, adapter.folder.parent == self.own) for adapter in self.studio.adapters()]
        return render_runs.adapter_table(found, base)

    def can_undo(self) -> gr.Button:
        """The button that brings the last deleted one back, if there is one."""
        return gr.Button(visible=Owner(self.studio).here() and bool(deleted_adapters(self.own)))

    @property
    def own(self) -> Path:
        return self.studio.home.adapters

    def usable(self, name: str) -> str:
        """The name, once it is known that there is such an adapter. AdapterError."""
        return find_adapter(self.studio.adapter_folders(), name).name

    # ---------------------------------------------------------------- what can be done

    def act(self, event: gr.EventData) -> Updates:
        """A row's button."""
        verbs = {
            "use": self._use,
            "card": self._card,
            "export": self._export,
            "rename": self._ask,
            "merge": self._merge,
            "delete": self._delete,
        }
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            act, name = str(event.act), str(event.name)
            if act not in verbs:
                raise RunError("The page asked for something unknown; reload it.")
            return self._told("") | verbs[act](name)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return self._refused(error)

    def _told(self, words: str) -> Updates:
        """What an earlier click left is put away."""
        said = f"<p class='sub' role='status'>{render_runs.escape(words)}</p>" if words else ""
        return {self.chosen: "", self.made: "", self.merging: "", self.said: said, self.renaming: gr.Row(visible=False)}

    def _refused(self, error: Exception) -> Updates:
        return {self.chosen: "", self.made: "", self.merging: "", self.said: render.problem(sentence(error))}

    def _use(self, name: str) -> Updates:
        return {self.chosen: self.usable(name)}

    def _card(self, name: str) -> Updates:
        found = next((adapter for adapter in self.studio.adapters() if adapter.name == name), None)
        if found is None:
            raise AdapterError(f"There is no adapter {name[:60]!r}.")
        try:
            text = (found.folder / "README.md").read_text("utf-8", "replace")[:CARD_CHARS]
        except OSError:
            text = ""
        return {self.said: render_runs.card(name, text)}

    def _export(self, name: str) -> Updates:
        """A zip in a folder of its own, whose name cannot be guessed, as whoever has the address can read it."""
        folder = self.studio.home.downloads / "exports"
        tidy(folder)
        place = folder / uuid.uuid4().hex
        place.mkdir(parents=True)
        file = export_adapter(self.studio.adapter_folders(), name, place)
        return {self.file: gr.DownloadButton(value=str(file)), self.made: place.name}

    def _ask(self, name: str) -> Updates:
        return {self.renaming: gr.Row(visible=True), self.old_name: name, self.new_name: name}

    def _merge(self, name: str) -> Updates:
        """Say what begins; `merge` follows and does it."""
        doing = Progress(0, 0, f"Merging {self.usable(name)} into its base")
        return {self.merging: name, self.said: render_documents.progress(doing, label="Merging")}

    def merge(self, name: str | None) -> Updates:
        """Write base and adapter as one model under `merged/` in the home, checked before it is kept."""
        from ragft_core.merge import merge_adapter  # transformers takes seconds to import

        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            if not name:
                return {self.merging: ""}
            found = find_adapter(self.studio.adapter_folders(), str(name))
            folder = self.studio.home.folder / "merged"
            names = [found.name, *(f"{found.name}-{n}" for n in range(2, 1000))]
            made = merge_adapter(
                self.studio.settings, found, next(folder / one for one in names if not (folder / one).exists())
            )
            return self._told("") | {self.said: render_runs.merged(found.name, made)}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return self._refused(error)

    def _delete(self, name: str) -> Updates:
        gone = delete_adapter(self.own, name).name
        told = f"{gone} is deleted. It can be brought back."
        return self._told(told) | {self.undo: self.can_undo(), self.table: self.rows()}

    def rename_it(self, old: str, new: str) -> Updates:
        """Give an adapter of the user's own another name."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            named = rename_adapter(self.own, str(old), str(new).strip()).name
            return self._told(f"{old} is now {named}.") | {self.table: self.rows()}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return self._refused(error)

    def bring_back(self) -> Updates:
        """Undo the last deletion."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            back = restore_adapter(self.own).name
            return self._told(f"{back} is back.") | {self.undo: self.can_undo(), self.table: self.rows()}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return self._refused(error)

    def import_file(self, file: str | None) -> Updates:
        """Take an adapter over from a zip, once it is known to fit this base."""
        from ragft_core.merge import fits  # transformers takes seconds to import

        def check(info: AdapterInfo) -> None:
            fits(self.studio.settings, info)

        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            if not file:
                raise AdapterError("Choose a zip first.")
            try:
                name = import_adapter(self.own, file, check=check).name
            finally:
                Path(file).unlink(missing_ok=True)
            return self._told(f"{name} was imported and fits the base.") | {self.table: self.rows(), self.take: None}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return self._refused(error) | {self.take: None}
