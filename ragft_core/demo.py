"""The shipped demo: a small clinic's documents, installed into an empty home so that a first question works at once."""

import json
from typing import TYPE_CHECKING

from .settings import ASSETS
from .types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from .studio import Studio

DEMO = ASSETS / "demo"


def wanted(studio: "Studio") -> bool:
    """Whether the home is empty (no document, nothing asked) and the demo has not been installed or refused before."""
    return DEMO.is_dir() and not studio.store.count_documents() and not studio.store.fact("demo")


def install(studio: "Studio", progress: "Callable[[Progress], None]") -> str:
    """Index the demo's documents; returns the sentence that tells the user what was done."""
    report = studio.index([DEMO / "documents"], progress)
    studio.store.set_fact("demo", "installed")
    documents = sum(row.status == "added" for row in report.files)
    return (
        f"First start: the demo was installed, {documents} documents of an invented clinic in "
        f"{report.chunks} passages, with two adapters trained on it. "
        "Remove it in the Documents tab, or start with --no-demo."
    )


def examples() -> list[dict[str, str]]:
    """Example questions of the demo domain, each with `label` and `question`."""
    try:
        return json.loads((DEMO / "examples.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
