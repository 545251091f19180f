"""Documents and indexing reports to HTML. Pure functions, tested without a browser."""

from collections.abc import Sequence
from html import escape

from ragft_core.types import Document, FileReport, IndexReport, Progress

from .render import ago

LATEST = 8  # files shown while a job runs
ROWS = 200  # a longer table helps nobody; the filter does

ADD_HEAD = (
    "<h2 class='sect'>Add documents</h2><p class='sub'>PDF, Word, PowerPoint, Excel, OpenDocument, e-books, mails, web "
    "pages, tables, text and scans. They are cut into passages and stay on this machine; a file with the same name "
    "replaces its earlier version.</p>"
)
COLUMNS_HEAD = (
    "<p class='sub'>For CSV, Excel, JSON and Parquet: which columns become text, and how many rows. Left empty, a "
    "table is read as it was before, at first with every column.</p>"
)
STATUS_KIND = {"added": "good", "updated": "good", "skipped": "warn", "failed": "bad"}


def counts(documents: Sequence[Document]) -> str:
    passages = _count(sum(document.chunks for document in documents), "passage")
    return (
        f"<h2 class='sect'>In the index</h2><p class='sub'><b>{_count(len(documents), 'document')}</b>, "
        f"<b>{passages}</b>. Forgetting takes a document out of the index; the file itself stays.</p>"
    )


def table(documents: Sequence[Document], filtered: bool = False) -> str:
    if not documents:
        words = (
            "No document fits the filter."
            if filtered
            else "Nothing yet. Add files on the left; RAG and Hybrid need them."
        )
        return f"<div class='empty'>{words}</div>"
    several = len({document.collection for document in documents}) > 1
    more = len(documents) - ROWS
    note = f"<p class='sub'>And {more:,} more; use the filter to see them.</p>" if more > 0 else ""
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Documents in the index'><table class='rows'>"
        "<thead><tr><th><input type='checkbox' data-all aria-label='Select all shown'></th><th>Document</th>"
        "<th class='num'>Passages</th><th class='num hide-sm'>Characters</th><th class='hide-sm'>Added</th>"
        "</tr></thead>"
        f"<tbody>{''.join(_row(document, several) for document in documents[:ROWS])}</tbody></table></div>{note}"
    )


def _row(document: Document, several: bool) -> str:
    """A document's row; its collection is named where there are several."""
    title, source = escape(document.title or document.source), escape(document.source)
    named = f" &middot; {escape(document.collection)}" if several else ""
    return (
        f"<tr><td><input type='checkbox' data-source='{source}' aria-label='Select {title}'></td>"
        f"<td><span class='doc'>{title}</span><span class='sub'>{source}{named}</span></td>"
        f"<td class='num'>{document.chunks:,}</td><td class='num hide-sm'>{document.chars:,}</td>"
        f"<td class='hide-sm'>{escape(ago(document.added))}</td></tr>"
    )


def progress(step: Progress, told: Sequence[FileReport] = (), label: str = "Indexing") -> str:
    """A bar, what is going on, and the files that are through, the latest first."""
    percent = round(100 * step.done / step.total) if step.total else 0
    count = f"{step.done} of {step.total} &middot; " if step.total else ""
    files = _rows(told[: -LATEST - 1 : -1], "Files so far") if told else ""
    return (
        f"<div class='progress' role='progressbar' aria-label='{label}' aria-valuemin='0' aria-valuemax='100' "
        f"aria-valuenow='{percent}'><i style='width:{percent}%'></i></div>"
        f"<p class='sub'>{count}{escape(step.message)}</p>{files}"
    )


def report(done: IndexReport) -> str:
    """How many files, how long, how fast; then a row for each, those with a problem first."""
    rate = f", {done.embedded / done.embed_seconds:,.0f} passages embedded a second" if done.embed_seconds else ""
    halted = "Stopped; what was finished is kept. Add the files again to go on. " if done.stopped else ""
    files = sorted(done.files, key=lambda file: file.status not in ("failed", "skipped"))
    more = len(files) - ROWS
    note = f"<p class='sub'>And {more:,} more without a problem.</p>" if more > 0 else ""
    head = f"<p class='sub'>{halted}{_count(len(files), 'file')} in {done.seconds:.1f} s{rate}.</p>"
    return head + _rows(files[:ROWS], "Report of the last indexing") + note


def _rows(files: Sequence[FileReport], label: str) -> str:
    rows = "".join(
        f"<tr><td><span class='doc'>{escape(file.path.rpartition('/')[2])}</span></td>"
        f"<td><span class='status {STATUS_KIND.get(file.status, '')}'>{escape(file.status)}</span></td>"
        f"<td class='num hide-sm'>{file.pages or ''}</td><td class='num'>{file.chunks:,}</td>"
        f"<td>{escape(file.reason)}</td></tr>"
        for file in files
    )
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{label}'><table class='rows'>"
        "<thead><tr><th>File</th><th>Outcome</th><th class='num hide-sm'>Pages</th><th class='num'>Passages</th>"
        f"<th>Why</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def said(documents: int, what: str) -> str:
    return f"<p class='sub'>{_count(documents, 'document')} {what}.</p>"


def forget_question(documents: int) -> str:
    return f"<span>Forget {_count(documents, 'document')}? Their passages leave the index.</span>" if documents else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
