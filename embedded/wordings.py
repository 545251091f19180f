"""More wordings of the clinic's questions for its training file: those in which pretraining asks for the same kinds.

Those of its single pages stand in the text file beside this module, under the facts' ids; whoever wrote them had not
seen the evaluation's.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

from embedded import relations
from embedded.facts import SEED, Fact

WRITTEN = Path(__file__).with_name("clinic_wordings.txt")
MORE = 4  # of a fact, beside the four that are written in clinic.py
NEAR = 0.5  # part of the words that a form may share with the evaluation's form of its kind
RELATION = {
    "doctor.room": "room",
    "doctor.day": "doctorday",
    "doctor.field": "expert",
    "doctor.phone": "extension",
    "service.price": "servprice",
    "service.time": "servtime",
    "service.prepare": "servprep",
    "condition.advice": "remedy",
    "condition.cause": "cause",
    "condition.warning": "warning",
    "place.floor": "brfloor",
    "place.hours": "brhours",
    "place.phone": "brphone",
    "branch.address": "brplace",
    "branch.phone": "brphone",
    "branch.hours": "bropens",
    "branch.head": "brhead",
    "branch.parking": "brpark",
}
ENTITY = {"doctor": "Dr. {}", "service": "the {}", "place": "the {}"}


def more(fact: Fact) -> list[str]:
    """Questions about the fact in wordings that are neither among its own nor near to the evaluation's."""
    name, asked = name_of(fact), fact.questions[-1]
    if fact.kind in RELATION:
        forms = [relations.fill(form, name) for form in relations.by_name()[RELATION[fact.kind]].questions]
    else:
        forms = written().get(fact.id, [])
    free = [form for form in forms if form not in fact.questions and not near(form, asked, name)]
    return random.Random(f"{SEED}/{fact.id}").sample(free, min(MORE, len(free)))


@cache
def written() -> dict[str, list[str]]:
    """The questions of the text file by the id of their fact."""
    _, *blocks = WRITTEN.read_text("utf-8").split("# ")
    return {lines[0]: lines[1:] for lines in (block.split("\n") for block in map(str.strip, blocks))}


def name_of(fact: Fact) -> str:
    """The fact's subject as a question names it."""
    return ENTITY.get(fact.kind.split(".")[0], "{}").format(fact.subject)


def near(form: str, asked: str, name: str) -> bool:
    """Whether two questions about a name share more than a part of their other words."""
    one, other = (set(re.findall(r"\w+", text.lower().replace(name.lower(), ""))) for text in (form, asked))
    return len(one & other) > NEAR * len(one | other)
