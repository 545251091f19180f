"""The index on a real Chroma server: two apps share it; restarted, emptied or away, nothing is silently wrong."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragft_core.errors import HomeError
from ragft_core.retrieval.server import Server

from ..test_retrieval import Desk, statuses

pytestmark = pytest.mark.slow


ROOT = Path(__file__).parents[2]
OTHER = """
import sys
from pathlib import Path
from types import SimpleNamespace
from tests.slow.test_chroma_server import desk_on
desk = desk_on(SimpleNamespace(address=sys.argv[1]), Path(sys.argv[2]))
assert desk.collection() == set(desk.index._shelf.ids())
print(desk.index.search("topic7", 1)[0].text, flush=True)
desk.close()
"""


class ChromaServer:
    """`chroma run` on a folder and a free port of the loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        chroma = Path(sys.executable).parent / "chroma"
        command = [str(chroma), "run", "--path", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        environment = os.environ | {"ANONYMIZED_TELEMETRY": "False"}
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the Chroma server did not start")

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    server = ChromaServer(tmp_path_factory.mktemp("chroma"))
    yield server
    server.end()


def desk_on(server: ChromaServer, folder: Path, **more: str) -> Desk:
    folder.mkdir(exist_ok=True)
    desk = Desk(folder, chroma=server.address, **more)
    for n in range(30):
        desk.write(**{f"page{n}": f"# Page {n}\nThis page of {folder.name} tells of topic{n} and of other things."})
    desk.add()
    return desk


def names(desk: Desk) -> set[str]:
    return desk.index._dense.server.names()  # type: ignore[union-attr]


def test_documents_are_found_changed_and_forgotten_on_the_server(server: ChromaServer, tmp_path: Path) -> None:
    desk = desk_on(server, tmp_path / "one")
    assert not (desk.home / "index").exists() or not list((desk.home / "index").iterdir())
    assert desk.index.search("topic7", 1)[0].source == "page7.md"
    desk.write(page7="# Page 7\nNow about whales.")
    assert statuses(desk.index.add([desk.docs]))["page7.md"] == "updated"
    assert "whales" in desk.index.search("whales", 1)[0].text
    desk.index.forget(["page8.md"])
    assert desk.collection() == set(desk.index._shelf.ids()) and len(desk.collection()) == 29
    assert desk.index.undo_forget() == ["page8.md"]
    assert desk.again().notices == ()
    assert desk.collection() == set(desk.index._shelf.ids()) and len(names(desk)) == 1
    desk.close()


def test_two_apps_share_a_server_and_see_their_own(server: ChromaServer, tmp_path: Path) -> None:
    one, two = desk_on(server, tmp_path / "one"), desk_on(server, tmp_path / "two")
    for desk, other in ((one, "two"), (two, "one")):
        assert not [p for p in desk.index.search("This page tells of topic1", 30, "dense") if f"of {other} " in p.text]
        assert len(desk.collection()) == 30
    assert names(one).isdisjoint(names(two))
    one.index._dense.rebuild("was asked for")
    assert len(names(one)) == len(names(two)) == 1
    assert two.index.search("topic3", 1)[0].source == "page3.md"
    one.close()
    two.close()


def test_two_processes_write_at_once(server: ChromaServer, tmp_path: Path) -> None:
    command = [sys.executable, "-c", OTHER, server.address, str(tmp_path / "theirs")]
    other = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    desk = desk_on(server, tmp_path / "ours")
    while other.poll() is None:
        desk.write(page7=f"# Page 7\nThis page of ours tells of topic7 at {time.monotonic()}.")
        desk.add()
        assert "page of ours tells of topic7" in desk.index.search("topic7", 1)[0].text
    assert other.returncode == 0 and "page of theirs tells of topic7" in other.communicate()[0]
    assert desk.collection() == set(desk.index._shelf.ids()) and len(desk.collection()) == 30
    desk.close()


def test_a_tenant_and_a_database_of_ones_own(server: ChromaServer, tmp_path: Path) -> None:
    desk = desk_on(server, tmp_path / "own", chroma_tenant="clinic", chroma_database="handbook")
    assert desk.index.search("topic5", 1)[0].source == "page5.md"
    assert len(names(desk)) == 1
    elsewhere = Server(server.address, "default_tenant", "default_database", desk.index._dense.server.owner)  # type: ignore[union-attr]
    assert elsewhere.names() == set()
    desk.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_was_restarted_is_used_again(server: ChromaServer, tmp_path: Path, how: signal.Signals) -> None:
    desk = desk_on(server, tmp_path / how.name)
    server.end(how)
    server.start()
    assert desk.index.search("topic9", 1)[0].source == "page9.md"
    assert desk.again().notices == ()
    assert desk.index._dense._sound().lost(desk.index._shelf.vectors(desk.index._shelf.ids())) == []
    desk.close()


def test_a_server_that_lost_everything_is_filled_again(server: ChromaServer, tmp_path: Path) -> None:
    desk = desk_on(server, tmp_path / "lost")
    (name,) = names(desk)
    desk.close()
    Server(server.address, "default_tenant", "default_database", "ragft").discard(name)
    (notice,) = desk.open().notices
    assert notice == "The index was missing. It was made again from the database: 30 passages, nothing lost."
    assert desk.index.search("topic9", 1)[0].source == "page9.md"
    desk.close()


def test_a_server_that_is_away_is_a_sentence_and_nothing_is_lost(server: ChromaServer, tmp_path: Path) -> None:
    desk = desk_on(server, tmp_path / "away")
    server.end()
    try:
        with pytest.raises(HomeError, match="is the Chroma server running"):
            desk.index.search("topic9", 1)
        assert desk.index.search("topic9", 1, "keyword")[0].source == "page9.md"
        desk.close()
        with pytest.raises(HomeError, match="is the Chroma server running"):
            desk.open()
        desk.store.close()
    finally:
        server.start()
    assert desk.open().search("topic9", 1)[0].source == "page9.md"
    desk.close()


def test_the_setting_switches_back_and_forth(server: ChromaServer, tmp_path: Path) -> None:
    desk = desk_on(server, tmp_path / "switch")
    desk.settings = desk.settings.model_copy(update={"chroma": ""})
    assert "was made again from the database: 30 passages" in desk.again().notices[0]
    assert desk.index.search("topic9", 1)[0].source == "page9.md"
    desk.settings = desk.settings.model_copy(update={"chroma": server.address})
    assert "was made again from the database: 30 passages" in desk.again().notices[0]
    assert desk.index.search("topic9", 1)[0].source == "page9.md"
    assert len(names(desk)) == 1
    desk.close()
