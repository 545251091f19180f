"""What others wrote runs nothing and calls nobody, in a real browser: documents, questions, prompts, history."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_render import PAYLOADS

from .running import App
from .steps import ask, choose_documents, open_tab, wait_ended


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port of this machine that notes who calls."""
    hits: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    hits.append(caller.recv(200))

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], hits


def test_no_payload_runs_or_calls(
    app: App, visit: Callable[..., Any], tmp_path: Path, listener: tuple[int, list[bytes]]
) -> None:
    port, hits = listener
    payloads = [payload.replace("127.0.0.1:9/", f"127.0.0.1:{port}/") for payload in PAYLOADS]
    files = []
    for n, payload in enumerate(payloads):
        files.append(tmp_path / f"hostile {n} <b>.md")
        files[-1].write_text(f"# Hostile {n} {payload}\n\nZebra number {n} says: {payload}\n")
    page = visit(app.url)
    page.wait_for_selector("#state[data-state=ready]")
    before = re.search(r"[\d,]+ chunks", page.locator("#pills").inner_text())[0]  # other tests leave theirs
    open_tab(page, "Documents")
    choose_documents(page, *files)
    page.locator("#add_btn").click()
    page.wait_for_selector("#index_report table")
    for n, payload in enumerate(payloads):
        page.locator("#probe input, #probe textarea").first.fill(f"zebra number {n} {payload}"[:3000])
        page.locator("#find_btn").click()
        page.wait_for_timeout(400)
    open_tab(page, "Compare")
    for n, payload in enumerate(payloads):
        ask(page, f"What says zebra number {n}? {payload}")
        wait_ended(page)
        page.evaluate("document.querySelectorAll('#panels details').forEach((one) => { one.open = true; })")
        page.wait_for_timeout(150)
        assert page.evaluate("typeof window.__x") == "undefined", payload
    page.get_by_text("Earlier questions").click()
    page.wait_for_selector("ol.history a")
    page.wait_for_timeout(300)
    assert page.evaluate("typeof window.__x") == "undefined" and hits == []
    outside = (
        "() => document.querySelectorAll('#panels :is(img, iframe, form, object, embed, script), #panels a').length"
    )
    assert page.evaluate(outside) == 0
    open_tab(page, "Documents")
    page.locator("#filter input, #filter textarea").first.fill("hostile")
    page.wait_for_timeout(800)
    page.locator("#documents input[data-all]").check()
    page.locator("#forget_btn").click()
    page.locator("#forget_yes").click()
    page.wait_for_selector(f"#pills >> text={before}")
