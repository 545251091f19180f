"""A dataset becomes an adapter: a run is a folder and a process of its own; this module needs no torch."""

from ..errors import RunError
from .duel import Group, start_curve, start_duel, start_sweep
from .history import difference, facts, group_names, group_table
from .plan import Plan, make_plan
from .prepare import estimated
from .run import Run, events, read_run, runs, status
from .start import follow, resume, start, stop

__all__ = [
    "Group",
    "Plan",
    "Run",
    "RunError",
    "difference",
    "estimated",
    "events",
    "facts",
    "follow",
    "group_names",
    "group_table",
    "make_plan",
    "read_run",
    "resume",
    "runs",
    "start",
    "start_curve",
    "start_duel",
    "start_sweep",
    "status",
    "stop",
]
