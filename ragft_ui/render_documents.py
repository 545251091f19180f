"""Documents and indexing reports to HTML. Pure functions, tested without a browser."""

from collections.abc import Sequence
from html import escape

from ragft_core.types import Document, IndexReport, Progress

from .render import ago

ROWS = 200  # a longer table helps nobody; the filter does

ADD_HEAD = (
    "<h2 class='sect'>Add documents</h2>"
    "<p class='sub'>PDF, Word, PowerPoint, Excel, OpenDocument, e-books, mails, web pages, tables, text, scans. "
    "They are cut into passages and stay on this machine; a file with the same name replaces its earlier version.</p>"
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
    more = len(documents) - ROWS
    note = f"<p class='sub'>And {more:,} more; use the filter to see them.</p>" if more > 0 else ""
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Documents in the index'><table class='rows'>"
        "<thead><tr><th><input type='checkbox' data-all aria-label='Select all shown'></th><th>Document</th>"
        "<th class='num'>Passages</th><th class='num hide-sm'>Characters</th><th class='hide-sm'>Added</th>"
        "</tr></thead>"
        f"<tbody>{''.join(map(_row, documents[:ROWS]))}</tbody></table></div>{note}"
    )


def _row(document: Document) -> str:
    title, source = escape(document.title or document.source), escape(document.source)
    return (
        f"<tr><td><input type='checkbox' data-source='{source}' aria-label='Select {title}'></td>"
        f"<td><span class='doc'>{title}</span><span class='sub'>{source}</span></td>"
        f"<td class='num'>{document.chunks:,}</td><td class='num hide-sm'>{document.chars:,}</td>"
        f"<td class='hide-sm'>{escape(ago(document.added))}</td></tr>"
    )


def progress(step: Progress, label: str = "Indexing") -> str:
    percent = round(100 * step.done / step.total) if step.total else 0
    count = f"{step.done} of {step.total} &middot; " if step.total else ""
    return (
        f"<div class='progress' role='progressbar' aria-label='{label}' aria-valuemin='0' aria-valuemax='100' "
        f"aria-valuenow='{percent}'><i style='width:{percent}%'></i></div>"
        f"<p class='sub'>{count}{escape(step.message)}</p>"
    )


def report(done: IndexReport) -> str:
    rows = "".join(
        f"<tr><td><span class='doc'>{escape(file.path.rpartition('/')[2])}</span></td>"
        f"<td><span class='status {STATUS_KIND.get(file.status, '')}'>{escape(file.status)}</span></td>"
        f"<td class='num'>{file.chunks:,}</td><td>{escape(file.reason)}</td></tr>"
        for file in done.files
    )
    return (
        f"<p class='sub'>{_count(len(done.files), 'file')} in {done.seconds:.1f} s.</p>"
        "<div class='scroll' tabindex='0' role='region' aria-label='Report of the last indexing'><table class='rows'>"
        "<thead><tr><th>File</th><th>Outcome</th><th class='num'>Passages</th><th>Why</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def forget_question(documents: int) -> str:
    return f"<span>Forget {_count(documents, 'document')}? Their passages leave the index.</span>" if documents else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
