"""The nouns of the program: plain frozen data, no third-party imports."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Message = Mapping[str, str]
"""One chat message: `{"role": "system" | "user" | "assistant", "content": text}`."""

AnswerState = Literal["waiting", "retrieving", "reading", "writing", "done", "stopped", "failed"]
FINAL_STATES = ("done", "stopped", "failed")


@dataclass(frozen=True)
class Arm:
    """One way of adapting the model: two switches on one pipeline."""

    key: str
    label: str
    retrieves: bool
    adapted: bool


ARMS = (
    Arm("base", "Base", retrieves=False, adapted=False),
    Arm("rag", "RAG", retrieves=True, adapted=False),
    Arm("tuned", "Fine-tuned", retrieves=False, adapted=True),
    Arm("hybrid", "Hybrid", retrieves=True, adapted=True),
)
DEFAULT_ARMS = ("rag", "tuned", "hybrid")
DEFAULT_COLLECTION = "default"


@dataclass(frozen=True)
class Passage:
    """A chunk of a document as retrieval returned it; `score` is the fused score, higher is better.

    `scores` holds what each stage gave: `dense` (cosine, -1..1), `keyword` (BM25, >= 0), `fused`, and
    whichever of the further steps ran (see searches.STEPS).
    """

    id: str
    text: str
    source: str
    score: float
    title: str = ""
    page: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What one row of a batch reads: its messages, and the adapter that is on (None: the bare base)."""

    messages: tuple[Message, ...]
    adapter: str | None = None


@dataclass(frozen=True)
class Decoding:
    """How every row of a batch writes; temperature 0 is greedy and needs no seed."""

    max_new_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Draft:
    """What one row has written so far; seconds count from the start of the batch.

    `state` is "reading" before the first token, "writing" after it, then "done" or "failed";
    `finish` says why a done row ended: "end" (the model's own end mark) or "length" (the cap).
    """

    text: str = ""
    tokens: int = 0
    state: AnswerState = "reading"
    finish: str = ""
    prompt_tokens: int = 0
    first_token_seconds: float | None = None
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Answer:
    """One arm's answer, at any moment from waiting to done.

    `cited` are the passage numbers (from 1) that the text cites; `left_out` counts retrieved passages
    that did not fit the context window; `prompt` is the exact text the model read.
    """

    arm: str
    text: str = ""
    state: AnswerState = "waiting"
    passages: tuple[Passage, ...] = ()
    cited: tuple[int, ...] = ()
    left_out: int = 0
    prompt: str = ""
    prompt_tokens: int = 0
    tokens: int = 0
    finish: str = ""
    first_token_seconds: float | None = None
    seconds: float = 0.0
    error: str = ""

    @property
    def done(self) -> bool:
        return self.state in FINAL_STATES


@dataclass(frozen=True)
class Comparison:
    """A question and every arm's answer; `setup` records all that is needed to repeat it.

    `low_evidence` is a sentence where even the nearest passage is far from the question, else empty.
    """

    id: str
    question: str
    answers: tuple[Answer, ...]
    setup: Mapping[str, Any] = field(default_factory=dict)
    reference: str | None = None
    retrieval_seconds: float = 0.0
    created: str = ""
    low_evidence: str = ""

    @property
    def done(self) -> bool:
        return all(answer.done for answer in self.answers)


@dataclass(frozen=True)
class Document:
    """A document in the index. `source` names where it came from and is what `forget` takes.

    It is in one collection: a search looks in one of them.
    """

    id: str
    source: str
    title: str
    sha256: str
    chars: int
    chunks: int
    added: str
    collection: str = DEFAULT_COLLECTION


@dataclass(frozen=True)
class FileReport:
    """What indexing did with one file; `status` is added, updated, unchanged, removed, skipped or failed."""

    path: str
    status: str
    reason: str = ""
    chunks: int = 0
    pages: int = 0
    chars: int = 0


@dataclass(frozen=True)
class IndexReport:
    """What one indexing job did, a row per file; of its `seconds` it embedded for `embed_seconds`.

    `chunks` counts the new ones, `embedded` those whose vector had to be made; `stopped`: it was, before its end.
    """

    files: tuple[FileReport, ...]
    chunks: int
    seconds: float
    embedded: int = 0
    embed_seconds: float = 0.0
    stopped: bool = False


@dataclass(frozen=True)
class Progress:
    """A moment of a long job, for a progress bar: `done` of `total` (0: unknown) and what is going on.

    `files` are the report rows that came since the moment before, where the job has some.
    """

    done: int
    total: int
    message: str
    files: tuple[FileReport, ...] = ()


@dataclass(frozen=True)
class Status:
    """What a Studio is doing, for a header line; `since` is a `time.monotonic()` moment.

    `state` is starting, installing, loading, ready or failed; the parts are empty until known.
    """

    state: str
    message: str = ""
    done: int = 0
    total: int = 0
    since: float = 0.0
    model: str = ""
    precision: str = ""
    device: str = ""
    adapter: str = ""
    documents: int = 0
    chunks: int = 0
    notices: tuple[str, ...] = ()


def to_json(value: Any) -> dict[str, Any]:
    """A dataclass of this module as plain JSON-ready data; answers gain `done`, as the contract says."""
    data = asdict(value)
    if isinstance(value, Comparison):
        for row, answer in zip(data["answers"], value.answers, strict=True):
            row["done"] = answer.done
    return data


def comparison_from_json(data: Mapping[str, Any]) -> Comparison:
    """The inverse of `to_json` for a Comparison; unknown keys (of a newer version) are dropped."""
    answers = []
    for row in data["answers"]:
        passages = tuple(Passage(**known(Passage, passage)) for passage in row.get("passages", ()))
        kept = known(Answer, row) | {"passages": passages, "cited": tuple(row.get("cited", ()))}
        answers.append(Answer(**kept))
    return Comparison(**(known(Comparison, data) | {"answers": tuple(answers)}))


def known(kind: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """The items of `data` that are fields of the dataclass `kind`."""
    names = {f.name for f in fields(kind)}
    return {key: value for key, value in data.items() if key in names}
