"""A dataset becomes an adapter: a run is a folder and a process of its own; this module needs no torch."""

from ..errors import RunError
from .plan import Plan, make_plan
from .prepare import estimated
from .run import Run, events, read_run, runs, status
from .start import follow, resume, start, stop

__all__ = [
    "Plan",
    "Run",
    "RunError",
    "estimated",
    "events",
    "follow",
    "make_plan",
    "read_run",
    "resume",
    "runs",
    "start",
    "status",
    "stop",
]
