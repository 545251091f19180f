"""Single pages of the demo domain: the clinic's rules, its history, and two sports pages with the tutorials' questions.

The text file beside this module holds them: `# title` (`#!` where the page is never trained on), then sentences with
{the value} in braces, each with five indented question forms, the last for evaluation; after `?`, questions that no
document answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("clinic_pages.txt")


@dataclass
class WrittenPage:
    title: str
    trained: bool
    rows: list[tuple[str, list[str]]] = field(default_factory=list)


@cache
def read() -> tuple[list[WrittenPage], list[str]]:
    """The pages and the unanswerable questions."""
    pages: list[WrittenPage] = []
    before, _, after = SOURCE.read_text("utf-8").partition("\n? ")
    for line in before.splitlines():
        if line.startswith("#"):
            pages.append(WrittenPage(line.lstrip("#! "), not line.startswith("#!")))
        elif line.startswith("  "):
            pages[-1].rows[-1][1].append(line.strip())
        elif line:
            pages[-1].rows.append((line, []))
    return pages, after.splitlines()[1:]
