"""E-books, feeds, notebooks and rich text become chapters, entries, cells and paragraphs."""

import json
import posixpath
from typing import Any
from urllib.parse import unquote

from ..errors import DocumentError
from . import archives
from .html import html_to_markdown
from .parts import Part, Reading, Wish
from .text import clean, decode

MOST_CHAPTERS = 2000


def epub(data: bytes, wish: Wish) -> Reading:
    """The chapters of an e-book in the order of its spine, a part for each."""
    from defusedxml import ElementTree

    with archives.opened(data, "an e-book") as archive:
        try:
            container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
            place = next(e.get("full-path", "") for e in container.iter() if e.tag.endswith("rootfile"))
            package = ElementTree.fromstring(archive.read(place))
        except (ElementTree.ParseError, KeyError, StopIteration) as error:
            raise DocumentError("The e-book is damaged: its table of contents cannot be read.") from error
        items = {e.get("id"): e for e in package.iter() if e.tag.endswith("}item")}
        spine = [e.get("idref") for e in package.iter() if e.tag.endswith("}itemref")]
        title = next((e.text or "" for e in package.iter() if e.tag.endswith("}title")), "")
        parts, missing = [], 0
        for item in [items[key] for key in spine if key in items][:MOST_CHAPTERS]:
            name = posixpath.normpath(posixpath.join(posixpath.dirname(place), unquote(item.get("href", ""))))
            try:
                page = decode(archive.read(name), html=True)[0]
            except (KeyError, DocumentError):
                missing += 1
                continue
            if text := html_to_markdown(page)[1]:
                parts.append(Part(text, markdown=True))
    note = f"{missing} chapter{'s' * (missing != 1)} missing or not readable" if missing else ""
    return Reading(parts, " ".join(clean(title).split())[:200], note)


def xml(data: bytes, wish: Wish) -> Reading:
    """A feed (RSS, Atom) as its entries, title first; of other XML the text, a line for each element."""
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        root = ElementTree.fromstring(data)
    except DefusedXmlException as error:
        raise DocumentError("The file declares entities of its own, as a bomb does; it is not read.") from error
    except ElementTree.ParseError as error:
        raise DocumentError(f"The file is not XML: {error}.") from error
    entries = [e for e in root.iter() if _tag(e) in ("item", "entry")] if _tag(root) in ("rss", "feed", "RDF") else []
    if not entries:
        text = "\n".join(" ".join(line.split()) for line in root.itertext() if line.strip())
        return Reading([Part(clean(text))] if text else [])
    title = " ".join(next((e.text or "" for e in root.iter() if _tag(e) == "title"), "").split())
    texts = [f"# {title}"] if title else []
    for entry in entries:
        fields = {_tag(child): "".join(child.itertext()) for child in entry}
        html = max((fields.get(name, "") for name in ("description", "summary", "content", "encoded")), key=len)
        heading, date = " ".join(fields.get("title", "").split()), fields.get("pubDate") or fields.get("updated") or ""
        texts += [f"## {heading}" * bool(heading), date.strip(), html_to_markdown(html)[1]]
    return Reading([Part(clean("\n\n".join(filter(None, texts))), markdown=True)])


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def rtf(data: bytes, wish: Wish) -> Reading:
    """The text of a Rich Text file, in the code page that it names."""
    from striprtf.striprtf import rtf_to_text

    if not data.lstrip().startswith(b"{\\rtf"):
        raise DocumentError("The file's content is not Rich Text, whatever its ending says.")
    text = clean(rtf_to_text(data.decode("latin-1"), errors="replace")).strip()
    return Reading([Part(text)] if text else [])


def ipynb(data: bytes, wish: Wish) -> Reading:
    """The cells of a Jupyter notebook, code in fences; what the cells have printed is left out."""
    try:
        notebook = json.loads(decode(data)[0])
        language = str(notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python"))
        cells = [(str(cell.get("cell_type")), _source(cell)) for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DocumentError(f"The file is not a notebook ({type(error).__name__}: {str(error)[:100]}).") from error
    texts = [f"```{language}\n{text}\n```" if kind == "code" else text for kind, text in cells if text.strip()]
    text = clean("\n\n".join(texts)).strip()
    return Reading([Part(text, markdown=True)] if text else [])


def _source(cell: Any) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)
