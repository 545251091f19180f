"""How this page's components and events behave towards Gradio: no event is public, short ones skip the queue."""

import logging
import uuid
from typing import Any

from ragft_core import RagftError

log = logging.getLogger("ragft")

PLAIN: dict[str, Any] = {"apply_default_css": False}
"""For gr.HTML that our own style sheet dresses."""
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
QUIET: dict[str, Any] = {**PRIVATE, "queue": False}
"""For events that take milliseconds: they run at once, also while every place in the queue is taken."""


def sentence(error: Exception) -> str:
    """What the user is told: a RagftError as it stands, a fault of ours as a short id that the log has too."""
    if isinstance(error, RagftError):
        return str(error)
    name = uuid.uuid4().hex[:8]
    log.error("error %s", name, exc_info=error)
    return f"Something went wrong in RAGFT itself (error {name}). The log has the details; other pages go on."
