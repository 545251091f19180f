"""What a user asked for becomes a Request that is within the limits, or one clear sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import QuestionError
from .searches import CONDITION, MODES, STEPS, Search
from .settings import COLLECTION, COLLECTION_RULE, Settings
from .types import ARMS, DEFAULT_ARMS, DEFAULT_COLLECTION, Arm, Decoding

MAX_TOP_K = 20
MOST_FOUND = 100  # passages that a search without a model may ask for


@dataclass(frozen=True)
class Request:
    """One question and how it is to be answered, the same for every arm."""

    question: str
    arms: tuple[Arm, ...]
    decoding: Decoding
    adapter: str | None
    top_k: int
    search_mode: str = "hybrid"
    steps: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    collection: str = DEFAULT_COLLECTION

    @property
    def search(self) -> Search:
        """How the retrieving arms' passages are searched for."""
        return Search(self.top_k, self.search_mode, self.steps, self.where, self.collection)


def checked_request(
    settings: Settings,
    question: str,
    arms: Sequence[str] = DEFAULT_ARMS,
    *,
    adapter: str | None = None,
    top_k: int | None = None,
    search_mode: str | None = None,
    steps: Sequence[str] | str | None = None,
    where: Sequence[str] = (),
    collection: str | None = None,
    max_new_tokens: int | None = None,
    temperature: float | None = None,
    seed: int | None = None,
) -> Request:
    """The Request; what is None comes from the settings. QuestionError for anything beyond the limits."""
    decoding = Decoding(
        within("max_new_tokens", max_new_tokens, settings.max_new_tokens, 1, settings.max_new_tokens_limit),
        within("temperature", temperature, settings.temperature, 0.0, 2.0),
        seed=within("seed", seed, settings.seed, 0, 2**31 - 1),
    )
    search = checked_search(settings, top_k, search_mode, steps, where, collection, most=MAX_TOP_K)
    return Request(
        checked_question(settings, question),
        chosen_arms(arms),
        decoding,
        adapter or settings.adapter,
        search.k,
        search.mode,
        search.steps,
        search.where,
        search.collection,
    )


def checked_search(
    settings: Settings,
    k: int | None = None,
    mode: str | None = None,
    steps: Sequence[str] | str | None = None,
    where: Sequence[str] = (),
    collection: str | None = None,
    most: int = MOST_FOUND,
) -> Search:
    """The Search; what is None comes from the settings. `steps` may name the ways of the mode too (dense, keyword),
    which then are exactly those. QuestionError names an unknown step or a condition that cannot be read."""
    given = settings.steps if steps is None else steps
    names = [name.strip().lower() for name in (given.split(",") if isinstance(given, str) else given)]
    names = [name for name in names if name]
    ways = [way for way in MODES["hybrid"] if way in names]
    if ways:
        mode = "hybrid" if len(ways) == 2 else ways[0]
    for name in names:
        if name not in STEPS and name not in MODES["hybrid"]:
            known = ", ".join([*MODES["hybrid"], *STEPS])
            raise QuestionError(f"There is no search step {str(name)[:40]!r}; choose among {known}.")
    for condition in where:
        if not CONDITION.fullmatch(condition):
            raise QuestionError(
                f"The condition {str(condition)[:80]!r} cannot be read; write it like source=handbook/* or "
                "date>=2025-01-01."
            )
    return Search(
        within("top_k", k, settings.top_k, 1, most),
        checked_mode(mode or settings.search_mode),
        tuple(step for step in STEPS if step in names),
        tuple(where),
        checked_collection(collection or settings.collection),
    )


def checked_collection(name: str) -> str:
    if not isinstance(name, str) or not COLLECTION.fullmatch(name):
        raise QuestionError(f"The collection {str(name)[:80]!r} cannot be used: {COLLECTION_RULE}.")
    return name


def checked_question(settings: Settings, question: str) -> str:
    """The question without white space around it; QuestionError when empty or too long."""
    question = question.strip() if isinstance(question, str) else ""
    if not question:
        raise QuestionError("Type a question first.")
    limit = settings.max_question_chars
    if len(question) > limit:
        raise QuestionError(f"The question has {len(question):,} characters; at most {limit:,} are taken. Shorten it.")
    return question


def checked_mode(mode: str) -> str:
    if mode not in MODES:
        raise QuestionError(f"The search mode {str(mode)[:40]!r} is unknown; choose {', '.join(MODES)}.")
    return mode


def chosen_arms(keys: Sequence[str]) -> tuple[Arm, ...]:
    """The arms named by their keys, in the fixed order of ARMS; QuestionError for none or an unknown one."""
    known = ", ".join(arm.key for arm in ARMS)
    if isinstance(keys, str) or not keys:
        raise QuestionError(f"No arm is chosen; choose among {known}.")
    for key in keys:
        if key not in {arm.key for arm in ARMS}:
            raise QuestionError(f"There is no arm {str(key)[:40]!r}; choose among {known}.")
    return tuple(arm for arm in ARMS if arm.key in keys)


def within(name: str, wish: Any, default: Any, low: float, high: float) -> Any:
    """The wish if it is a number of the default's kind between the limits; QuestionError otherwise."""
    if wish is None:
        return default
    number = isinstance(wish, int | float) and not isinstance(wish, bool) and math.isfinite(wish)
    if not number or (isinstance(default, int) and wish != int(wish)) or not low <= wish <= high:
        raise QuestionError(f"{name} must be a number from {low:g} to {high:g}, not {str(wish)[:40]}.")
    return type(default)(wish)
