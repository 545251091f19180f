"""Make a study of saved comparisons, or take one in from a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ragft_core.ratings import CRITERIA, RatingError, Ratings
from ragft_core.types import ARMS, DEFAULT_ARMS, Comparison

from . import render, render_rate, study_items
from .events import PRIVATE, sentence
from .owner import Owner
from .render_rate import LABELS, count

MOST = 100_000  # comparisons that are looked through
SHOWN_WORDS = 5
NEXT = "Copy its link in the list and send it to the raters."
OPTIONS = {
    "Show the reference answer": "show_reference",
    "Show the passages that were read, in one box for all answers": "show_evidence",
    "Show citation marks (they tell which answers read documents)": "show_citations",
    "Ask which answer had read documents (gives a blinding index)": "ask_guess",
    "Tell after each vote which answer was whose (votes are then final)": "reveal",
}
IMPORT_HELP = (
    "<h2 class='sect'>Import</h2><p class='sub'>A CSV that was exported here, arena pairs (model_a, model_b, winner), "
    "an archive (.jsonl), or answers made elsewhere (question, arm, answer; optional reference, category, gold, "
    "context), which become a new study with the instructions, criteria and blinding chosen under New study.</p>"
)


class StudyForm:
    """The owner's right-hand side; `made` and `imported` are the events after which the list has changed."""

    def __init__(self, studio: Any, ratings: Ratings) -> None:
        self.studio, self.ratings, self.owner = studio, ratings, Owner(studio)
        with gr.Column(elem_classes="card", elem_id="new_study"):
            self.found = gr.HTML("", apply_default_css=False)
            with gr.Column() as self.fields_box:
                self._lay_out_fields()
            self._lay_out_options()
            self.said = gr.HTML("", elem_id="study_said", apply_default_css=False)
        with gr.Column(elem_classes="card", elem_id="import_card"):
            gr.HTML(IMPORT_HELP, apply_default_css=False)
            with gr.Row(elem_classes="actions"):
                self.take = gr.UploadButton(
                    "Choose a file", file_types=[".csv", ".jsonl"], size="md", elem_id="import_btn"
                )
            self.took = gr.HTML("", elem_id="import_said", apply_default_css=False)
        how = [self.criteria, self.options, self.raters, self.overlap, self.repeats, self.instructions, self.consent]
        fields = [self.title, self.latest, self.arms, *how, self.marks]
        self.made = self.make.click(self.create, fields, [self.said, self.title], js=study_items.COLLECT, **PRIVATE)
        self.imported = self.take.upload(self.import_file, [self.take, *how], [self.took, self.take], **PRIVATE)

    def _lay_out_fields(self) -> None:
        self.title = gr.Textbox(label="Title", placeholder="For yourself; raters do not see it", lines=1)
        self.arms = gr.CheckboxGroup(
            [(arm.label, arm.key) for arm in ARMS],
            value=list(DEFAULT_ARMS),
            label="Arms to compare",
            info="Two to four. A comparison counts in which each of them finished.",
            elem_id="study_arms",
        )
        self.latest = gr.Number(
            0, precision=0, minimum=0, label="Latest comparisons only", info="How many, newest first; 0: all of them."
        )
        self.items = gr.HTML("", apply_default_css=False)
        self.marks = gr.JSON(visible=False)
        self.make = gr.Button("Make the study", variant="primary", size="md", elem_id="make_study")

    def _lay_out_options(self) -> None:
        with gr.Accordion("Instructions, criteria and blinding", open=False, elem_id="study_options"):
            self.instructions = gr.Textbox(
                render_rate.INSTRUCTIONS, label="Instructions", lines=4, max_lines=12, info="What raters read first."
            )
            self.consent = gr.Textbox(
                render_rate.CONSENT,
                label="Consent line",
                lines=2,
                max_lines=6,
                info="Raters agree to it before they start. Empty: they are not asked.",
            )
            self.criteria = gr.CheckboxGroup(
                [(c.label, c.key) for c in CRITERIA],
                value=[c.key for c in CRITERIA],
                label="Criteria",
                info="Scored from 1 to 5 beside the overall choice, if the rater likes.",
            )
            self.options = gr.CheckboxGroup(
                list(OPTIONS), value=list(OPTIONS)[:2], label="Blinding", info="What a rater sees besides the answers."
            )
            self.raters = gr.Number(1, precision=0, minimum=1, maximum=1000, label="Raters", info="1: each judges all.")
            self.overlap = gr.Slider(
                0, 1, 0.25, step=0.05, label="Shared", info="Part that every rater judges, to measure agreement."
            )
            self.repeats = gr.Slider(
                0, 0.5, 0, step=0.05, label="Shown twice", info="Part that comes again, to measure self-consistency."
            )

    # ---------------------------------------------------------------- making

    def refresh(self) -> dict[Any, Any]:
        """What there is to make a study of."""
        ready = judgeable(self.studio.history(MOST))
        counts = {arm.key: sum(arm.key in finished(one) for one in ready) for arm in ARMS}
        there = [arm.key for arm in ARMS if counts[arm.key]]
        latest = finished(ready[0]) if ready else ()
        words = (
            f"<p class='sub'>{count(len(ready), 'saved comparison')} can be judged.</p>" if ready else render_rate.EMPTY
        )
        return {
            self.found: f"<h2 class='sect'>New study</h2>{words}",
            self.fields_box: gr.Column(visible=bool(ready)),
            self.arms: gr.CheckboxGroup(
                [(f"{LABELS[key]} ({counts[key]})", key) for key in there],
                value=[key for key in there if key in latest],
            ),
            self.items: study_items.table(ready, there),
        }

    def put_away(self) -> dict[Any, Any]:
        """Questions and gold choices leave the page before somebody rates on it."""
        return {self.items: ""}

    @property
    def refreshed(self) -> list[Any]:
        return [self.found, self.fields_box, self.arms, self.items]

    def create(
        self,
        title: str,
        latest: float | None,
        arms: list[str],
        criteria: list[str],
        options: list[str],
        raters: float | None,
        overlap: float,
        repeats: float,
        instructions: str,
        consent: str,
        marks: Any = None,
    ) -> list[Any]:
        """A study of the latest comparisons, but for those that the table of items leaves out."""
        try:
            self.owner.check(render_rate.PUBLIC)
            marked = study_items.marks_of(marks)
            if len(arms) < 2:
                raise RatingError("Choose at least two arms to compare.")
            comparisons = judgeable(self.studio.history(MOST))[: int(latest or 0) or None]
            comparisons = [one for one in comparisons if one.id not in marked.left_out]
            study, left_out = self.ratings.create(
                title.strip() or f"Study of {count(len(comparisons), 'comparison')}",
                comparisons,
                arms=arms,
                categories=marked.categories,
                gold=marked.gold,
                **chosen(criteria, options, raters, overlap, repeats, instructions, consent),
            )
            items = len(self.ratings.items(study.id))
            return [made(items, left_out, self.ratings.telling_words(study.id)), gr.Textbox(value="")]
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [render.problem(sentence(error)), gr.skip()]

    # ---------------------------------------------------------------- importing

    def import_file(self, file: str | None, *how: Any) -> list[Any]:
        """Take a file in; `how` to judge (the fields of the form) holds for a file of answers."""
        try:
            self.owner.check(render_rate.PUBLIC)
            if not file:
                raise RatingError("Choose a file first.")
            done = self.ratings.import_file(file, **(chosen(*how) if how else {}))
            Path(file).unlink(missing_ok=True)  # the database has it; a second copy would outlive it
            return [imported(done), None]
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return [render.problem(sentence(error)), gr.skip()]


def chosen(
    criteria: list[str],
    options: list[str],
    raters: float | None,
    overlap: float,
    repeats: float,
    instructions: str,
    consent: str,
) -> dict[str, Any]:
    """The form's fields as those of a Study."""
    shown: dict[str, Any] = {field: words in options for words, field in OPTIONS.items()}
    return shown | {
        "criteria": tuple(c for c in CRITERIA if c.key in criteria),
        "raters": int(raters or 1),
        "overlap": overlap,
        "repeats": repeats,
        "instructions": instructions.strip(),
        "consent": consent.strip(),
    }


def finished(comparison: Comparison) -> tuple[str, ...]:
    """The arms whose answer can be judged."""
    return tuple(answer.arm for answer in comparison.answers if answer.state == "done" and answer.text)


def judgeable(comparisons: Sequence[Comparison]) -> list[Comparison]:
    return [comparison for comparison in comparisons if len(finished(comparison)) >= 2]


def made(items: int, left_out: dict[str, str], telling: Sequence[tuple[str, str]]) -> str:
    """What the owner is told of a new study, above all what could give an arm away."""
    rest = (
        f" {count(len(left_out), 'comparison')} left out: {'; '.join(sorted(set(left_out.values())))}."
        if left_out
        else ""
    )
    said = f"<p class='sub'><b>Made with {count(items, 'item')}.</b> {NEXT}{render_rate.escape(rest)}</p>"
    if telling:
        words = sorted({word for _, word in telling}, key=str.lower)
        more = " and others" if len(words) > SHOWN_WORDS else ""
        named = ", ".join(f"&ldquo;{render_rate.escape(word)}&rdquo;" for word in words[:SHOWN_WORDS])
        said += (
            f"<div class='notice'><span>Raters will read {named}{more} in "
            f"{count(len({where for where, _ in telling}), 'text')}, which may give an arm away. "
            "Nothing was taken out; close the study if that spoils it.</span></div>"
        )
    return said


def imported(done: dict[str, Any]) -> str:
    kinds = {"ratings": "ratings", "pairs": "arena pairs", "archive": "an archive", "answers": "answers to be judged"}
    kinds["judge"] = "verdicts of an LLM judge"
    parts = [f"{count(len(done['studies']), 'study').replace('studys', 'studies')}", count(done["items"], "item")]
    parts += [f"{done['added']:,} added"] if done["kind"] != "answers" else []
    parts += [f"{done[name]:,} {words}" for name, words in NOT_ADDED.items() if done[name]]
    if done["left_out"]:
        reasons = "; ".join(sorted(set(done["left_out"].values())))
        what = "row" if done["kind"] == "judge" else "item"
        parts.append(f"{count(len(done['left_out']), what)} left out ({render_rate.escape(reasons)})")
    return f"<p class='sub'><b>Imported {kinds.get(done['kind'], 'a file')}</b>: {', '.join(parts)}.</p>"


NOT_ADDED = {"already": "were there already", "different": "differ from what is here and were not taken"}
