"""What a user asked for becomes a Request that is within the limits, or one clear sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import QuestionError
from .settings import Settings
from .types import ARMS, DEFAULT_ARMS, Arm, Decoding

MODES = ("hybrid", "dense", "keyword")
MAX_TOP_K = 20


@dataclass(frozen=True)
class Request:
    """One question and how it is to be answered, the same for every arm."""

    question: str
    arms: tuple[Arm, ...]
    decoding: Decoding
    adapter: str | None
    top_k: int
    search_mode: str = "hybrid"


def checked_request(
    settings: Settings,
    question: str,
    arms: Sequence[str] = DEFAULT_ARMS,
    *,
    adapter: str | None = None,
    top_k: int | None = None,
    search_mode: str | None = None,
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
    return Request(
        checked_question(settings, question),
        chosen_arms(arms),
        decoding,
        adapter or settings.adapter,
        within("top_k", top_k, settings.top_k, 1, MAX_TOP_K),
        checked_mode(search_mode or settings.search_mode),
    )


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
