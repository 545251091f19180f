"""Many visitors at once: each has a place in the queue or a clear refusal, and none hangs."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gradio_client import Client

from .conftest import wait_until

pytestmark = pytest.mark.slow

VISITORS = 24


def test_twenty_visitors_and_some_more(demo_home: Path, start_app) -> None:
    app = start_app(demo_home)
    clients = [Client(app.url, verbose=False) for _ in range(VISITORS)]
    wait_until(lambda: clients[0].predict(api_name="/status")["state"] == "ready")

    def visit(client: Client) -> tuple[str, float, list[int]]:
        """How it ended, after how many seconds, and the places in the queue the visitor was shown."""
        started, places = time.monotonic(), []
        job = client.submit("When is the clinic open?", ["rag"], None, 2, 24, api_name="/ask")
        while not job.done():
            rank = job.status().rank
            if rank is not None and rank not in places[-1:]:
                places.append(rank)
            time.sleep(0.05)
        error = job.exception()
        outcome = str(error) if error else job.outputs()[-1]["answers"][0]["state"]
        return outcome, time.monotonic() - started, places

    with ThreadPoolExecutor(VISITORS) as pool:
        visits = list(pool.map(visit, clients, timeout=240))
    answered = [visit for visit in visits if visit[0] == "done"]
    refused = [visit for visit in visits if visit[0] != "done"]
    assert len(answered) >= 20, visits
    assert all("queue" in outcome.lower() or "busy" in outcome.lower() for outcome, _, _ in refused), refused
    assert all(seconds < 10 for _, seconds, _ in refused), refused
    assert any(places for _, _, places in answered), "nobody was shown a place in the queue"
