"""Add documents, see what is in the index, take documents out of it; search, passages and health have cards too."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from .adding import Adding
from .document_list import DocumentList
from .events import QUIET
from .index_health import IndexHealth
from .passages import Passages
from .probe import Probe


class DocumentsTab:
    """The tab's cards, and which of them follow which."""

    def __init__(self, studio: Any) -> None:
        with gr.Row(equal_height=False, elem_id="documents_tab"):
            with gr.Column(scale=5, min_width=300):
                self.adding = Adding(studio)
                self.probe = Probe(studio)
            with gr.Column(scale=7, min_width=300):
                self.list = DocumentList(studio)
                self.passages = Passages(studio)
                IndexHealth(studio)
        for event in (self.adding.added, self.passages.saved):
            self.list.list_after(event)

    def wire_page(
        self,
        page: gr.Blocks,
        tab: gr.Tab,
        counts_changed: Callable[[Any], None],
        collections_changed: Callable[[Any], None],
    ) -> None:
        """Fill the lists when the page opens or the tab is chosen; tell the header and Compare what changed."""
        for event in (page.load, tab.select):
            event(self.list.list_documents, self.list.filter, self.list.listed, **QUIET)
        changed = [self.adding.added, *self.list.changed]
        for event in (*changed, self.passages.saved):
            counts_changed(event)
        for event in changed:
            collections_changed(event.then)
        listings: list[Any] = [page.load, tab.select, *(event.then for event in changed)]
        for listing in listings:
            for card in (self.adding, self.probe):
                listing(card.list_collections, outputs=card.collection, **QUIET)
        self.passages.wire(page.load, tab.select, *(event.then for event in changed))
