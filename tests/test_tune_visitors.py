"""A visitor of a public page calls every event of the Fine-tune tab over HTTP: refused, and nothing changes."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest

from ragft_core import Settings, Studio
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_core.training.run import process_of

from .test_training_draft import write_run
from .test_training_runs import starter
from .test_tune_tab import USUAL

ACTS = ("show", "use", "card", "export", "rename", "merge", "delete")
SENTENCES = ("stop_run", "resume_run", "look", "opened", "use", "diff", "act", "open", "take_demo", "merge")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A served public page over a home with examples, a run that goes on, one that was stopped, and an adapter."""
    folder = tmp_path_factory.mktemp("public")
    (folder / "tmp").mkdir()
    patch = pytest.MonkeyPatch()
    patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    patch.setenv("GRADIO_TEMP_DIR", str(folder / "home" / "downloads"))
    patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")

    def launched(*_: Any) -> None:
        raise AssertionError("a visitor started a process")

    patch.setattr(starter, "launch", launched)
    import ragft_ui

    settings = Settings.load(home=folder / "home", demo=False, port=0, public=True)
    with Studio(settings, engine=EchoEngine(), retrieval=OnePageIndex()) as studio:
        home = studio.home.folder
        for name in ("runs", "datasets"):
            (home / name).mkdir()
        rows = [json.dumps({"question": f"What is zebra {n}?", "answer": f"Quokka {n}."}) for n in range(20)]
        (home / "datasets" / "rows.jsonl").write_text("\n".join(rows) + "\n{broken")
        write_run(home / "runs" / "old", 8, "green")
        going = write_run(home / "runs" / "going", 8)
        (going / "state.json").write_text(json.dumps({"state": "running", "message": "quokka", "step": 3}))
        (going / "proc.json").write_text(json.dumps(process_of(os.getpid())))
        stopped = write_run(home / "runs" / "halted", 8)
        (stopped / "state.json").write_text(json.dumps({"state": "stopped", "message": "quokka", "step": 3}))
        page = ragft_ui.build(studio)
        yield SimpleNamespace(url=ragft_ui.launch(page, studio), page=page, home=home)
        page.close(verbose=False)
    patch.undo()


def tree(home: Path) -> dict[str, tuple[int, int]]:
    """All files of the home but what the server itself writes."""
    mine = ("runs", "datasets", "adapters", "merged", "uploads")
    files = [file for name in mine for file in (home / name).rglob("*")]
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in files}


def events_of(public: SimpleNamespace) -> list[Any]:
    """Gradio's records of the tab's events."""
    names = ("examples", "form", "groups", "propose", "watch", "tab")
    files = ("run_list", "adapter_list", *(f"tune_{name}" for name in names))
    ours = {f"ragft_ui.{name}" for name in files}
    return [fn for fn in public.page.fns.values() if getattr(fn.fn, "__module__", "") in ours]


def data_for(fn: Any) -> list[Any]:
    """Inputs that the owner could send: real names of a file, a run and an adapter."""
    values: list[Any] = []
    for block in fn.inputs:
        name, label = str(getattr(block, "elem_id", "") or ""), str(getattr(block, "label", "") or "")
        usual = {"tune_run": "going", "tune_file": "rows.jsonl", "tune_adapter": "clinic-raft", "others": []}
        usual["merging"] = "clinic-raft"
        by_label = {"Recipe": "sft", "Size": "smoke", "Method": "lora", "RAFT: golden share": 0.8}
        found = usual.get(name, by_label.get(label, USUAL.get(label)))
        values.append(["going", "old"] if isinstance(block, gr.JSON) else found)
    return values


def called(public: SimpleNamespace, number: int, data: list[Any], event: dict[str, Any] | None = None) -> str:
    """All that a caller is told, through both ways in."""
    body = {"data": data, "fn_index": number, "session_hash": f"visitor{number}", "event_data": event}
    told = [httpx.post(f"{public.url}/gradio_api/run/predict", json=body, timeout=30).text]
    joined = httpx.post(f"{public.url}/gradio_api/queue/join", json=body, timeout=30)
    told.append(joined.text)
    if joined.status_code == 200:
        listen = {"session_hash": body["session_hash"]}
        with httpx.stream("GET", f"{public.url}/gradio_api/queue/data", params=listen, timeout=30) as stream:
            for line in stream.iter_lines():
                told.append(line)
                if "process_completed" in line or "close_stream" in line:
                    break
    return "\n".join(told)


@pytest.mark.slow
def test_no_event_of_the_tab_serves_a_visitor(public: SimpleNamespace) -> None:
    before, names = tree(public.home), set()
    for fn in events_of(public):
        names.add(fn.fn.__name__)
        for act in ACTS if fn.fn.__name__ in ("act", "open") else (None,):
            event = {"act": act, "name": "going" if fn.fn.__name__ == "open" else "clinic-raft"} if act else None
            told = called(public, fn._id, data_for(fn), event)
            assert not [word for word in ("zebra", "quokka", "halted", "has started") if word in told.lower()], told
            assert tree(public.home) == before, fn.fn.__name__
            assert "This is a public demo" in told or fn.fn.__name__ not in SENTENCES, told
    privileged = {"take", "take_demo", "take_clean", "begin", "stop_run", "resume_run", "use", "diff", "cost", "look"}
    privileged |= {
        "duel",
        "sweep",
        "curve",
        "act",
        "rename_it",
        "bring_back",
        "import_file",
        "merge",
        "group_table",
        "propose",
        "keep",
    }
    assert privileged <= names and len(names) > 14


@pytest.mark.parametrize("name", ["begin", "stop_run", "resume_run", "take_clean", "choose", "diff", "cost", "look"])
def test_a_visitor_is_told_why(public: SimpleNamespace, name: str) -> None:
    fn = next(fn for fn in events_of(public) if fn.fn.__name__ == name)
    told = fn.fn(*data_for(fn))
    words = str(told if isinstance(told, (dict, list, str)) else list(told))
    assert "This is a public demo" in words


def test_a_visitor_s_page_names_no_run_and_no_file(public: SimpleNamespace) -> None:
    config = httpx.get(f"{public.url}/config").text
    assert "This is a public demo" in config
    assert not [word for word in ("rows.jsonl", "halted", "going") if f'"{word}"' in config]
