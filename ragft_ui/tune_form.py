"""The recipe of a new run: one dial and its help, the rest under Advanced; what it will cost; and the start."""

from collections import deque
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from ragft_core import examples, training
from ragft_core.training.plan import Plan
from ragft_core.types import Progress

from . import render, render_documents, render_examples, render_tune
from .drafts import FIELDS, INDEX, Drafts, mapping_of
from .events import PLAIN, PRIVATE, QUIET, sentence
from .owner import Owner
from .tune_examples import ExamplesCard
from .tune_wishes import Wishes, as_command, wishes

HEAD = (
    "<h2 class='sect'><span class='stepno'>2</span> Recipe and size</h2><p class='sub'>A small set of extra weights "
    "(a LoRA adapter) is trained; the base model stays as it is.</p>"
)
RECIPES = [
    ("SFT: questions and answers only", "sft"),
    ("RAFT: also with passages, right and wrong ones", "raft"),
    ("Mix: each row once, by turns", "mix"),
]
RECIPE_HELP = (
    "SFT teaches answers by heart, for the Fine-tuned arm. RAFT also shows passages from your index, the golden one "
    "among distractors, so that Hybrid keeps reading and citing."
)
METHODS = [("LoRA", "lora"), ("QLoRA: base in 4 bits (NF4)", "qlora"), ("Full: whole matrices", "full")]
METHOD_HELP = (
    "QLoRA needs about a third of the memory and is slower on a CPU. Full is for models of up to 30 million "
    "parameters; its adapter is larger than the model. For the embedded model take LoRA."
)
PRECISIONS = ["auto", "mixed", "fp32", "bf16", "nf4"]
PRECISION_HELP = "While training; mixed: fp32 weights, products in bf16."
SIZES = [("Smoke test", "smoke"), ("Small", "small"), ("Full", "full")]
SIZE_HELP = "Smoke: 20 steps, does it run at all? Small: about 6 rounds over the rows. Full: up to 24, ends early."
AUTO = "0: by the size."
WITH_PASSAGES = {name: bool(recipe.passages) for name, recipe in examples.RECIPES.items()}
START_FIRST = "<p class='sub'>An estimate of time and memory appears once examples are chosen.</p>"
N_EXAMPLES = len(FIELDS) + 2  # inputs that name the rows: file, columns, other sets


class RecipeForm:
    """`started` is the event after which `run` (a hidden field of the watch) names the new run."""

    def __init__(self, studio: Any, drafts: Drafts, card: ExamplesCard, run: gr.Textbox) -> None:
        self.studio, self.drafts, self.card, self.run = studio, drafts, card, run
        with gr.Column(elem_classes="card", elem_id="recipe_card"):
            gr.HTML(HEAD, **PLAIN)
            self.recipe = gr.Radio(RECIPES, value="sft", label="Recipe", info=RECIPE_HELP, elem_id="recipe")
            self.preset = gr.Radio(SIZES, value="smoke", label="Size", info=SIZE_HELP, elem_id="preset")
            self.name = gr.Textbox(
                label="Name", placeholder="By itself: file and recipe", info="Of the run and its adapter.", lines=1
            )
            self._lay_out_advanced()
            self.estimate = gr.HTML(START_FIRST, elem_id="estimate", **PLAIN)
            self.command = gr.HTML("", elem_id="train_command", **PLAIN)
            with gr.Row(elem_classes="actions"):
                self.start = gr.Button("Start training", variant="primary", size="md", elem_id="train_start")
            self.said = gr.HTML("", elem_id="train_said", **PLAIN)
        with gr.Accordion("A row as the model sees it", open=False, elem_id="row_preview") as self.preview:
            with gr.Row(elem_classes="actions"):
                self.before = gr.Button("Previous", size="sm", elem_id="row_before")
                self.after = gr.Button("Next", size="sm", elem_id="row_after")
            self.lesson = gr.HTML("", elem_id="row_shown", **PLAIN)
            self.place = gr.Number(0, precision=0, visible="hidden", show_label=False)
        self.fields: list[Any] = [self.recipe, self.method, self.preset, *self.advanced]
        self.inputs = [*card.source, self.name, *self.fields]
        self._wire()

    def _lay_out_advanced(self) -> None:
        usual = Plan()
        with gr.Accordion("Advanced", open=False, elem_id="advanced"):
            self.method = gr.Radio(METHODS, value=usual.method, label="Method", info=METHOD_HELP)
            with gr.Row(elem_classes="fields"):
                steps = _number("Steps", f"How many batches are learnt. {AUTO}", 0)
                rate = _number("Learning rate", "How far a step goes. 0: by the model's size.", 0, False)
                batch = _number("Batch", "Lessons per step.", usual.batch)
            with gr.Row(elem_classes="fields"):
                rank = _number("Rank", "Width of the adapter: more can learn more.", usual.rank)
                alpha = _number("Alpha", "How strongly the adapter counts; usually twice the rank.", usual.alpha)
                dropout = _number("Dropout", "Part left out at random, 0 to 0.9.", 0, False)
            with gr.Row(elem_classes="fields"):
                targets = gr.Radio(
                    [("All linear layers", "all"), ("Attention only", "attention")],
                    value=usual.targets,
                    label="Where",
                    info="All learn more facts; attention only makes a smaller adapter.",
                )
                frozen = _number("Frozen lower layers", "So many layers, from below, get no adapter.", 0)
                precision = gr.Dropdown(PRECISIONS, value="auto", label="Precision", info=PRECISION_HELP)
            with gr.Row(elem_classes="fields"):
                every = _number("Evaluate every", f"Steps between two looks at held-out rows. {AUTO}", 0)
                thin = gr.Dropdown(
                    [("by size", ""), ("none", 0.0), 0.1, 0.2, 0.3, 0.5],
                    value="",  # an empty number field shows 0, which is a wish
                    label="Word dropout",
                    info="Part of a question's common words left out.",
                )
                patience = _number("Patience", "Looks without progress before it stops; 0: never.", usual.patience)
                seed = _number("Seed", "The same seed splits, shuffles and trains the same.", usual.seed)
            with gr.Row(elem_classes="fields", visible=False) as self.raft:
                golden = _number("RAFT: golden share", "Part of the rows with the right passage, 0 to 1.", 0.8, False)
                k = _number("RAFT: distractors", "Wrong passages beside it, at most.", 3)
                absent = gr.Radio(
                    [("Answer from memory", "answer"), ("Say that it is not there", "abstain")],
                    value="answer",
                    label="RAFT: without the right passage",
                    info="What the model learns to do then.",
                )
        self.advanced: list[Any] = [
            steps,
            rate,
            rank,
            alpha,
            batch,
            targets,
            frozen,
            dropout,
            thin,
            precision,
            every,
            patience,
            seed,
        ]
        self.advanced += [golden, k, absent]

    def _wire(self) -> None:
        looking: dict[str, Any] = {**PRIVATE, "concurrency_id": "examples"}
        telling = [self.estimate, self.command]
        for changed in self.card.changed:
            changed.then(self.cost, self.inputs, telling, **looking).then(
                self.first, self.inputs, [self.lesson, self.place], **looking
            )
        changes = [field.change for field in self.fields] + [self.name.change]
        gr.on(changes, self.cost, self.inputs, telling, trigger_mode="always_last", **looking)
        shown = [field.change for field in (self.recipe, *self.advanced[-3:])] + [self.preview.expand]
        gr.on(shown, self.first, self.inputs, [self.lesson, self.place], trigger_mode="always_last", **looking)
        self.before.click(self.previous, [self.place, *self.inputs], [self.lesson, self.place], **looking)
        self.after.click(self.next, [self.place, *self.inputs], [self.lesson, self.place], **looking)
        self.recipe.change(
            lambda recipe: gr.Row(visible=WITH_PASSAGES.get(recipe, False)), self.recipe, self.raft, **QUIET
        )
        self.started = self.start.click(
            self.begin, self.inputs, [self.said, self.start, self.run], concurrency_id="start", **PRIVATE
        )

    # ---------------------------------------------------------------- before the start

    def _draft(self, values: tuple[Any, ...]) -> Any:
        return self.drafts.draft(values[0], mapping_of(values[1 : N_EXAMPLES - 1]), values[N_EXAMPLES - 1] or ())

    def _beside(self, values: tuple[Any, ...]) -> list[Path]:
        """The evaluation sets that were chosen, as files."""
        chosen = values[N_EXAMPLES - 1] or ()
        return [self.drafts.path(name) for name in chosen if name not in (values[0], INDEX)]

    def cost(self, *values: Any) -> list[str]:
        """What the run would take, and the command that would start it."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            if not values[0]:
                return [START_FIRST, ""]
            draft, wanted = self._draft(values), wishes(values[N_EXAMPLES + 1 :])
            plan, cost = draft.estimate(wanted.recipe, wanted.preset, wanted.steps, wanted.advanced, self.drafts.search)
            name = str(values[N_EXAMPLES] or "").strip()
            home, beside = self.studio.home.folder, self._beside(values)
            words = as_command(home, draft.path, wanted, name, draft.mapping, beside)
            return [render_tune.cost(plan, cost), render_tune.command(*words)]
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [render.problem(sentence(error)), ""]

    def first(self, *values: Any) -> list[Any]:
        return self._shown(0, values)

    def previous(self, place: float | None, *values: Any) -> list[Any]:
        return self._shown(int(place or 0) - 1, values)

    def next(self, place: float | None, *values: Any) -> list[Any]:
        return self._shown(int(place or 0) + 1, values)

    def _shown(self, place: int, values: tuple[Any, ...]) -> list[Any]:
        """The lesson at `place` as the chosen recipe shows it."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            if not values[0]:
                return ["<div class='empty'>Choose examples first.</div>", 0]
            draft, recipe = self._draft(values), wishes(values[N_EXAMPLES + 1 :]).recipe
            told = draft.preview(recipe, place, self.drafts.search)
            return [render_examples.lesson(told, draft.kinds(recipe, self.drafts.search)), told.get("place", 0)]
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [render.problem(sentence(error)), 0]

    # ---------------------------------------------------------------- the start

    def asked(self, values: tuple[Any, ...]) -> tuple[Any, Wishes, str | None, dict[str, Any]]:
        """(draft, wishes, name, what `start` takes besides), once nothing blocks the file. DatasetError, RunError."""
        draft, wanted = self._draft(values), wishes(values[N_EXAMPLES + 1 :])
        draft.check.refuse()
        more = {"search": self.drafts.search, "mapping": draft.mapping, "advanced": wanted.advanced}
        more["against"] = self._beside(values)
        return draft, wanted, str(values[N_EXAMPLES] or "").strip() or None, more

    def begin(self, *values: Any) -> Iterator[dict[Any, Any]]:
        """Start the run, in a process of its own; the page's model makes room if both would not fit."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            preparing = render_documents.progress(Progress(0, 0, "Preparing the rows"), label="Preparing")
            yield {self.start: gr.Button(interactive=False), self.said: preparing}
            draft, wanted, name, more = self.asked(values)
            settings = self.studio.settings
            run = training.start(settings, draft.path, wanted.recipe, wanted.preset, wanted.steps, name, **more)
            said = (
                f"<p class='sub' role='status'><b>{escape(run.id)}</b> has started.{self.room(draft, wanted, run)}</p>"
            )
            yield {self.said: said, self.run: run.id, self.start: gr.Button(interactive=True)}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            yield {self.said: render.problem(sentence(error)), self.start: gr.Button(interactive=True)}

    def room(self, draft: Any, wanted: Wishes, run: training.Run) -> str:
        """Put the page's model away while the run needs its memory; what to tell of it."""
        home = self.studio.home.folder
        _, cost = draft.estimate(wanted.recipe, wanted.preset, wanted.steps, wanted.advanced, self.drafts.search)
        if not self.studio.make_room(cost.memory_bytes, lambda: deque(training.follow(home, run.id), maxlen=0)):
            return ""
        return " The page's model was put away to make room; it comes back when the run ends, or when you ask."


def _number(label: str, info: str, value: float, whole: bool = True) -> gr.Number:
    return gr.Number(value, precision=0 if whole else None, label=label, info=info, min_width=130)
