"""The page: header and tabs in order. The only package that imports gradio (app.py aside)."""

from typing import Any

import gradio as gr

from . import api
from .compare_tab import CompareTab
from .documents_tab import DocumentsTab
from .header import Header
from .launch import launch
from .owner import Owner
from .rate_tab import RateTab
from .tune_tab import TuneTab
from .turns import Turns

__all__ = ["Owner", "Turns", "build", "launch"]


def build(studio: Any, turns: Turns | None = None) -> gr.Blocks:
    """The page over a Studio; give `turns` to be able to stop every visitor's turn from outside."""
    turns = turns or Turns()
    with gr.Blocks(title="RAGFT Compare", fill_width=True, analytics_enabled=False, delete_cache=(3600, 86400)) as page:
        api.build(studio, turns)  # first, or private events that are named alike would take the public names
        header = Header(studio)
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Compare", id="compare"):
                compare = CompareTab(studio, turns)
            with gr.Tab("Rate", id="rate") as rate_tab:
                rate = RateTab(studio)
            with gr.Tab("Fine-tune", id="tune") as tune_tab:
                tune = TuneTab(studio)
            with gr.Tab("Documents", id="documents") as tab:
                documents = DocumentsTab(studio)
        header.wire_page(page, compare.settings.adapter)
        compare.wire_page(page)
        rate.wire_page(page, tabs, rate_tab)
        tune.wire_page(page, tabs, tune_tab, compare.settings.use_after)
        documents.wire_page(page, tab, header.refresh_after, compare.settings.list_after)
    return page
