"""How this page's events behave towards Gradio: none is public, short ones skip the queue."""

import logging
import uuid
from typing import Any

log = logging.getLogger("ragft")

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
QUIET: dict[str, Any] = {**PRIVATE, "queue": False}
"""For events that take milliseconds: they run at once, also while every place in the queue is taken."""


def unexpected(error: Exception) -> str:
    """The sentence for a fault of ours; the traceback goes to the log under the same short id."""
    name = uuid.uuid4().hex[:8]
    log.error("error %s", name, exc_info=error)
    return f"Something went wrong in RAGFT itself (error {name}). The log has the details; other pages go on."
