"""The Documents tab in a browser: add, report, filter, probe, forget."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import files
from .running import App
from .steps import PATIENCE, choose_documents, open_tab, wait_ended


def test_documents_are_added_found_and_forgotten(app: App, visit: Callable[..., Any], tmp_path: Path) -> None:
    whale, empty = tmp_path / "whale.md", tmp_path / "nothing.txt"
    whale.write_text("# Whales\n\nThe blue whale weighs up to 150 tonnes.\n")
    empty.write_text("")
    page = visit(app.url)
    page.wait_for_selector("#state[data-state=ready]", timeout=PATIENCE)  # the demo is being indexed until then
    open_tab(page, "Documents")
    choose_documents(page, whale, empty)
    page.wait_for_selector("#files button[title=Upload]")
    page.locator("#add_btn").click()
    page.wait_for_selector("#index_report table")
    report = page.locator("#index_report").inner_text()
    assert "added" in report and "The file is empty." in report
    page.wait_for_selector("#pills >> text=85 chunks")
    assert not list((app.home / "uploads").iterdir()) and not list((app.home / "downloads").rglob("whale.md"))

    page.locator("#probe input, #probe textarea").first.fill("How heavy is a blue whale?")
    page.locator("#find_btn").click()
    page.wait_for_selector("#found .src")
    assert "Whales" in page.locator("#found .src").first.inner_text()

    page.locator("#filter input, #filter textarea").first.fill("whale")
    page.wait_for_function("document.querySelectorAll('#documents tbody tr').length === 1")
    page.locator("#documents tbody input").check()
    page.locator("#forget_btn").click()
    page.wait_for_selector("text=Forget 1 document?")
    page.locator("#forget_yes").click()
    page.wait_for_selector("text=1 document forgotten.")
    page.wait_for_selector("#pills >> text=84 chunks")
    page.locator("#forget_undo").click()
    page.wait_for_selector("text=1 document back in the index.")
    page.wait_for_selector("#pills >> text=85 chunks")
    page.wait_for_selector("#forget_undo", state="hidden")


def test_a_pdf_is_cited_by_page_and_a_long_job_can_be_stopped(
    app: App, visit: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "animals.pdf").write_bytes(files.pdf("The first page is about ants.", "Zebras eat grass."))
    (tmp_path / "zoo" / "long.txt").write_text("\n\n".join(f"Chapter {n} {'tells of word ' * 60}" for n in range(3000)))
    page = visit(app.url)
    page.wait_for_selector("#state[data-state=ready]", timeout=PATIENCE)
    open_tab(page, "Documents")
    page.locator("input[type=file][webkitdirectory]").set_input_files(str(tmp_path / "zoo"))
    page.wait_for_selector("#files .file-preview >> text=animals")
    page.locator("#add_btn").click()
    page.wait_for_selector("#index_report >> text=Embedding", timeout=PATIENCE)
    page.locator("#stop_indexing").click()
    page.wait_for_selector("#index_report >> text=Stopped; what was finished is kept.", timeout=PATIENCE)
    page.wait_for_selector("#stop_indexing", state="hidden")
    choose_documents(page, tmp_path / "zoo" / "animals.pdf")
    page.locator("#add_btn").click()
    page.wait_for_selector("#index_report >> text=1 file in")
    page.wait_for_function("document.querySelector('#index_report tbody')?.innerText.includes('animals.pdf')")
    page.locator("#probe input, #probe textarea").first.fill("What do zebras eat?")
    page.locator("#find_btn").click()
    page.wait_for_selector("#found >> text=Zebras eat grass.", state="attached")
    assert "page 2" in page.locator("#found .src").first.text_content().lower()  # in the closed part


def test_a_folder_can_be_dropped_and_put_into_a_collection(app: App, visit: Callable[..., Any], tmp_path: Path) -> None:
    """Dropped as a person does it: the browser gets a folder of the disk, with another one in it."""
    folder = tmp_path / "harbour"
    (folder / "old").mkdir(parents=True)
    (folder / "piers.md").write_text("# Piers\n\nThe harbour has four piers.")
    (folder / "old" / "tides.txt").write_text("The tide of the harbour rises three metres.")
    (folder / ".hidden.txt").write_text("Nobody should read this.")
    page = visit(app.url)
    page.wait_for_selector("#state[data-state=ready]", timeout=PATIENCE)
    open_tab(page, "Documents")
    page.locator("#files").scroll_into_view_if_needed()
    box = page.locator("#files").bounding_box()
    browser = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for moment in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        browser.send("Input.dispatchDragEvent", {"type": moment, **place, "data": data})
    page.wait_for_selector("#files .file-preview >> text=tides")
    assert "hidden" not in page.locator("#files").inner_text()
    page.locator("#collection input").fill("harbour")
    page.keyboard.press("Enter")
    page.locator("#add_btn").click()
    page.wait_for_selector("#index_report >> text=2 files in")
    page.wait_for_function("document.querySelector('#documents').innerText.includes('tides.txt · harbour')")

    page.locator("#probe_collection input").click()
    page.get_by_role("option", name="harbour").click()
    page.locator("#probe input, #probe textarea").first.fill("When is the clinic open?")
    page.locator("#find_btn").click()
    page.wait_for_selector("#found .src")
    assert {"Piers", "Tides"} >= set(page.locator("#found .src .ttl").all_inner_texts())
    assert "passages are in the collection harbour" in page.locator("#found").text_content()

    open_tab(page, "Compare")
    page.locator("#run_settings > button").first.click()
    page.locator("#run_collection input").click()
    page.get_by_role("option", name="harbour").click()
    page.locator("#run_where textarea, #run_where input").first.fill("source=pier*")
    page.locator("#question textarea").fill("How many piers are there?")
    page.keyboard.press("Control+Enter")
    wait_ended(page)
    said = page.locator("#run_line").inner_text()
    assert "collection harbour" in said and "search where source=pier*" in said
    titles = page.locator("#panels .syscard:not([hidden]) .src .ttl").all_text_contents()
    assert titles and set(titles) == {"Piers"}


def test_nothing_chosen_is_told(app: App, visit: Callable[..., Any]) -> None:
    page = visit(app.url)
    open_tab(page, "Documents")
    page.locator("#add_btn").click()
    page.wait_for_selector("text=Choose one or more files first.")
    page.locator("#forget_btn").click()
    page.wait_for_selector("text=Select one or more documents first.")
    page.locator("#find_btn").click()
    page.wait_for_selector("#found >> text=Type a question first.")
    assert not page.locator("#found .src").count() and not page.locator("#index_report table").count()
