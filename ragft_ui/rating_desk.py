"""What a rater sees: joining a study, one blind ballot after the other, and a vote that is kept at once."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from ragft_core.ratings import RatingError, Ratings, Vote

from . import render, render_rate
from .events import PRIVATE, QUIET, sentence
from .owner import Owner
from .theme import ASSETS

KEY, SECRET = "ragft-rater", "not-a-secret"  # fixed, or a reload would forget the rater after every restart
ANSWERED = "() => window.ragftRate?.answered()"
LIVE = '<div role="status" aria-live="polite">${value}</div>'


class RatingDesk:
    """The rater's column. `seat` (study, rater) lies in the page, so that votes outlive a restart of the server."""

    def __init__(self, ratings: Ratings, owner: Owner) -> None:
        self.ratings, self.owner = ratings, owner
        with gr.Column(visible=False, elem_id="rating_desk") as self.column:
            self.study = gr.Textbox(visible="hidden", show_label=False, elem_id="rate_study")
            self.rater = gr.Textbox(visible="hidden", show_label=False)
            self.spoken = gr.HTML(
                "", html_template=LIVE, elem_id="rate_spoken", elem_classes="srwrap", apply_default_css=False
            )
            self.problem = gr.HTML("", elem_id="rate_problem", apply_default_css=False)
            self._lay_out_door()
            self.sheet = gr.HTML("", elem_id="sheet", apply_default_css=False, js_on_load=script())
            with gr.Row(elem_classes="actions"):
                self.other = gr.Button("Rate under another name", size="sm", elem_id="rate_other")
                self.leave = gr.Button("All studies", size="sm", elem_id="leave_btn", visible=owner.free)
        # Put on the page outside the tab, by the page's wiring: what lies in a tab is not read before its first visit.
        self.kept = gr.BrowserState(None, storage_key=KEY, secret=SECRET, render=False)
        self.shown = [self.column, self.study, self.rater, self.spoken, self.problem, self.sheet]
        self.shown += [self.door, self.welcome, self.agree, self.name, self.kept, self.leave]
        self._wire()

    def _lay_out_door(self) -> None:
        with gr.Column(visible=False, elem_classes="card", elem_id="rate_door") as self.door:
            self.welcome = gr.HTML("", apply_default_css=False)
            self.agree = gr.Checkbox(False, label="I have read this and agree", elem_id="rate_agree")
            self.name = gr.Textbox(
                label="Your name or id",
                info="Type the same again to go on where you stopped. A made-up id will do.",
                lines=1,
                max_lines=1,
                elem_id="rate_name",
            )
            with gr.Row(elem_classes="actions"):
                self.start = gr.Button("Start", variant="primary", size="md", elem_id="rate_start")

    def _wire(self) -> None:
        gr.on(
            [self.start.click, self.name.submit], self.join, [self.study, self.name, self.agree], self.shown, **QUIET
        ).then(None, js=ANSWERED, **PRIVATE)
        self.other.click(self.stand_up, self.study, self.shown, **QUIET)
        self.sheet.select(self.act, [self.study, self.rater], self.shown, **QUIET).then(None, js=ANSWERED, **PRIVATE)

    # ---------------------------------------------------------------- in and out

    def closed(self) -> dict[Any, Any]:
        """Nobody sits here: nothing of a study is left in the page."""
        blank = dict.fromkeys([self.study, self.rater, self.spoken, self.problem, self.sheet, self.welcome], "")
        return {self.column: gr.Column(visible=False), self.door: gr.Column(visible=False)} | blank

    def enter(self, study_id: str, kept: Any, request: gr.Request) -> dict[Any, Any]:
        """The ballot where this browser stopped, or the door of the study."""
        opened = {self.column: gr.Column(visible=True), self.problem: "", self.sheet: "", self.rater: ""}
        opened |= {self.leave: gr.Button(visible=self.owner.here())}
        try:
            study = self.ratings.study(study_id)
            if isinstance(kept, Mapping) and kept.get("study") == study.id:
                return opened | self._seated(study.id, str(kept.get("rater")), False, request)
        except RatingError:
            pass  # closed since, or another home: the door says so
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return opened | {self.study: study_id[:100], self.problem: render.problem(sentence(error))}
        if not study.is_open or study.kind != "answers":
            closed = render.problem("This study is closed; no more ratings are taken.")
            return opened | {self.study: study.id, self.problem: closed}
        return opened | {
            self.study: study.id,
            self.door: gr.Column(visible=True),
            self.welcome: render_rate.welcome(study, len(self.ratings.items(study.id))),
            self.agree: gr.Checkbox(value=False, visible=bool(study.consent)),
            self.name: gr.Textbox(value=str(request.username or ""), interactive=not request.username),
        }

    def stand_up(self, study_id: str, request: gr.Request) -> dict[Any, Any]:
        """Another person rates in this browser."""
        return self.enter(study_id, None, request) | {self.kept: None}

    def join(self, study_id: str, name: str, agree: bool, request: gr.Request) -> dict[Any, Any]:
        try:
            return self._seated(study_id, name, agree, request)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return {self.problem: render.problem(sentence(error))}

    def _seated(self, study_id: str, name: str, agree: bool, request: gr.Request) -> dict[Any, Any]:
        login = request.username
        joined = self.ratings.join(study_id, login or name, auth="login" if login else "typed", consent=bool(agree))
        seat = {self.study: study_id, self.rater: joined.id, self.kept: {"study": study_id, "rater": joined.id}}
        return seat | {self.door: gr.Column(visible=False)} | self._next(study_id, joined.id)

    # ---------------------------------------------------------------- what a rater does

    def act(self, study_id: str, rater: str, request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        """A vote, skip, undo, or another ballot; the answer is the next screen, or a sentence and the same one."""
        said = event._data if isinstance(event._data, Mapping) else {}
        rater = str(request.username or rater)
        try:
            return self._act(study_id, rater, said)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            words = sentence(error)
            return {self.problem: render.problem(words), self.spoken: words}

    def _act(self, study_id: str, rater: str, said: Mapping[str, Any]) -> dict[Any, Any]:
        act, place, key = said.get("act"), said.get("place"), said.get("key", "")
        if act == "vote":
            self.ratings.vote(study_id, rater, place, vote_of(said), key)  # type: ignore[arg-type]
            if self.ratings.study(study_id).reveal:
                return self._show(study_id, rater, place)  # type: ignore[arg-type]
        elif act == "skip":
            flagged, note = said.get("flagged") is True, said.get("note", "")
            self.ratings.skip(study_id, rater, place, key, flagged=flagged, note=note)  # type: ignore[arg-type]
        elif act == "undo":
            back = self.ratings.undo(study_id, rater, key)
            if back is None:
                raise RatingError("There is nothing to undo.")
            return self._show(study_id, rater, back)
        elif act == "open":
            return self._show(study_id, rater, said.get("to"))  # type: ignore[arg-type]
        elif act != "next":
            raise RatingError("The page asked for something unknown; reload it.")
        return self._next(study_id, rater)

    def _next(self, study_id: str, rater: str) -> dict[Any, Any]:
        ballot = self.ratings.next_ballot(study_id, rater)
        if ballot is not None:
            return self._show(study_id, rater, ballot.place)
        progress, seen = self.ratings.progress(study_id, rater), self.ratings.seen(study_id, rater)
        return {
            self.sheet: render_rate.finished(progress, seen, rater),
            self.spoken: render_rate.spoken(progress, None),
            self.problem: "",
        }

    def _show(self, study_id: str, rater: str, place: int) -> dict[Any, Any]:
        ballot, progress = self.ratings.ballot(study_id, rater, place), self.ratings.progress(study_id, rater)
        reveals = ballot.vote is not None and self.ratings.study(study_id).reveal
        revealed = self.ratings.reveal(study_id, rater, place) if reveals else ()
        return {
            self.sheet: render_rate.sheet(ballot, progress, self.ratings.seen(study_id, rater), revealed),
            self.spoken: render_rate.spoken(progress, place),
            self.problem: "",
        }


def script() -> str:
    """The ballot's keys, clock and sending, run by Gradio once per place where the ballot is put into the page."""
    return (ASSETS / "rate.js").read_text("utf-8")


def vote_of(said: Mapping[str, Any]) -> Vote:
    """What a page sent as a Vote; its values are checked where they are kept, its shape is checked here."""
    scores, flags = said.get("scores") or {}, said.get("flags") or []
    shaped = isinstance(scores, Mapping) and all(isinstance(given, Mapping) for given in scores.values())
    if not shaped or not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise RatingError("The page sent a vote that cannot be read; reload it.")
    return Vote(
        choice=str(said.get("choice", "")),
        scores=scores,
        confidence=said.get("confidence"),
        guess=str(said.get("guess") or ""),
        flags=tuple(flags),
        note=str(said.get("note") or ""),
        seconds=said.get("seconds"),
    )
