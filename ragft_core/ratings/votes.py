"""What a page sent becomes a rating worth keeping, or a sentence saying what is wrong with it."""

import math
from dataclasses import replace

from .blind import Turn, seed_of
from .nouns import BAD, FINAL, LETTERS, RATER_FLAGS, SKIP, TIE, Rating, RatingError, Study, Vote, clean

LONGEST_NOTE = 4000
LONGEST_NAME = 100
DAY = 86_400.0


def checked_vote(study: Study, answers: int, vote: Vote) -> Vote:
    """The vote with its text cleaned; RatingError for anything that a ballot of so many answers did not offer."""
    letters = tuple(LETTERS[:answers])
    if vote.choice not in (*letters, TIE, BAD):
        raise RatingError(f"Choose one of {', '.join(letters)}, tie or bad.")
    keys = {criterion.key for criterion in study.criteria}
    scores = [(letter, key, n) for letter, given in vote.scores.items() for key, n in given.items()]
    if any(s not in letters or key not in keys or type(n) is not int or not 1 <= n <= 5 for s, key, n in scores):
        raise RatingError("A score is a whole number from 1 to 5 for a criterion of this study.")
    if vote.confidence is not None and (type(vote.confidence) is not int or vote.confidence not in (1, 2, 3)):
        raise RatingError("Confidence is 1, 2 or 3.")
    if vote.guess not in ("", *letters) or not set(vote.flags) <= set(RATER_FLAGS):
        raise RatingError(f"The guess must be one of the letters, and the flags among {', '.join(RATER_FLAGS)}.")
    seconds = vote.seconds
    if seconds is not None and not (isinstance(seconds, (int, float)) and math.isfinite(seconds) and seconds >= 0):
        raise RatingError("The time on an item must be a number of seconds.")
    if len(clean(vote.note)) > LONGEST_NOTE:
        raise RatingError(f"The note is longer than {LONGEST_NOTE:,} characters; shorten it.")
    return replace(
        vote,
        note=clean(vote.note),
        flags=tuple(flag for flag in RATER_FLAGS if flag in vote.flags),
        seconds=None if seconds is None else min(float(seconds), DAY),
    )


def rating_of(study: Study, rater: str, place: int, turn: Turn, vote: Vote, at: str) -> Rating:
    """The checked vote with its letters turned into arms, as the first version of a rating.

    Its id follows from what is rated by whom, so that no two ratings of the same thing can come to be.
    """
    arm = dict(zip(LETTERS, turn.order, strict=False))
    return Rating(
        id=f"{seed_of('rating', study.id, rater, turn.item, turn.showing):016x}",
        study=study.id,
        rater=rater,
        item=turn.item,
        order=turn.order,
        choice=vote.choice,
        winner="" if vote.choice == SKIP else arm.get(vote.choice, vote.choice),
        showing=turn.showing,
        place=place,
        order_seed=turn.order_seed,
        scores={arm[letter]: dict(given) for letter, given in vote.scores.items() if given},
        confidence=vote.confidence,
        guess=arm.get(vote.guess, ""),
        flags=(*vote.flags, *(("repeat",) if turn.showing else ())),
        note=vote.note,
        seconds=vote.seconds,
        created=at,
        updated=at,
    )


def next_version(current: Rating | None, fresh: Rating, final: bool) -> Rating | None:
    """What `fresh` makes of the current rating of the same thing; None where nothing changes.

    The same vote again (another tab, a double click) changes nothing, and a skip does not unrate. `final` votes cannot
    be changed: RatingError.
    """
    if current is None:
        return fresh
    if fresh.choice == SKIP and current.counts:
        return None
    changed = replace(fresh, created=current.created, edits=current.edits + 1)
    same = replace(changed, updated=current.updated, edits=current.edits, seconds=current.seconds) == current
    if final and current.counts and not same:
        raise RatingError(FINAL)
    return None if same else changed


def rater_name(text: str) -> str:
    """What the rater typed, trimmed; RatingError if nothing is left, or too much."""
    name = clean(text).strip() if isinstance(text, str) else ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise RatingError(f"Type a name or id of your own, of 1 to {LONGEST_NAME} characters.")
    return name


def checked_key(client_key: str) -> str:
    """The key of a click; it must be there, or retries could not be told from new votes."""
    if not isinstance(client_key, str) or not 8 <= len(client_key) <= 100 or not client_key.isascii():
        raise RatingError("The page sent a vote without a key; reload it.")
    return client_key
