"""Who may change things: the owner. On a public profile there is none yet, so nobody may."""

from typing import Any

from ragft_core import RunError

PUBLIC = (
    "This is a public demo: fine-tuning is off here, and its runs and examples are not shown. "
    "Run RAGFT yourself to train on your own examples."
)


def owner_only(studio: Any) -> None:
    """RunError unless the owner is at this page. Called inside every handler: a hidden button can still be called."""
    if studio.settings.public:
        raise RunError(PUBLIC)
