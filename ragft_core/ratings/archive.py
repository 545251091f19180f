"""Studies with every version of every rating become lines of JSON, exact to the byte, and back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..types import known
from .ledger import Ledger
from .nouns import (
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

SCHEMA_VERSION = 1


def lines(ledger: Ledger, studies: Sequence[Study]) -> Iterator[str]:
    """One JSON object a line: the study, its items, its raters, then every version of its ratings as they were made."""
    for study in studies:
        head = {"kind": "study", "schema_version": SCHEMA_VERSION, "is_open": study.is_open}
        yield json.dumps(head | {"study": study_to_json(study)})
        for item in ledger.items(study.id):
            yield json.dumps({"kind": "item", "study": study.id, "item": item_to_json(item)})
        for rater in ledger.raters(study.id):
            yield json.dumps({"kind": "rater", "study": study.id, "rater": asdict(rater)})
        for version in ledger.history(study.id):
            yield json.dumps({"kind": "rating", "study": study.id} | version)


class Entry:
    """One study of an archive while its lines are read."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.items: list[Item] = []
        self.raters: list[Rater] = []
        self.versions: list[tuple[int, str, Rating]] = []


def entries(read: Sequence[tuple[int, Mapping[str, Any]]]) -> list[Entry]:
    """The inverse of `lines`; RatingError names the line that does not fit."""
    found: dict[str, Entry] = {}
    for line, row in read:
        try:
            if row["kind"] == "study":
                if row["schema_version"] > SCHEMA_VERSION:
                    raise RatingError(f"Line {line}: written by a newer RAGFT (schema {row['schema_version']}).")
                study = study_from_json(row["study"], bool(row["is_open"]))
                found[study.id] = Entry(study)
            elif row["kind"] == "item":
                found[row["study"]].items.append(item_from_json(row["item"]))
            elif row["kind"] == "rater":
                found[row["study"]].raters.append(Rater(**known(Rater, row["rater"])))
            else:
                rating = rating_from_json(row["rating"])
                if rating.study != row["study"]:
                    raise ValueError("the rating belongs to another study")
                found[row["study"]].versions.append((int(row["version"]), str(row["client_key"]), rating))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RatingError(f"Line {line}: this is not a line of a RAGFT archive ({error!r}).") from error
    return list(found.values())
