"""The Rate tab: the owner's studies, a rater's ballots, and what came of them."""

from typing import Any

import gradio as gr

from ragft_core.ratings import RatingError, Study
from ragft_core.ratings.nouns import JUDGE

from . import render, render_rate
from .events import PRIVATE, QUIET, sentence
from .owner import Owner
from .rating_desk import RatingDesk
from .results_view import ResultsView
from .study_form import StudyForm

HEAD = (
    "<h2 class='sect'>Studies</h2><p class='sub'>People judge saved answers without knowing who wrote them. Each study "
    "has a link for its raters; one that is closed keeps its ratings and takes no more.</p>"
)
ADDRESS = """(study) => { const address = new URL(location.href);
  if (study) address.searchParams.set('study', study); else address.searchParams.delete('study');
  history.replaceState(null, '', address); return study; }"""
ROW_ACTS = """element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-act]');
  if (!button) return;
  const { act, study } = button.dataset;
  if (act !== 'link') { trigger('select', { act, study }); return; }
  const address = new URL(location.pathname, location.href);
  address.searchParams.set('study', study);
  const say = (words) => { button.textContent = words; setTimeout(() => { button.textContent = 'Copy link'; }, 1800); };
  const ask = () => window.prompt('Copy this link', address.href);
  if (navigator.clipboard) navigator.clipboard.writeText(address.href).then(() => say('Link copied'), ask); else ask();
});"""


class RateTab:
    """Exactly one of lobby, desk and results is shown; a link `/?study=<id>` leads straight to the desk."""

    def __init__(self, studio: Any) -> None:
        self.studio, self.owner = studio, Owner(studio)
        self.ratings = studio.ratings
        kept = studio.home.lasting
        gr.HTML("" if kept else render_rate.NOT_KEPT, visible=not kept, elem_id="not_kept", apply_default_css=False)
        with gr.Column(elem_id="rate_lobby") as self.lobby:
            self.problem = gr.HTML("", elem_id="lobby_problem", apply_default_css=False)
            with gr.Row(elem_classes="fields", visible=self.owner.free) as self.mine:
                with gr.Column(elem_classes="card", scale=3, min_width=320):
                    gr.HTML(HEAD, apply_default_css=False)
                    self.list = gr.HTML("", elem_id="studies", apply_default_css=False, js_on_load=ROW_ACTS)
                with gr.Column(scale=2, min_width=320):
                    self.form = StudyForm(studio, self.ratings)
            words = render_rate.PUBLIC if self.owner.public else render_rate.VISITOR
            with gr.Column(visible=not self.owner.free) as self.visitors:
                gr.HTML(f"<div class='empty'>{words}</div>", apply_default_css=False)
        self.desk = RatingDesk(self.ratings, self.owner)
        self.view = ResultsView(studio, self.ratings)
        self.shown = [
            self.lobby,
            self.mine,
            self.visitors,
            self.list,
            self.problem,
            *self.form.refreshed,
            *self.desk.shown,
            *self.view.shown,
        ]
        self._wire()

    def _wire(self) -> None:
        self.list.select(self.act, self.desk.kept, self.shown, **PRIVATE).then(
            None, self.desk.study, js=ADDRESS, **PRIVATE
        )
        gr.on([self.desk.leave.click, self.view.back.click], self.open_lobby, outputs=self.shown, **QUIET).then(
            None, self.desk.study, js=ADDRESS, **PRIVATE
        )
        for changed in (self.form.made, self.form.imported):
            changed.then(self.list_studies, outputs=self.list, **QUIET)

    def wire_page(self, page: gr.Blocks, tabs: gr.Tabs, tab: gr.Tab) -> None:
        """Follow a study's link when the page opens; list the studies when the tab is chosen."""
        self.tabs = tabs
        self.desk.kept.render()
        page.load(self.arrive, self.desk.kept, [tabs, *self.shown], **QUIET)
        tab.select(self.look, [self.desk.study, self.view.study], self.shown, **QUIET)

    # ---------------------------------------------------------------- ways in

    def arrive(self, kept: Any, request: gr.Request) -> dict[Any, Any]:
        study = request.query_params.get("study")
        if not study:
            return {self.problem: ""}
        return {self.tabs: gr.Tabs(selected="rate")} | self._at_desk(study, kept, request)

    def look(self, rating: str, reading: str) -> dict[Any, Any]:
        """The tab was chosen: what is going on goes on, else the list as it is now."""
        return {self.problem: ""} if rating or reading else self.open_lobby()

    def open_lobby(self) -> dict[Any, Any]:
        opened = {self.lobby: gr.Column(visible=True), self.problem: ""} | self.desk.closed() | self.view.closed()
        here = self.owner.here()
        opened |= {self.mine: gr.Row(visible=here), self.visitors: gr.Column(visible=not here)}
        return opened | {self.list: self.list_studies()} | self.form.refresh() if here else opened

    def _at_desk(self, study: str, kept: Any, request: gr.Request) -> dict[Any, Any]:
        """Before the first ballot, titles and arms leave the page."""
        away = {self.lobby: gr.Column(visible=False), self.list: "", self.problem: ""} | self.form.put_away()
        away |= self.view.closed()
        return away | self.desk.closed() | self.desk.enter(study, kept, request)

    # ---------------------------------------------------------------- the list

    def list_studies(self) -> str:
        if not self.owner.here():
            return ""
        return render_rate.study_list([self._row(study) for study in self.ratings.studies()])

    def _row(self, study: Study) -> tuple[Study, int, int, int]:
        said = [r for r in self.ratings.ledger.ratings(study.id) if r.counts and JUDGE not in r.flags]
        return study, len(self.ratings.items(study.id)), len({rating.rater for rating in said}), len(said)

    def act(self, kept: Any, request: gr.Request, event: gr.EventData) -> dict[Any, Any]:
        """A button in a row of the list."""
        act, study = str(event.act), str(event.study)
        try:
            if act == "rate":
                return self._at_desk(study, kept, request)
            self.owner.check(render_rate.PUBLIC)
            if act == "results":
                shown = self.view.open(study)
                return {self.lobby: gr.Column(visible=False), self.list: "", self.problem: ""} | shown
            if act not in ("close", "reopen"):
                raise RatingError("The page asked for something unknown; reload it.")
            self.ratings.set_open(study, act == "reopen")
            return {self.list: self.list_studies(), self.problem: ""}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return {self.problem: render.problem(sentence(error))}
