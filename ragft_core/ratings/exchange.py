"""Studies in the database become a file (CSV, arena pairs, JSONL), and such files become studies."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import NotFoundError
from ..home import write_atomically
from . import archive
from .cells import LONGEST_CELL, csv_bytes, unsafe
from .judge import is_judge_file, judge_ratings
from .ledger import Ledger
from .nouns import Rater, RatingError, Study
from .pairs import COLUMNS, TEXTS, as_cells, pair_rows, pairs_batch
from .sources import items_from_rows, read_rows, study_of
from .table import Batch, batches, columns, rows

FORMATS = ("ratings", "pairs")


def export(
    ledger: Ledger, path: Path, studies: Sequence[Study], format: str = "ratings", texts: bool = True
) -> dict[str, Any]:
    """Write `path` (.csv or .jsonl) and say what is in it.

    "ratings" as .csv is one row per rater and item, as .jsonl the exact archive with every version; "pairs" are arena
    pairs either way. `texts=False` leaves out questions, references, answers and notes, which an archive cannot.
    """
    path = Path(path).expanduser()
    suffix = path.suffix.lower()
    if format not in FORMATS or suffix not in (".csv", ".jsonl"):
        raise RatingError("Export to a file ending in .csv or .jsonl, with the format ratings or pairs.")
    if format == "ratings" and suffix == ".jsonl" and not texts:
        raise RatingError("The .jsonl archive is an exact copy; export without texts as .csv, or as pairs.")
    found = [batch_of(ledger, study) for study in studies]
    found.sort(key=lambda batch: (batch.study.created, batch.study.id))
    long = 0
    if format == "ratings" and suffix == ".jsonl":
        written = list(archive.lines(ledger, [batch.study for batch in found]))
        data, count = "".join(line + "\n" for line in written).encode(), len(written)
    else:
        names = (
            columns([b.study for b in found])
            if format == "ratings"
            else [c for c in COLUMNS if texts or c not in TEXTS]
        )
        made = list(rows(found, texts) if format == "ratings" else pair_rows(found, texts))
        count = len(made)
        if suffix == ".csv":
            table = [as_cells(row) for row in made]
            cells = [[row.get(name, "") for name in names] for row in table]
            long = sum(len(cell) > LONGEST_CELL for row in cells for cell in row)
            data = csv_bytes(names, cells)
        else:
            data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made).encode()
    write_file(path, data)
    return {"path": str(path), "format": format, "studies": len(found), "rows": count, "long_cells": long}


def write_file(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data.decode("utf-8"))
    except OSError as error:
        raise RatingError(f"{path} cannot be written ({error.strerror or error}). Choose another place.") from error


def batch_of(ledger: Ledger, study: Study) -> Batch:
    """A study as it is now."""
    items, raters = ledger.items(study.id), ledger.raters(study.id)
    return Batch(study, tuple(items), tuple(raters), tuple(ledger.ratings(study.id)))


def import_file(ledger: Ledger, path: Path, at: str, study: str | None = None, **options: Any) -> dict[str, Any]:
    """Take in a file of ratings or arena pairs, an archive, or answers made elsewhere, told apart by what is in it.

    With the id of a `study`, a file of an LLM judge's verdicts on its items (see `judge`). `options` are those of a
    Study, for a file of answers. Importing the same file again adds nothing. Returns {kind, studies, items, added,
    already, different, left_out}. RatingError names the line that cannot be used.
    """
    path = Path(path).expanduser()
    read = read_rows(path)
    if path.suffix.lower() == ".csv":
        read = [(line, {unsafe(name): unsafe(cell) for name, cell in row.items()}) for line, row in read]
    names = read[0][1].keys()
    if study is not None:
        return import_judge(ledger, study, read)
    if names >= {"kind", "study"}:
        return import_archive(ledger, read, at)
    if names >= {"rating_id", "study_id", "choice"}:
        return import_batches(ledger, "ratings", batches(read), at)
    if names >= {"model_a", "model_b", "winner"}:
        return import_batches(ledger, "pairs", [pairs_batch(read, path.stem)], at)
    if names >= {"question", "arm", "answer"}:
        items, left_out = items_from_rows(read)
        made = study_of(options.pop("title", path.stem), items, at, **options)
        ledger.add_study(made, items, at)
        return said("answers", [made], len(items), Counter(), left_out)
    if is_judge_file(list(names)):
        raise RatingError(f"{path.name} holds a judge's verdicts: import it into the study that it judges.")
    raise RatingError(
        f"{path.name} is no file this can import: it needs the columns of our ratings, of arena pairs "
        "(model_a, model_b, winner), or of answers (question, arm, answer)."
    )


def import_judge(ledger: Ledger, study_id: str, read: Sequence[tuple[int, Any]]) -> dict[str, Any]:
    """Add a judge's verdicts to a study; they count beside people's ratings and never among them."""
    found = ledger.studies(study_id)
    if not found:
        raise NotFoundError(f"There is no study {study_id[:40]!r}.")
    if not is_judge_file(list(read[0][1])):
        raise RatingError(
            "A judge's file needs the column item_id or question, and winner (an arm, tie or bad) or one column "
            f"of scores per arm: {', '.join(arm + '_score' for arm in found[0].arms)}."
        )
    judges, ratings, left_out = judge_ratings(found[0], ledger.items(study_id), read)
    for judge in judges:
        ledger.add_rater(study_id, judge)
    items = len({rating.item for rating in ratings})
    return said("judge", found, items, ledger.add_ratings(ratings), left_out)


def import_batches(ledger: Ledger, kind: str, found: Sequence[Batch], at: str) -> dict[str, Any]:
    there = {study.id for study in ledger.studies()}
    counts: Counter[str] = Counter()
    for batch in found:
        if batch.study.id in there:
            ledger.add_items(batch.study.id, batch.items)
        else:
            ledger.add_study(batch.study, batch.items, at)
        for rater in batch.raters:
            ledger.add_rater(batch.study.id, rater)
        counts += ledger.add_ratings(batch.ratings)
    return said(kind, [batch.study for batch in found], sum(len(batch.items) for batch in found), counts, {})


def import_archive(ledger: Ledger, read: Sequence[tuple[int, Any]], at: str) -> dict[str, Any]:
    there = {study.id for study in ledger.studies()}
    found = archive.entries(read)
    counts: Counter[str] = Counter()
    for entry in found:
        if entry.study.id in there:
            ledger.add_items(entry.study.id, entry.items)
        else:
            ledger.add_study(entry.study, entry.items, at)
        for rater in sorted(entry.raters, key=slot):
            ledger.add_rater(entry.study.id, rater)
        counts += ledger.add_history(entry.versions)
    return said("archive", [entry.study for entry in found], sum(len(entry.items) for entry in found), counts, {})


def slot(rater: Rater) -> int:
    return rater.slot


def said(
    kind: str, studies: Sequence[Study], items: int, counts: Counter[str], left_out: dict[str, str]
) -> dict[str, Any]:
    """What an import did, as plain values."""
    numbers = {name: counts[name] for name in ("added", "already", "different")}
    return {"kind": kind, "studies": [study.id for study in studies], "items": items, **numbers, "left_out": left_out}
