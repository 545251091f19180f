"""Try the search without a model: steps to switch on, conditions, and what every step did."""

from typing import Any

import gradio as gr

from ragft_core.searches import MODES, STEPS

from . import render, render_retrieval
from .events import PLAIN, sentence
from .run_settings import conditions

WAYS = [("Meaning", "dense"), ("Keywords", "keyword")]
CHOICES = [*WAYS, *((render_retrieval.LABELS[step], step) for step in STEPS)]
STEPS_HELP = (
    "Meaning and Keywords find passages; the others run in this order on what was found. Sub-queries, Made-up answer, "
    "Step back and Reranked use the language model."
)


class Probe:
    """The card's components and what happens on them."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        s = studio.settings
        with gr.Column(elem_classes="card", elem_id="probe_card"):
            gr.HTML(render_retrieval.PROBE_HEAD, **PLAIN)
            self.question = gr.Textbox(
                label="Question", placeholder="What should be found?", lines=1, max_lines=3, elem_id="probe"
            )
            self.steps = gr.CheckboxGroup(
                CHOICES, value=switched_on(s), label="Steps", info=STEPS_HELP, elem_id="probe_steps"
            )
            with gr.Row(elem_classes="fields"):
                self.k = gr.Slider(1, 20, s.top_k, step=1, label="Passages", info="How many to show.")
                self.collection = gr.Dropdown(
                    [s.collection],
                    value=s.collection,
                    label="Collection",
                    info="The documents to look in.",
                    elem_id="probe_collection",
                )
                self.where = gr.Textbox(
                    label="Conditions",
                    placeholder="source=handbook/*; date>=2025-01-01",
                    info="On the passages' fields, parted by semicolons.",
                    lines=1,
                    elem_id="probe_where",
                )
            self.find = gr.Button("Find passages", size="md", elem_id="find_btn")
            self.found = gr.HTML(render_retrieval.NOTHING_FOUND_YET, elem_id="found", **PLAIN)
        gr.on(
            [self.find.click, self.question.submit],
            self.search,
            [self.question, self.k, self.steps, self.where, self.collection],
            self.found,
            concurrency_limit=2,
            show_progress="minimal",
            api_visibility="private",
        )

    def list_collections(self) -> Any:
        return gr.Dropdown(self.studio.collections())

    def search(self, question: str, k: int, steps: list[str], where: str, collection: str | None = None) -> str:
        if not {"dense", "keyword"} & set(steps):
            return render.problem("Switch on Meaning, Keywords or both: one of them has to find passages.")
        try:
            return render_retrieval.trace(
                self.studio.trace(question, k, None, steps, conditions(where), collection or None)
            )
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return render.problem(sentence(error))


def switched_on(settings: Any) -> list[str]:
    """The steps that the settings switch on."""
    return [*MODES[settings.search_mode], *(step for step in STEPS if step in settings.steps.split(","))]
