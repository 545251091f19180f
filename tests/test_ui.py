"""The page as a server: its public endpoints, limits and refusals, with a model that weighs nothing."""

import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from ragft_core import Settings, SettingsError, Studio
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_core.types import Comparison, Status, comparison_from_json
from ragft_ui.launch import free_port, security_headers, trusted
from ragft_ui.turns import Turns, frames, paced, until_loaded

ROOT = Path(__file__).parents[1]
QUESTION = "why is the sky so blue today"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """One served page for all tests here: importing Gradio and building a page takes seconds."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "tmp").mkdir()
    patch = pytest.MonkeyPatch()
    patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    patch.setenv("GRADIO_TEMP_DIR", str(folder / "home" / "downloads"))
    patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    import ragft_ui

    engine = EchoEngine(delay=0.02)
    settings = Settings.load(home=folder / "home", demo=False, port=0, queue_size=6)
    with Studio(settings, engine=engine, retrieval=OnePageIndex()) as studio:
        studio.warm()
        page = ragft_ui.build(studio)
        url = ragft_ui.launch(page, studio)
        yield SimpleNamespace(url=url, engine=engine, studio=studio, page=page)
        page.close(verbose=False)
    patch.undo()


@pytest.fixture(scope="session")
def client(served: SimpleNamespace) -> Iterator[Client]:
    """One visitor for all tests here: a Gradio client takes two seconds to come and go."""
    client = Client(served.url, verbose=False)
    yield client
    client.close()


# ---------------------------------------------------------------- endpoints


def test_ask_streams_growing_comparisons(client: Client, served: SimpleNamespace) -> None:
    job = client.submit(QUESTION, ["rag", "tuned", "hybrid"], api_name="/ask")
    snapshots = [comparison_from_json(data) for data in job]
    last = snapshots[-1]
    assert len(snapshots) > 4 and last.done and [a.state for a in last.answers] == ["done"] * 3
    assert last.answers[0].text.startswith("base:") and last.answers[1].text.startswith("clinic-raft:")
    assert last.answers[0].cited == (1,) and last.answers[1].passages == ()
    assert served.studio.comparison(last.id) == last


def test_ask_takes_the_settings_for_what_is_not_given(client: Client) -> None:
    last = comparison_from_json(client.submit(QUESTION, api_name="/ask").result())
    assert [a.arm for a in last.answers] == ["rag", "tuned", "hybrid"] and last.setup["top_k"] == 3


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("  ",), "Type a question first."),
        (("x" * 100_000,), "at most 4,000 are taken"),
        ((QUESTION, ["base", "oracle"]), "There is no arm 'oracle'"),
        ((QUESTION, []), "No arm is chosen"),
        ((QUESTION, ["base"], None, -1), "top_k must be a number from 1 to 20"),
        ((QUESTION, ["base"], None, 3, 10**9), "max_new_tokens must be a number from 1 to 1024"),
        ((QUESTION, ["base"], None, "many"), "top_k must be a number"),
    ],
)
def test_ask_refuses_with_the_sentence(client: Client, args: tuple, words: str) -> None:
    with pytest.raises(AppError, match=words.replace("(", r"\(")):
        client.submit(*args, api_name="/ask").result()


def test_a_fault_of_ours_becomes_an_id(
    client: Client, served: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("hf_secret")

    monkeypatch.setattr(served.studio, "trace", broken)
    with pytest.raises(AppError, match=r"error [0-9a-f]{8}") as told:
        client.predict("q", api_name="/search")
    assert "hf_secret" not in str(told.value) and "hf_secret" in caplog.text


def test_search_documents_and_status_answer(client: Client) -> None:
    assert [p["source"] for p in client.predict("sky", 1, "dense", api_name="/search")["passages"]] == ["sky.md"]
    assert client.predict(api_name="/documents") == {"documents": []}
    assert client.predict(api_name="/status")["state"] == "ready"
    found = client.predict("sky", 1, None, "keyword,mmr", ["page=1"], api_name="/search")
    assert [stage["name"] for stage in found["stages"]] == ["keyword"] and found["seen"]["p1"]["title"] == "The sky"
    with pytest.raises(AppError, match="search mode 'psychic' is unknown"):
        client.predict("sky", 1, "psychic", api_name="/search")


def test_only_the_typed_endpoints_are_public(client: Client) -> None:
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {"/ask", "/search", "/documents", "/status"}


def test_leaving_ends_generation(served: SimpleNamespace) -> None:
    client, before = Client(served.url, verbose=False), served.engine.closed
    job = client.submit(" ".join(["word"] * 300), ["base"], api_name="/ask")
    until = time.monotonic() + 10
    while not job.outputs() and time.monotonic() < until:
        time.sleep(0.05)
    job.cancel()
    client.close()
    left = time.monotonic()
    while served.engine.closed == before and time.monotonic() - left < 5:
        time.sleep(0.02)
    assert served.engine.closed == before + 1 and time.monotonic() - left < 2


# ---------------------------------------------------------------- the server's limits


def test_a_full_queue_is_told_at_once_and_who_got_in_is_served(served: SimpleNamespace) -> None:
    places = served.studio.settings.queue_size
    ask = {"data": [" ".join(["word"] * 20), ["base"], *[None] * 6]}
    served.engine.delay, usual = 1.0, served.engine.delay  # so that nobody is served while the queue fills
    replies = [httpx.post(f"{served.url}/gradio_api/call/ask", json=ask, timeout=30) for _ in range(places + 6)]
    served.engine.delay = usual
    taken = [reply.json()["event_id"] for reply in replies if reply.status_code == 200]
    refused = [reply for reply in replies if reply.status_code != 200]
    assert places <= len(taken) <= places + 4 and {reply.status_code for reply in refused} == {503}
    last = httpx.get(f"{served.url}/gradio_api/call/ask/{taken[-1]}", timeout=120)
    assert "event: complete" in last.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:7860"])
def test_a_foreign_host_name_is_refused(served: SimpleNamespace, host: str) -> None:
    assert httpx.get(served.url, headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:7860", "someone-ragft.hf.space"])
def test_the_machine_s_own_names_are_served(served: SimpleNamespace, host: str) -> None:
    assert httpx.get(served.url, headers={"host": host}).status_code == 200


def test_which_names_are_trusted_depends_on_where_it_listens() -> None:
    assert trusted("ragft.lan:7860", "ragft.lan") and not trusted("ragft.lan", "127.0.0.1")
    assert trusted("192.168.1.7:7860", "0.0.0.0") and not trusted("192.168.1.7", "127.0.0.1")
    assert not trusted("evil.example", "0.0.0.0") and not trusted("hf.space.evil.example", "0.0.0.0")


def test_every_answer_carries_the_security_headers(served: SimpleNamespace) -> None:
    for path in ("/", "/config", "/nothing-here"):
        headers = httpx.get(served.url + path).headers
        assert headers["content-security-policy"] == security_headers()["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert "default-src 'self'" in security_headers()["content-security-policy"]


def test_a_space_may_be_framed_by_hugging_face_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert security_headers()["content-security-policy"].rpartition("; ")[2] == "frame-ancestors 'self'"
    monkeypatch.setenv("SPACE_ID", "someone/ragft")
    assert "https://huggingface.co" in security_headers()["content-security-policy"].rpartition("; ")[2]


@pytest.mark.parametrize("path", ["/monitoring", "/monitoring/summary", "/openapi.json", "/docs", "/redoc"])
def test_nothing_is_told_about_the_server(served: SimpleNamespace, path: str) -> None:
    assert httpx.get(served.url + path).status_code in (403, 404)


def test_the_home_folder_is_not_served(served: SimpleNamespace) -> None:
    home = served.studio.home
    files = [home.database, home.folder / "owner.json", Path(f"{home.database}-wal"), home.folder, ROOT / "app.py"]
    for file in [
        *map(str, files),
        "/etc/passwd",
        "../app.py",
        f"{home.downloads}/../ragft.sqlite",
        "file:///etc/passwd",
    ]:
        assert httpx.get(f"{served.url}/gradio_api/file={file}").status_code in (400, 403, 404), file
    font = ROOT / "assets" / "fonts" / "inter-latin-wght-normal.woff2"
    assert httpx.get(f"{served.url}/gradio_api/file={font}").status_code == 200


def test_a_file_over_the_limit_is_refused(served: SimpleNamespace) -> None:
    big = {"files": ("big.txt", b"x" * (served.studio.settings.max_file_mb * 2**20 + 1))}
    started = time.monotonic()
    assert httpx.post(f"{served.url}/gradio_api/upload", files=big, timeout=30).status_code == 413
    assert time.monotonic() - started < 10


def test_a_port_that_was_asked_for_must_be_free_and_the_default_one_moves_on(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} on 127.0.0.1 cannot be used"):
            free_port(Settings.load(home=home, port=port))
        default = SimpleNamespace(host="127.0.0.1", port=port, model_fields_set=set())
        assert free_port(default) > port
    assert free_port(Settings.load(home=home, port=0)) > 0


# ---------------------------------------------------------------- a public demo


def test_a_public_demo_refuses_changes_inside_the_function(home: Path, tmp_path: Path) -> None:
    from ragft_ui import build

    class Untouchable(OnePageIndex):
        def add(self, *_: object) -> None:  # type: ignore[override]
            raise AssertionError("a visitor changed the index")

        forget = undo_forget = add  # type: ignore[assignment]

    settings = Settings.load(home=home, demo=False, public=True)
    with Studio(settings, engine=EchoEngine(), retrieval=Untouchable()) as studio:
        page = build(studio)
        by_name = {fn.name: fn.fn for fn in page.fns.values()}
        told = [*by_name["index"](["x"]), by_name["forget_pending"](["sky.md"]), by_name["ask_first"](["sky.md"])]
        told += [by_name["undo_forget"]()]
        assert all("public demo" in str(one) for one in told)
        list(studio.ask(QUESTION))
        assert "sky" not in by_name["list_history"]()  # what others asked is theirs


# ---------------------------------------------------------------- turns, without a page


def test_a_new_turn_of_a_visitor_ends_the_earlier_one() -> None:
    turns = Turns()
    first = turns.begin("tab")
    second = turns.begin("tab")
    other = turns.begin("other tab")
    assert first.is_set() and not second.is_set()
    turns.end("tab", first)  # comes late, and takes nothing from the second
    turns.stop("tab")
    assert second.is_set() and not other.is_set()
    turns.stop_all()
    assert other.is_set()
    turns.end("tab", second)
    turns.end("other tab", other)
    assert turns.running == 0


def test_frames_come_at_a_readable_pace_and_the_end_always_comes(studio: Studio) -> None:
    studio.warm()
    shown = [
        frame for frame in frames(studio, " ".join(["word"] * 500), lambda: False) if isinstance(frame, Comparison)
    ]
    assert len(shown) < 100 and shown[-1].done


def test_while_the_model_loads_the_status_is_shown_and_stop_works() -> None:
    states = iter(["loading", "loading", "ready"])
    loading = SimpleNamespace(status=lambda: Status(next(states), "Loading model x"))
    assert [s.message for s in until_loaded(loading, lambda: False)] == ["Loading model x"] * 2
    patient = iter([False, True, True])
    assert len(list(until_loaded(SimpleNamespace(status=lambda: Status("loading")), lambda: next(patient)))) == 1


def test_closing_the_frames_closes_the_comparison() -> None:
    closed = threading.Event()

    def snapshots() -> Iterator[Comparison]:
        try:
            while True:
                yield Comparison("a", "q", ())
        finally:
            closed.set()

    stream = paced(snapshots(), apart=0.0)
    next(stream)
    stream.close()
    assert closed.is_set()


# ---------------------------------------------------------------- app.py


@pytest.fixture
def run_app(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """`python app.py --no-browser ...` within this process: its exit status and what it says on stderr."""
    import app

    monkeypatch.chdir(Path.cwd())
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for name in (*app.PRIVACY, "GRADIO_TEMP_DIR"):
        monkeypatch.setenv(name, os.environ.get(name, ""))

    def run(*flags: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["app.py", "--no-browser", *flags])
        status, said = app.main(), capsys.readouterr()
        assert said.out == "" and "Traceback" not in said.err
        return status, said.err

    return run


def test_app_says_what_is_wrong_and_ends(run_app: Callable[..., tuple[int, str]], home: Path, tmp_path: Path) -> None:
    at_home = ("--home", str(home))
    assert run_app(*at_home, "--config", str(tmp_path / "none.toml"))[0] == 1
    assert run_app(*at_home, "--port", "99999")[1].startswith("error: These settings cannot be used: port")
    (tmp_path / "file").touch()
    assert "cannot be written" in run_app("--home", str(tmp_path / "file" / "home"))[1]
    with Studio(Settings.load(home=home)):
        status, said = run_app(*at_home)
        assert status == 1 and f"is in use by process {os.getpid()}" in said


def test_app_with_a_taken_port_says_so_and_gives_the_home_back(
    run_app: Callable[..., tuple[int, str]], home: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, said = run_app("--home", str(home), "--port", str(port))
    assert status == 1 and said.startswith(f"error: Port {port} on 127.0.0.1 cannot be used")
    Studio(Settings.load(home=home)).close()


# ---------------------------------------------------------------- stop, exactly


def test_stop_lets_no_arm_write_more_than_one_token(settings: Settings) -> None:
    from ragft_ui.compare_tab import CompareTab

    with Studio(settings, engine=EchoEngine(delay=0.03), retrieval=OnePageIndex()) as studio, gr.Blocks():
        studio.warm()
        turns = Turns()
        tab, request = CompareTab(studio, turns), SimpleNamespace(session_hash="tab")
        shown: list[Comparison] = []
        watched = lambda *a, **k: (shown.append(c) or c for c in Studio.ask(studio, *a, **k))  # noqa: E731
        studio.ask = watched  # type: ignore[method-assign]
        stream = tab.answer(request, " ".join(["word"] * 200), ["rag", "tuned", "hybrid"], *[None] * 9)
        while not shown or not shown[-1].answers[0].tokens > 3:
            next(stream)
        before = [answer.tokens for answer in shown[-1].answers]
        tab.stop_turn(request)
        list(stream)
        saved = studio.history()[0]
        assert [answer.state for answer in saved.answers] == ["stopped"] * 3
        assert all(0 <= answer.tokens - n <= 1 for answer, n in zip(saved.answers, before, strict=True))
        assert all(answer.text for answer in saved.answers) and turns.running == 0
