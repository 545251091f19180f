"""The one object a page and the command line hold for human judgement: studies, ballots, votes, results, files."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ..compare import now
from ..errors import NotFoundError
from ..store import Store
from ..types import Comparison
from . import exchange
from .blind import Turn, ballot, queue, telling_words
from .ledger import Ledger
from .nouns import (
    JUDGE,
    SKIP,
    Ballot,
    Item,
    Progress,
    Rater,
    Rating,
    RatingError,
    Study,
    Vote,
    clean,
)
from .sources import check, items_from_comparisons, study_of
from .votes import LONGEST_NOTE, checked_key, checked_vote, next_version, rater_name, rating_of

if TYPE_CHECKING:
    from .results import Results


class Ratings:
    """Human judgement in an open Store. Any number of threads may call it; whatever a call returned from is kept."""

    def __init__(self, store: Store) -> None:
        self.ledger = Ledger(store)
        self._items: dict[str, tuple[Item, ...]] = {}
        self._queues: dict[tuple[str, str], list[Turn]] = {}
        self._lock = threading.Lock()

    # ---------------------------------------------------------------- studies

    def create(
        self,
        title: str,
        comparisons: Sequence[Comparison],
        *,
        arms: Sequence[str] = (),
        categories: Mapping[str, str] | None = None,
        gold: Mapping[str, str] | None = None,
        **options: Any,
    ) -> tuple[Study, dict[str, str]]:
        """A study of saved comparisons, and {comparison id: why it was left out}.

        `gold` maps comparison ids to the choice that is known to be right; `options` are the fields of Study.
        """
        items, left_out = items_from_comparisons(comparisons, arms, categories)
        items = [replace(item, gold=(gold or {}).get(item.id, "")) for item in items]
        at = now()
        study = study_of(title, items, at, **options)
        self.ledger.add_study(study, items, at)
        return study, left_out

    def studies(self) -> list[Study]:
        """All studies, newest first."""
        return self.ledger.studies()

    def study(self, study_id: str) -> Study:
        found = self.ledger.studies(clean(study_id))
        if not found:
            raise NotFoundError(f"There is no study {clean(study_id)[:40]!r}.")
        return found[0]

    def items(self, study_id: str) -> tuple[Item, ...]:
        """The items of a study, for its owner: they name the arms."""
        with self._lock:
            if study_id not in self._items:
                self._items[study_id] = tuple(self.ledger.items(self.study(study_id).id))
            return self._items[study_id]

    def set_open(self, study_id: str, is_open: bool) -> Study:
        """Open or close a study; a closed one takes no votes and keeps those it has."""
        study = self.study(study_id)
        if is_open:
            check(study, self.items(study.id))
            if study.kind == "pairs" or not all(a.text for i in self.items(study.id) for a in i.comparison.answers):
                raise RatingError("This imported study has votes but not all answers, and cannot be opened for rating.")
        self.ledger.set_open(study.id, is_open, now())
        return replace(study, is_open=is_open)

    def telling_words(self, study_id: str) -> list[tuple[str, str]]:
        """(where, word) of names of arms, models and adapters that raters will read; to show to the owner."""
        return telling_words(self.study(study_id), self.items(study_id))

    # ---------------------------------------------------------------- raters and ballots

    def join(self, study_id: str, rater: str, *, auth: str = "typed", consent: bool = False) -> Rater:
        """Take part; joining again (after a reload) gives the same rater and queue. `auth` is "typed" or "login"."""
        study, name = self._open(study_id), rater_name(rater)
        known = next((r for r in self.ledger.raters(study.id) if r.id == name), None)
        if known is not None and known.auth != JUDGE:
            return known
        if study.consent and not consent:
            raise RatingError("Please read the line on what is kept, and agree to it, before you rate.")
        return self.ledger.add_rater(study.id, Rater(name, 0, auth, consent, now()))

    def next_ballot(self, study_id: str, rater: str) -> Ballot | None:
        """The first item this rater has neither rated nor skipped; None when there is none left."""
        seen = {(r.item, r.showing) for r in self.ledger.ratings(study_id, rater_name(rater))}
        turns = self._queue(study_id, rater)
        place = next((n for n, turn in enumerate(turns) if (turn.item, turn.showing) not in seen), None)
        return None if place is None else self.ballot(study_id, rater, place)

    def ballot(self, study_id: str, rater: str, place: int) -> Ballot:
        """The ballot at a place (from 0) of the rater's queue, with their earlier vote if they gave one."""
        study = self.study(study_id)
        turns = self._queue(study_id, rater)
        turn = self._turn(turns, place)
        item = next(item for item in self.items(study_id) if item.id == turn.item)
        return ballot(study, item, turn, place, len(turns), self._current(study_id, rater, turn))

    def seen(self, study_id: str, rater: str) -> list[tuple[int, str]]:
        """(place, choice) of this rater's ratings and skips, latest last, to go back to one."""
        where = {(turn.item, turn.showing): n for n, turn in enumerate(self._queue(study_id, rater))}
        ratings = self.ledger.ratings(study_id, rater_name(rater))
        return [(where[r.item, r.showing], r.choice) for r in ratings if (r.item, r.showing) in where]

    def progress(self, study_id: str, rater: str) -> Progress:
        turns = {(turn.item, turn.showing) for turn in self._queue(study_id, rater)}
        mine = [r for r in self.ledger.ratings(study_id, rater_name(rater)) if (r.item, r.showing) in turns]
        rated = [r for r in mine if r.counts]
        left = len(turns) - len(mine)
        times = [r.seconds for r in rated if r.seconds is not None]
        return Progress(
            len(turns), len(rated), len(mine) - len(rated), left * median(times) if len(times) > 2 else None
        )

    def raters(self, study_id: str) -> list[tuple[Rater, Progress]]:
        """Who takes part in a study that is rated here, and how far each is, in the sequence in which they joined."""
        study = self.study(study_id)
        people = [r for r in self.ledger.raters(study.id) if r.auth != JUDGE] if study.kind == "answers" else []
        return [(rater, self.progress(study.id, rater.id)) for rater in people]

    def reveal(self, study_id: str, rater: str, place: int) -> tuple[str, ...]:
        """The arms at positions A, B, ... after the rater's vote, if the study allows; RatingError otherwise.

        In a study that reveals, votes are final: who has seen the arms cannot judge blindly again.
        """
        study, turn = self.study(study_id), self._turn(self._queue(study_id, rater), place)
        rating = self._current(study_id, rater, turn)
        if not study.reveal or rating is None or not rating.counts:
            raise RatingError("This study does not show which answer was whose, or not before a vote.")
        return rating.order

    # ---------------------------------------------------------------- votes

    def vote(self, study_id: str, rater: str, place: int, vote: Vote, client_key: str) -> Progress:
        """Keep a vote at once. `client_key` is made by the page once per click: a retry with it changes nothing.

        A vote on an item that is already rated, be it an edit or another tab, becomes the next version of that one
        rating; the earlier versions are kept.
        """
        study = self._open(study_id)
        turn = self._turn(self._queue(study_id, rater), place)
        checked = checked_vote(study, len(turn.order), vote)
        self._keep(study, rater, place, turn, checked, client_key)
        return self.progress(study_id, rater)

    def skip(
        self, study_id: str, rater: str, place: int, client_key: str, *, flagged: bool = False, note: str = ""
    ) -> Progress:
        """Leave an item out, or flag it as broken with a note; it can still be rated later by its place.

        An item that is rated already stays rated.
        """
        study = self._open(study_id)
        turn = self._turn(self._queue(study_id, rater), place)
        said = Vote(SKIP, flags=("flagged",) if flagged else (), note=clean(note)[:LONGEST_NOTE])
        self._keep(study, rater, place, turn, said, client_key)
        return self.progress(study_id, rater)

    def undo(self, study_id: str, rater: str, client_key: str) -> int | None:
        """Take back the rater's latest vote or skip; returns its place, or None when there is nothing to undo."""
        study = self._open(study_id)
        undone = self.ledger.undo(study.id, rater_name(rater), checked_key(client_key), now(), final=study.reveal)
        return None if undone is None else undone.place

    def _keep(self, study: Study, rater: str, place: int, turn: Turn, vote: Vote, client_key: str) -> None:
        fresh = rating_of(study, rater_name(rater), place, turn, vote, now())
        version = partial(next_version, fresh=fresh, final=study.reveal)
        self.ledger.add_rating(fresh, checked_key(client_key), version)

    # ---------------------------------------------------------------- results and files

    def results(self, study_id: str, seed: int = 0) -> "Results":
        """Ranking, agreement and checks as of now; needs about a second for the first study (numpy is loaded)."""
        from .results import results

        study = self.study(study_id)
        return results(study, self.items(study_id), self.ledger.ratings(study_id), seed)

    def rank(self, study_id: str | None = None) -> dict[str, Any]:
        """`ratings rank` of the contract: of this study, or of the newest that has a rating."""
        from .results import to_contract

        chosen = study_id or next((s.id for s in self.studies() if self.ledger.ratings(s.id)), None)
        if chosen is None:
            raise NotFoundError("There is no rating yet. Rate something, or import a file of ratings.")
        return to_contract(self.results(chosen))

    def export(
        self, path: str | Path, study_id: str | None = None, *, format: str = "ratings", texts: bool = True
    ) -> dict[str, Any]:
        """`ratings export`: one study, or all that have a rating; see `exchange.export`."""
        studies = [self.study(study_id)] if study_id else [s for s in self.studies() if self.ledger.ratings(s.id)]
        return exchange.export(self.ledger, Path(path), studies, format, texts)

    def import_file(self, path: str | Path, **options: Any) -> dict[str, Any]:
        """`ratings import`: ratings, pairs, an archive, answers to be judged, or (with `study`) a judge's verdicts."""
        done = exchange.import_file(self.ledger, Path(path), now(), **options)
        with self._lock:
            for study_id in done["studies"]:
                self._items.pop(study_id, None)
            self._queues = {key: turns for key, turns in self._queues.items() if key[0] not in done["studies"]}
        return done

    # ---------------------------------------------------------------- within

    def _open(self, study_id: str) -> Study:
        study = self.study(study_id)
        if not study.is_open:
            raise RatingError("This study is closed; your ratings are kept, and no more are taken.")
        return study

    def _queue(self, study_id: str, rater: str) -> list[Turn]:
        name = rater_name(rater)
        with self._lock:
            found = self._queues.get((study_id, name))
        if found is None:
            study = self.study(study_id)
            joined = next((r for r in self.ledger.raters(study.id) if r.id == name), None)
            if joined is None or joined.auth == JUDGE:
                raise RatingError("Join the study first, with a name of your own.")
            found = queue(study, self.items(study_id), name, joined.slot)
            with self._lock:
                self._queues[study_id, name] = found
        return found

    @staticmethod
    def _turn(turns: Sequence[Turn], place: int) -> Turn:
        if type(place) is not int or not 0 <= place < len(turns):
            raise RatingError("There is no such item in your list; reload the page.")
        return turns[place]

    def _current(self, study_id: str, rater: str, turn: Turn) -> Rating | None:
        return self.ledger.rating(study_id, rater_name(rater), turn.item, turn.showing)
