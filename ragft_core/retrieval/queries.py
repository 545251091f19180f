"""A question becomes further texts to search for, written by the language model; what is no use is left out.

HyDE: Gao et al. 2022 (arXiv 2212.10496); step-back: Zheng et al. 2023 (arXiv 2310.06117).
"""

import re
from collections.abc import Callable
from typing import Any

from ..errors import RagftError
from ..prompts import TRANSFORMS, system_and_user
from ..searches import Query
from ..types import Decoding, Row
from .keyword import Stems

MOST = {"sub-queries": 3, "hyde": 1, "step-back": 1}
LONGEST = 600  # characters; longer is no query
TOKENS = 96
QUESTION_MARKS = ("?", "？", "؟")
MARKS = re.compile(r"^\s*(?:[-*\u2022]+|\(?\d{1,2}[.):]|[a-cA-C][.)])\s*")


def transformed(kind: str, question: str, model: Callable[[], Any]) -> tuple[list[Query], str]:
    """The queries that the step `kind` makes of a question by `model()`; ([], why) leaves the plain question alone."""
    try:
        text = _written(kind, question, model())
    except RagftError as error:
        return [], f"The plain question alone is used: {error}"
    asked, found, telling = _folded(question), dict[str, str](), Stems().telling(question)
    lines = text.splitlines() if kind != "hyde" else [" ".join(text.split())]
    for line in lines:
        line = MARKS.sub("", line).strip().strip('"')
        asks = kind == "step-back" and line.endswith(QUESTION_MARKS)
        about = asks or telling & Stems().telling(line)  # else it is "I do not know", or anything at all
        if about and len(line.split()) >= 2 and len(line) <= LONGEST and _folded(line) != asked:
            found.setdefault(_folded(line), line)
    queries = [Query(kind, line) for line in list(found.values())[: MOST[kind]]]
    return queries, "" if queries else "The model wrote nothing of use; the plain question alone is used."


def _written(kind: str, question: str, engine: Any) -> str:
    """What the base model, without an adapter, writes; greedy, so the same question gives the same queries."""
    row = Row(system_and_user(TRANSFORMS[kind], question))
    drafts = [draft for (draft,) in engine.stream([row], Decoding(max_new_tokens=TOKENS))]
    if not drafts or drafts[-1].error:
        raise RagftError(drafts[-1].error if drafts else "the model wrote nothing.")
    return drafts[-1].text


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
