"""An HTML page becomes its title and light Markdown: headings, lists, table rows and code; no scripts, no styles.

What is there to get around on a site, or is hidden from readers, is left out; where a page marks its main part, the
rest of it goes too.
"""

import re
from html.parser import HTMLParser

LEFT_OUT = frozenset(("script", "style", "template", "noscript", "svg", "iframe", "object"))
BLOCKS = frozenset(
    """address article aside blockquote body caption dd details div dl dt fieldset figcaption figure footer form
    header hr html legend main nav ol p section summary table tbody tfoot thead tr ul""".split()
)
LEVELS = {f"h{n}": "#" * n for n in range(1, 7)}
# Elements that may be left out for an attribute; of others the end may be missing, and more would go with them.
CLOSED = frozenset("a article aside div footer form header label main nav ol section span table ul".split())
ENOUGH = 200  # characters that make a part marked as main worth to be believed


def html_to_markdown(html: str) -> tuple[str, str]:
    """(text of <title>, Markdown). Never raises for bad HTML: like a browser it reads what is there."""
    for tidy in (True, False):  # a page whose navigation does not end, or that is nothing else, is read as it stands
        reader = _Reader(tidy)
        reader.feed(html)
        reader.close()
        text = reader.markdown()
        if text and not reader.astray:
            break
    return " ".join("".join(reader.title).split()), text


class _Reader(HTMLParser):
    def __init__(self, tidy: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.title: list[str] = []
        self._tidy = tidy
        self._main: list[list[int]] = []  # where in the pieces each part marked as main begins and ends
        self._inside = ""  # the element being left out, or the title
        self._depth = 0
        self._pre = False

    @property
    def astray(self) -> bool:
        """Whether the page ended within something that was being left out, a script excepted."""
        return self._inside in CLOSED

    def markdown(self) -> str:
        parts = [_text(self.pieces[start:end]) for start, end in self._main] if self._tidy else []
        main = "\n\n".join(filter(None, parts))
        return main if len(main) >= ENOUGH else _text(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside:
            self._depth += tag == self._inside
        elif tag in LEFT_OUT or (tag == "title" and not self.title) or (self._tidy and _aside(tag, dict(attrs))):
            self._inside, self._depth = tag, 1
        elif tag in LEVELS:
            self.pieces.append(f"\n\n{LEVELS[tag]} ")
        elif tag == "pre":
            self._pre = True
            self.pieces.append("\n\n```\n")
        elif tag == "li":
            self.pieces.append("\n- ")
        elif tag == "br":
            self.pieces.append("\n")
        elif tag in BLOCKS:
            self.pieces.append("\n" if tag == "tr" else "\n\n")
            if tag == "main":
                self._main.append([len(self.pieces), len(self.pieces)])
        elif tag == "img":
            self.pieces.append(dict(attrs).get("alt") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in LEFT_OUT and tag != "title":  # <svg/> has no end that would close it
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag == self._inside:
                self._depth -= 1
                self._inside = self._inside if self._depth else ""
        elif tag == "pre":
            self._pre = False
            self.pieces.append("\n```\n\n")
        elif tag in ("td", "th"):
            self.pieces.append(" | ")
        elif tag in LEVELS or tag in BLOCKS:
            self.pieces.append("\n" if tag == "tr" else "\n\n")
            if tag == "main" and self._main:
                self._main[-1][1] = len(self.pieces)

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title.append(data)
        elif not self._inside:
            self.pieces.append(data if self._pre else re.sub(r"\s+", " ", data))


def _aside(tag: str, attrs: dict[str, str | None]) -> bool:
    """Whether an element is navigation, or hidden from readers."""
    if tag not in CLOSED:
        return False
    style = (attrs.get("style") or "").replace(" ", "").lower()
    hidden = "hidden" in attrs or attrs.get("aria-hidden") == "true" or "display:none" in style
    return tag == "nav" or attrs.get("role") == "navigation" or hidden


def _text(pieces: list[str]) -> str:
    text = "".join(pieces)
    text = re.sub(r"[ \t\f\v\xa0]+\n", "\n", text)
    text = re.sub(r"\n (?! )", "\n", text)  # what is left of a run of space; code keeps its own
    return re.sub(r"\n{3,}", "\n\n", text).strip()
