"""A passage becomes a longer one: with what stands before and after it in its document."""

from collections.abc import Sequence
from dataclasses import replace

from ..types import Passage
from .lookup import around
from .shelf import Shelf

LEAST_SHARED = 8  # characters; fewer are shared by chance


def widened(passages: Sequence[Passage], shelf: Shelf, reach: int) -> tuple[list[Passage], str]:
    """The passages with `reach` neighbours on each side, under the same heading; one that is already in a better
    ranked passage is not given again as a neighbour."""
    near = {passage.id: around(shelf, passage.id, passage.source, reach) for passage in passages}
    shown = {passage.id for passage in passages}
    wide, added = [], 0
    for passage in passages:
        before, after = near[passage.id]
        text = passage.text
        for key, other in reversed(before):
            if key in shown:
                break
            text, added = joined(other, text), added + 1
            shown.add(key)
        for key, other in after:
            if key in shown:
                break
            text, added = joined(text, other), added + 1
            shown.add(key)
        wide.append(replace(passage, text=text))
    return wide, f"{added} neighbour{'s' if added != 1 else ''} added to {len(passages)} passages."


def joined(first: str, second: str) -> str:
    """Two texts in reading order as one; what the second repeats of the first's end comes once."""
    for size in range(min(len(first), len(second)), LEAST_SHARED - 1, -1):
        if first.endswith(second[:size]):
            return first + second[size:]
    return f"{first}\n{second}"
