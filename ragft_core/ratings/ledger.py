"""Studies, raters and ratings become rows that are only ever added to, and back."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from ..store import Store
from .nouns import (
    FINAL,
    JUDGE,
    Item,
    Rater,
    Rating,
    RatingError,
    Study,
    item_from_json,
    item_to_json,
    rating_from_json,
    study_from_json,
    study_to_json,
)

TABLES = (
    "CREATE TABLE IF NOT EXISTS studies (id TEXT PRIMARY KEY, created TEXT NOT NULL, data TEXT NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS study_states (
        number INTEGER PRIMARY KEY, study TEXT NOT NULL REFERENCES studies,
        is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)), at TEXT NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS study_items (
        study TEXT NOT NULL REFERENCES studies, place INTEGER NOT NULL, id TEXT NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (study, place), UNIQUE (study, id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS study_raters (
        study TEXT NOT NULL REFERENCES studies, id TEXT NOT NULL, slot INTEGER NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (study, id), UNIQUE (study, slot)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS ratings (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL,          -- of the rating; its versions share it
        version INTEGER NOT NULL,
        study TEXT NOT NULL REFERENCES studies,
        rater TEXT NOT NULL,
        item TEXT NOT NULL,
        showing INTEGER NOT NULL,
        client_key TEXT NOT NULL,  -- made by the page once per click; the same key never writes twice
        data TEXT NOT NULL,
        UNIQUE (id, version), UNIQUE (study, rater, item, showing, version), UNIQUE (study, rater, client_key)
    ) STRICT""",
    """CREATE VIEW IF NOT EXISTS ratings_now AS
        SELECT * FROM ratings r WHERE version = (SELECT max(version) FROM ratings WHERE id = r.id)""",
    *(
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'ratings are only added to'); END"
        for table in ("studies", "study_states", "study_items", "study_raters", "ratings")
        for verb in ("UPDATE", "DELETE")
    ),
)


class Ledger:
    """The tables of human judgement in an open Store; what a call returned from is on disk."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with store.writing() as db:
            for statement in TABLES:
                db.execute(statement)

    # ---------------------------------------------------------------- studies

    def add_study(self, study: Study, items: Sequence[Item], at: str) -> None:
        with self.store.writing() as db:
            body = json.dumps(study_to_json(study))
            db.execute("INSERT INTO studies (id, created, data) VALUES (?, ?, ?)", (study.id, study.created, body))
            self._add_items(db, study.id, items, 0)
            db.execute(
                "INSERT INTO study_states (study, is_open, at) VALUES (?, ?, ?)", (study.id, int(study.is_open), at)
            )

    def add_items(self, study: str, items: Sequence[Item]) -> None:
        """Further items of an imported study; those already there stay as they are."""
        with self.store.writing() as db:
            (start,) = db.execute(
                "SELECT coalesce(max(place) + 1, 0) FROM study_items WHERE study = ?", (study,)
            ).fetchone()
            there = {id for (id,) in db.execute("SELECT id FROM study_items WHERE study = ?", (study,))}
            self._add_items(db, study, [item for item in items if item.id not in there], start)

    @staticmethod
    def _add_items(db: sqlite3.Connection, study: str, items: Sequence[Item], start: int) -> None:
        db.executemany(
            "INSERT INTO study_items (study, place, id, data) VALUES (?, ?, ?, ?)",
            [(study, place, item.id, json.dumps(item_to_json(item))) for place, item in enumerate(items, start)],
        )

    def set_open(self, study: str, is_open: bool, at: str) -> None:
        with self.store.writing() as db:
            db.execute("INSERT INTO study_states (study, is_open, at) VALUES (?, ?, ?)", (study, int(is_open), at))

    def studies(self, study: str | None = None) -> list[Study]:
        """All studies, newest first, or the one of this id."""
        rows = self.store.rows(
            "SELECT data, (SELECT is_open FROM study_states WHERE study = s.id ORDER BY number DESC LIMIT 1) "
            f"FROM studies s {'' if study is None else 'WHERE id = ?'} ORDER BY created DESC, rowid DESC",
            () if study is None else (study,),
        )
        return [study_from_json(json.loads(data), bool(is_open)) for data, is_open in rows]

    def items(self, study: str) -> list[Item]:
        rows = self.store.rows("SELECT data FROM study_items WHERE study = ? ORDER BY place", (study,))
        return [item_from_json(json.loads(data)) for (data,) in rows]

    # ---------------------------------------------------------------- raters

    def add_rater(self, study: str, rater: Rater) -> Rater:
        """The rater with the next free slot, or the one that joined before under this id.

        Judges that are no people count downwards from -1, so that people's shares of the items stay whole.
        """
        judge = rater.auth == JUDGE
        with self.store.writing() as db:
            found = db.execute("SELECT data FROM study_raters WHERE study = ? AND id = ?", (study, rater.id)).fetchone()
            if found:
                known = Rater(**json.loads(found[0]))
                if (known.auth == JUDGE) is not judge:
                    raise RatingError(f"{rater.id[:40]!r} is the name of a person and of an LLM judge; rename one.")
                return known
            counted = "SELECT count(*) FROM study_raters WHERE study = ? AND (slot < 0) = ?"
            (number,) = db.execute(counted, (study, int(judge))).fetchone()
            rater = replace(rater, slot=-1 - number if judge else number)
            db.execute(
                "INSERT INTO study_raters (study, id, slot, data) VALUES (?, ?, ?, ?)",
                (study, rater.id, rater.slot, json.dumps(asdict(rater))),
            )
            return rater

    def raters(self, study: str) -> list[Rater]:
        rows = self.store.rows("SELECT data FROM study_raters WHERE study = ? ORDER BY slot", (study,))
        return [Rater(**json.loads(data)) for (data,) in rows]

    # ---------------------------------------------------------------- ratings

    def add_rating(self, fresh: Rating, client_key: str, version: Callable[[Rating | None], Rating | None]) -> Rating:
        """Keep what `version(current)` makes of the current rating, at once and once.

        `fresh` says whose rating of what it is. The same client key returns what it wrote the first time; when
        `version` returns None nothing is written and the current one stands.
        """
        with self.store.writing() as db:
            seen = db.execute(
                "SELECT item, showing, data FROM ratings WHERE study = ? AND rater = ? AND client_key = ?",
                (fresh.study, fresh.rater, client_key),
            ).fetchone()
            if seen:
                if seen[:2] != (fresh.item, fresh.showing):
                    raise RatingError("This vote carries the key of an earlier vote on another item; reload the page.")
                return rating_from_json(json.loads(seen[2]))
            number, current = self._current(db, fresh)
            changed = version(current)
            if changed is None:
                return current if current is not None else fresh
            self._insert(db, changed, number + 1, client_key)
            return changed

    @staticmethod
    def _current(db: sqlite3.Connection, rating: Rating) -> tuple[int, Rating | None]:
        found = db.execute(
            "SELECT version, data FROM ratings WHERE study = ? AND rater = ? AND item = ? AND showing = ? "
            "ORDER BY version DESC LIMIT 1",
            (rating.study, rating.rater, rating.item, rating.showing),
        ).fetchone()
        return (found[0], rating_from_json(json.loads(found[1]))) if found else (0, None)

    @staticmethod
    def _insert(db: sqlite3.Connection, rating: Rating, version: int, client_key: str) -> None:
        db.execute(
            "INSERT INTO ratings (id, version, study, rater, item, showing, client_key, data) VALUES (?,?,?,?,?,?,?,?)",
            (
                rating.id,
                version,
                rating.study,
                rating.rater,
                rating.item,
                rating.showing,
                client_key,
                json.dumps(asdict(rating)),
            ),
        )

    def ratings(self, study: str, rater: str | None = None) -> list[Rating]:
        """The newest version of every rating, in the sequence in which those were made; undone ones are left out."""
        mine, values = ("", (study,)) if rater is None else (" AND rater = ?", (study, rater))
        rows = self.store.rows(f"SELECT data FROM ratings_now WHERE study = ?{mine} ORDER BY number", values)
        return [rating for (data,) in rows if not (rating := rating_from_json(json.loads(data))).undone]

    def rating(self, study: str, rater: str, item: str, showing: int) -> Rating | None:
        """The newest version of one rating, unless it was taken back."""
        data = self.store.value(
            "SELECT data FROM ratings WHERE study = ? AND rater = ? AND item = ? AND showing = ? "
            "ORDER BY version DESC LIMIT 1",
            (study, rater, item, showing),
        )
        rating = None if data is None else rating_from_json(json.loads(data))
        return None if rating is None or rating.undone else rating

    def history(self, study: str) -> list[dict[str, Any]]:
        """Every version of every rating as it was kept, in the sequence in which they were made."""
        rows = self.store.rows(
            "SELECT version, client_key, data FROM ratings WHERE study = ? ORDER BY number", (study,)
        )
        return [{"version": v, "client_key": key, "rating": json.loads(data)} for v, key, data in rows]

    def undo(self, study: str, rater: str, client_key: str, at: str, *, final: bool = False) -> Rating | None:
        """Take back the rater's latest rating; the same client key takes back once. None if there is nothing.

        Where votes are `final`, only a skip can be taken back: RatingError otherwise.
        """
        with self.store.writing() as db:
            seen = "SELECT data FROM ratings WHERE study = ? AND rater = ? AND client_key = ?"
            done = db.execute(seen, (study, rater, client_key)).fetchone()
            if done:
                return rating_from_json(json.loads(done[0]))
            latest = "SELECT version, data FROM ratings_now WHERE study = ? AND rater = ? ORDER BY number DESC"
            for version, data in db.execute(latest, (study, rater)).fetchall():
                rating = rating_from_json(json.loads(data))
                if not rating.undone:
                    if final and rating.counts:
                        raise RatingError(FINAL)
                    undone = replace(rating, undone=True, updated=at, edits=rating.edits + 1)
                    self._insert(db, undone, version + 1, client_key)
                    return undone
            return None

    # ---------------------------------------------------------------- from elsewhere

    def add_ratings(self, ratings: Sequence[Rating]) -> Counter[str]:
        """Add imported ratings that are not there yet, all or none; counts of added, already (there) and different.

        One that is there with another content stays as it is: what was rated here is worth more than a copy.
        """
        counts: Counter[str] = Counter(added=0, already=0, different=0)
        with self.store.writing() as db:
            for rating in ratings:
                _, current = self._current(db, rating)
                if current is None and db.execute("SELECT 1 FROM ratings WHERE id = ?", (rating.id,)).fetchone():
                    counts["different"] += 1
                elif current is None:
                    self._insert(db, rating, 1, f"import {rating.id}")
                    counts["added"] += 1
                else:
                    same = all(getattr(current, name) == getattr(rating, name) for name in ("id", "choice", "updated"))
                    counts["already" if same else "different"] += 1
        return counts

    def add_history(self, versions: Sequence[tuple[int, str, Rating]]) -> Counter[str]:
        """The same for every version of ratings, as `history` gave them; unlike versions of one rating never mix."""
        counts: Counter[str] = Counter(added=0, already=0, different=0)
        with self.store.writing() as db:
            for version, key, rating in versions:
                data = json.dumps(asdict(rating))
                found = db.execute(
                    "SELECT data FROM ratings WHERE (id = ? OR (study = ? AND rater = ? AND item = ? AND showing = ?)) "
                    "AND version = ?",
                    (rating.id, rating.study, rating.rater, rating.item, rating.showing, version),
                ).fetchone()
                used = db.execute(
                    "SELECT 1 FROM ratings WHERE study = ? AND rater = ? AND client_key = ?",
                    (rating.study, rating.rater, key),
                ).fetchone()
                if found is None and not used:
                    self._insert(db, rating, version, key)
                    counts["added"] += 1
                else:
                    counts["already" if found is not None and found[0] == data else "different"] += 1
        return counts
