import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ragft_core import Settings, Studio, cli, cli_documents
from ragft_core.documents import Columns
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_core.types import FileReport, IndexReport


@pytest.fixture(autouse=True)
def weightless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Studio that a command opens echoes and has one page."""
    for place in (cli, cli_documents):
        fake = lambda settings: Studio(settings, engine=EchoEngine(), retrieval=OnePageIndex())  # noqa: E731
        monkeypatch.setattr(place, "Studio", fake)


def ragft(home: Path, *words: str) -> int:
    return cli.main([words[0], "--home", str(home), "--no-demo", *words[1:]])


def test_ask_prints_a_comparison_as_json(home: Path, capsys) -> None:
    assert ragft(home, "ask", "Why is the sky blue?", "--arms", "rag,base", "--json") == 0
    out, err = capsys.readouterr()
    comparison = json.loads(out)
    assert [answer["arm"] for answer in comparison["answers"]] == ["base", "rag"]
    assert all(answer["done"] for answer in comparison["answers"]) and err == ""


def test_ask_prints_answers_for_people(home: Path, capsys) -> None:
    assert ragft(home, "ask", "Why?") == 0
    out = capsys.readouterr().out
    assert "== RAG (done" in out and "== Fine-tuned" in out and "[1] The sky" in out


def test_search_prints_passages_with_their_scores(home: Path, capsys) -> None:
    assert ragft(home, "search", "Why?", "-k", "1") == 0
    assert "[1] The sky (sky.md; dense 0.800" in capsys.readouterr().out
    assert ragft(home, "search", "Why?", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passages"][0]["scores"]["keyword"] == 1.2 and found["seconds"] >= 0


def test_index_reports_a_row_per_file(home: Path, capsys, monkeypatch) -> None:
    files = (FileReport("a.md", "added", chunks=2), FileReport("b.bin", "skipped", "not text"))
    monkeypatch.setattr(OnePageIndex, "add", lambda self, paths, progress, **how: IndexReport(files, 2, 0.5))
    assert ragft(home, "index", "folder") == 0
    out = capsys.readouterr().out
    assert "skipped   b.bin  (not text)" in out and "1 added, 1 skipped; 2 chunks in 0.5 s" in out


def test_index_hands_on_columns_and_says_when_it_was_stopped(home: Path, capsys, monkeypatch) -> None:
    given: dict = {}

    def add(self: OnePageIndex, paths: list[Path], progress: object, **how: object) -> IndexReport:
        given.update(how)
        signal.raise_signal(signal.SIGINT)  # as Ctrl+C does, once
        return IndexReport((FileReport("a.csv", "added", pages=2, chars=1234),), 64, 8.0, 64, 4.0, how["stopped"]())

    monkeypatch.setattr(OnePageIndex, "add", add)
    words = ["--content", "text", "--metadata", "who,when", "--rows", "9", "--seed", "3"]
    assert ragft(home, "index", "a.csv", *words) == 130
    out = capsys.readouterr().out
    assert given["columns"] == Columns("text", ("who", "when"), 9, 3)
    assert "added     a.csv  (2 pages, 1,234 characters)" in out
    assert "64 chunks in 8.0 s, 16 embedded a second\nStopped; what was finished is kept." in out


def test_index_without_columns_leaves_tables_as_they_were(home: Path, monkeypatch) -> None:
    given: dict = {}
    monkeypatch.setattr(OnePageIndex, "add", lambda self, *_, **how: given.update(how) or IndexReport((), 0, 0.0))
    assert ragft(home, "index", "a.csv") == 0
    assert given["columns"] is None


def test_forget_can_be_undone(home: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(OnePageIndex, "undo_forget", lambda self: ["a.md"])
    assert ragft(home, "forget", "--undo") == 0
    assert "1 documents are back: a.md" in capsys.readouterr().out
    for words in ([], ["--undo", "a.md"]):
        assert ragft(home, "forget", *words) == 1
        assert "Name the documents to forget" in capsys.readouterr().err


def test_documents_and_forget_of_an_empty_home(home: Path, capsys) -> None:
    assert ragft(home, "documents") == 0 and "No documents yet" in capsys.readouterr().out
    assert ragft(home, "forget", "x.md", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"forgotten": 0}


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["ask", ""], "Type a question first"),
        (["ask", "Why?", "--arms", "magic"], "no arm 'magic'"),
        (["ask", "Why?", "--max-new-tokens", "1000000000"], "max_new_tokens must be"),
        (["search", "Why?", "-k", "0"], "top_k must be"),
    ],
)
def test_a_fault_is_one_line_on_stderr_and_exit_code_1(home: Path, capsys, words: list[str], part: str) -> None:
    assert ragft(home, *words) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and part in err and err.count("\n") == 1


def test_wrong_usage_is_exit_code_2(home: Path) -> None:
    for words in (["dance"], ["ask"], ["ask", "Why?", "--colour"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(words)
        assert caught.value.code == 2


def test_an_interrupt_is_exit_code_130(home: Path, capsys, monkeypatch) -> None:
    def interrupted(self, *_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Studio, "ask", interrupted)
    assert ragft(home, "ask", "Why?") == 130
    with Studio(Settings.load(home=home), engine=EchoEngine(), retrieval=OnePageIndex()):
        pass  # the home was given back


def test_a_home_held_by_a_process_without_a_page_is_said(home: Path, capsys) -> None:
    with Studio(Settings.load(home=home), engine=EchoEngine(), retrieval=OnePageIndex()):
        assert ragft(home, "ask", "Why?") == 1
    assert "in use by process" in capsys.readouterr().err


def test_a_missing_settings_file_is_said(home: Path, capsys) -> None:
    assert ragft(home, "ask", "Why?", "--config", "none.toml") == 1
    assert "no settings file none.toml" in capsys.readouterr().err


def test_a_running_app_that_does_not_answer_is_said(home: Path, capsys) -> None:
    with Studio(Settings.load(home=home), engine=EchoEngine(), retrieval=OnePageIndex()) as studio:
        studio.home.announce("http://127.0.0.1:9")
        assert ragft(home, "ask", "Why?") == 1
    assert "does not answer at http://127.0.0.1:9" in capsys.readouterr().err


def test_ratings_go_out_and_in_and_are_ranked(home: Path, capsys, tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    rows = [{"question": f"Why {n}?", "arm": arm, "answer": f"{arm} {n}"} for n in range(3) for arm in ("rag", "tuned")]
    answers.write_text("\n".join(map(json.dumps, rows)))
    assert ragft(home, "ratings", "import", str(answers), "--json") == 0
    assert json.loads(capsys.readouterr().out)["studies"]
    assert ragft(home, "ratings", "rank") == 1 and "no rating yet" in capsys.readouterr().err
    assert ragft(home, "ratings", "export") == 1 and "Name the file" in capsys.readouterr().err


def test_search_takes_steps_conditions_and_shows_its_trace(home: Path, capsys) -> None:
    words = ["search", "Why?", "--steps", "dense,mmr", "--where", "source=s*", "--where", "page=1", "--trace"]
    assert ragft(home, *words) == 0
    out = capsys.readouterr().out
    assert "question: Why?" in out and "dense: 1 passages" in out and "sky.md | The sky" in out
    assert ragft(home, "search", "Why?", "--json", "--mode", "keyword") == 0
    found = json.loads(capsys.readouterr().out)
    assert [stage["name"] for stage in found["stages"]] == ["keyword"] and found["low_evidence"] == ""
    assert found["queries"] == [{"kind": "question", "text": "Why?"}] and found["seen"]["p1"]["source"] == "sky.md"
    assert ragft(home, "search", "Why?", "--steps", "magic") == 1
    assert "no search step 'magic'" in capsys.readouterr().err


def test_a_comparison_records_its_steps(home: Path, capsys) -> None:
    assert ragft(home, "ask", "Why?", "--steps", "floor,mmr", "--where", "page=1", "--json") == 0
    setup = json.loads(capsys.readouterr().out)["setup"]
    assert setup["steps"] == ["mmr", "floor"] and setup["where"] == ["page=1"] and setup["search_mode"] == "hybrid"


def test_index_is_checked_and_made_anew(home: Path, capsys) -> None:
    assert ragft(home, "index", "--check") == 0
    assert "check: sound" in capsys.readouterr().out
    assert ragft(home, "index", "--rebuild", "--json") == 0
    assert json.loads(capsys.readouterr().out)["seconds"] == 0.0
    assert ragft(home, "index") == 1
    assert "--check or --rebuild" in capsys.readouterr().err


def test_a_reader_who_has_gone_is_no_error_and_a_dead_child_does_not_end_the_command(home: Path) -> None:
    before = signal.getsignal(signal.SIGPIPE)
    assert ragft(home, "documents") == 0 and signal.getsignal(signal.SIGPIPE) == before
    here, there = os.pipe()
    os.close(here)
    command = [sys.executable, "-m", "ragft_core", "adapters", "--home", str(home)]
    done = subprocess.run(command, stdout=there, stderr=subprocess.PIPE, cwd=Path(__file__).parents[1])
    os.close(there)
    assert (done.returncode, done.stderr) == (0, b"")
