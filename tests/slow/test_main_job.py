"""The main job on real parts: the embedded model, real Chroma, real processes, no network."""

import json
import shutil
from pathlib import Path

import pytest
from gradio_client import Client

from ragft_core.settings import ASSETS

from .conftest import wait_until

pytestmark = pytest.mark.slow

EXAMPLES = json.loads((ASSETS / "demo" / "examples.json").read_text("utf-8"))
QUESTION = EXAMPLES[0]["question"]


def texts(comparison: dict) -> dict[str, str]:
    return {answer["arm"]: answer["text"] for answer in comparison["answers"]}


def test_ask_twice_gives_the_same_tokens(ragft, demo_home: Path) -> None:
    first, second = (ragft(demo_home, "ask", QUESTION, "--arms", "base,rag,tuned,hybrid") for _ in range(2))
    assert texts(first) == texts(second) and all(texts(first).values())
    assert first["setup"] == second["setup"]
    assert [a["tokens"] for a in first["answers"]] == [a["tokens"] for a in second["answers"]]


def test_the_page_gives_what_the_command_gives(ragft, demo_home: Path, start_app) -> None:
    alone = ragft(demo_home, "ask", QUESTION)
    app = start_app(demo_home)
    client = Client(app.url, verbose=False)
    wait_until(lambda: client.predict(api_name="/status")["state"] == "ready")
    through_page = client.submit(QUESTION, api_name="/ask")
    assert texts(list(through_page)[-1]) == texts(alone)
    through_command = ragft(demo_home, "ask", QUESTION)  # the app owns the home: the command goes through it
    assert texts(through_command) == texts(alone) and through_command["setup"] == alone["setup"]
    assert ragft(demo_home, "search", QUESTION, "-k", "2")["passages"]
    assert ragft(demo_home, "documents")["documents"]


def test_a_killed_app_leaves_a_home_that_opens(ragft, demo_home: Path, start_app) -> None:
    app = start_app(demo_home)
    app.process.kill()
    app.process.wait()
    assert ragft(demo_home, "ask", QUESTION)["answers"][0]["done"]


def test_nothing_reached_for_the_network(ragft, demo_home: Path, closed) -> None:
    ragft(demo_home, "ask", QUESTION)
    assert not closed.log.exists(), closed.log.read_text()


@pytest.mark.parametrize("fault", ["no folder", "truncated weights", "no weights", "no config"])
def test_a_model_that_cannot_be_loaded_is_one_sentence(
    ragft, home: Path, tmp_path: Path, fault: str, monkeypatch
) -> None:
    model = tmp_path / "model"
    shutil.copytree(ASSETS / "model", model)
    weights = model / "model.safetensors"
    if fault == "no folder":
        shutil.rmtree(model)
    elif fault == "truncated weights":
        weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    elif fault == "no weights":
        weights.unlink()
    else:
        (model / "config.json").unlink()
    config = tmp_path / "ragft.toml"
    config.write_text(f'model = "{model}"\n')
    done = ragft(home, "ask", "Why?", "--no-demo", "--config", str(config), ok=False)
    assert done.returncode == 1 and done.stderr.startswith("error: "), done.stderr
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1
