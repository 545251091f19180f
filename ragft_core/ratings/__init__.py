"""Saved answers and blind votes become a ranking with intervals, agreement, and files for analysis elsewhere."""

from .desk import Ratings
from .nouns import CRITERIA, Ballot, Criterion, Evidence, Item, Progress, Rater, Rating, RatingError, Study, Vote

__all__ = [
    "CRITERIA",
    "Ballot",
    "Criterion",
    "Evidence",
    "Item",
    "Progress",
    "Rater",
    "Rating",
    "RatingError",
    "Ratings",
    "Study",
    "Vote",
]
