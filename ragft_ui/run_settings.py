"""The drawer of run settings: what a visitor may choose for the next question, kept in the visitor's browser."""

from typing import Any

import gradio as gr

from ragft_core.searches import STEPS
from ragft_core.types import ARMS, DEFAULT_ARMS

from .events import PRIVATE, QUIET
from .render import switches
from .render_retrieval import LABELS

NOTHING_KEPT: list[Any] = []  # not None, which the browser would not write down
KEY, SECRET = "ragft-settings", "not-a-secret"  # fixed, or settings would be lost at every restart
SEARCH, WRITING = ("collection", "where"), ("max_new_tokens", "temperature", "seed")
NAMES = ("arms", "adapter", "top_k", "search_mode", "steps", *WRITING, *SEARCH)
ADAPTER_HELP = "Trained weights (LoRA) of the Fine-tuned and Hybrid arms."
MODES = [("Meaning and keywords", "hybrid"), ("Meaning only", "dense"), ("Keywords only", "keyword")]


class RunSettings:
    """The fields in the order of `Studio.ask`'s wishes; `fields` are the inputs of every run."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        s, wishes = studio.settings, self.defaults()
        with gr.Accordion("Run settings", open=False, elem_id="run_settings"):
            self.arms = gr.CheckboxGroup(
                [(f"{arm.label} ({switches(arm)})", arm.key) for arm in ARMS],
                value=wishes["arms"],
                label="Arms",
                info="The ways of answering to compare. Base is the control: what the model says on its own.",
                elem_id="arms",
            )
            with gr.Row(elem_classes="fields"):
                adapter = gr.Dropdown([s.adapter], value=s.adapter, label="Adapter", info=ADAPTER_HELP)
                top_k = gr.Slider(
                    1, 20, s.top_k, step=1, label="Passages", info="How many passages retrieval hands over."
                )
                mode = gr.Radio(MODES, value=s.search_mode, label="Search", info="How passages are found and ranked.")
            steps = gr.CheckboxGroup(
                [(LABELS[step], step) for step in STEPS],
                value=wishes["steps"],
                label="Further search steps",
                info="They run in this order; the Documents tab shows what each does to a question.",
                elem_id="steps",
            )
            self.collection, where = looked_in(s)
            with gr.Row(elem_classes="fields"):
                tokens = gr.Slider(
                    1,
                    s.max_new_tokens_limit,
                    s.max_new_tokens,
                    step=1,
                    label="Longest answer",
                    info="In tokens; a token is about three quarters of a word.",
                )
                temperature = gr.Slider(
                    0, 2, s.temperature, step=0.1, label="Temperature", info="0 gives the same answer every time."
                )
                seed = gr.Number(
                    s.seed, precision=0, minimum=0, label="Seed", info="Repeats a sampled answer; unused at 0."
                )
            reset = gr.Button("Back to defaults", size="sm", elem_id="reset_settings")
        self.adapter = adapter
        self.fields = [self.arms, adapter, top_k, mode, steps, tokens, temperature, seed, self.collection, where]
        self.kept = gr.BrowserState(NOTHING_KEPT, storage_key=KEY, secret=SECRET)
        self.reset = reset
        for field in self.fields:
            field.input(  # type: ignore[attr-defined]
                None, self.fields, self.kept, js="(...fields) => [fields]", api_visibility="private"
            )
        self.was_reset = reset.click(
            lambda: [*self.defaults().values(), NOTHING_KEPT], outputs=[*self.fields, self.kept], **QUIET
        )

    def defaults(self) -> dict[str, Any]:
        s = self.studio.settings
        arms = list(DEFAULT_ARMS)
        steps = [step for step in STEPS if step in s.steps.split(",")]
        kept = {name: getattr(s, name) for name in NAMES[1:-1]}
        return {"arms": arms} | kept | {"steps": steps, "where": ""}

    def use_after(self, event: Any, chosen: gr.Textbox, tabs: gr.Tabs) -> None:
        """After an event that named an adapter in `chosen`: it is the one to answer with, and Compare is shown."""
        event.then(self.using, chosen, [tabs, self.adapter], **QUIET).then(
            None, self.fields, self.kept, js="(...fields) => [fields]", **PRIVATE
        )

    def using(self, name: str) -> list[Any]:
        """Compare, with this adapter; nothing changes without a name."""
        if not name:
            return [gr.skip(), gr.skip()]
        names = [adapter.name for adapter in self.studio.adapters() if not adapter.problem]
        if name not in names:
            return [gr.skip(), gr.skip()]
        return [gr.Tabs(selected="compare"), gr.Dropdown(names, value=name)]

    def restored(self, kept: Any) -> list[Any]:
        """The fields as this browser left them; the adapter's choices as they are now."""
        wishes = self.defaults()
        if isinstance(kept, list) and len(kept) == len(NAMES):
            wishes |= dict(zip(NAMES, kept, strict=True))
        found = self.studio.adapters()
        names = [adapter.name for adapter in found if not adapter.problem]
        if wishes["adapter"] not in names:
            wishes["adapter"] = self.studio.settings.adapter
            names += [] if wishes["adapter"] in names else [wishes["adapter"]]
        broken = "".join(f" {adapter.name} cannot be used: {adapter.problem}" for adapter in found if adapter.problem)
        wishes["adapter"] = gr.Dropdown(names, value=wishes["adapter"], info=ADAPTER_HELP + broken)
        wishes["collection"] = self.list_collections(wishes["collection"])
        return [wishes[name] for name in NAMES]

    def list_collections(self, chosen: str | None) -> Any:
        """The collections as they are now; one that is gone gives way to the settings' own."""
        names = self.studio.collections()
        return gr.Dropdown(names, value=chosen if chosen in names else names[0])

    def list_after(self, event: Any) -> None:
        """After an event that may have made or emptied a collection."""
        event(self.list_collections, self.collection, self.collection, **QUIET)


def looked_in(settings: Any) -> tuple[gr.Dropdown, gr.Textbox]:
    """The fields that say which documents a search looks in."""
    with gr.Row(elem_classes="fields"):
        collection = gr.Dropdown(
            [settings.collection],
            value=settings.collection,
            label="Collection",
            info="The documents to look in.",
            elem_id="run_collection",
        )
        where = gr.Textbox(
            label="Conditions",
            placeholder="source=handbook/*; date>=2025-01-01",
            info="Only passages whose fields fulfil them, parted by semicolons.",
            lines=1,
            max_lines=3,
            elem_id="run_where",
        )
    return collection, where


def wishes(fields: tuple[Any, ...]) -> dict[str, Any]:
    """The fields' values as the keyword arguments of `Studio.ask`."""
    given = dict(zip(NAMES, fields, strict=True))
    return given | {"where": conditions(given["where"])}


def conditions(text: str | None) -> list[str]:
    """Conditions parted by semicolons or line ends."""
    return [part.strip() for part in (text or "").replace("\n", ";").split(";") if part.strip()]
