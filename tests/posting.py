"""The page's functions called over plain HTTP, as somebody without our page would: by number, with any input."""

import json
import uuid
from pathlib import Path
from typing import Any

import gradio as gr
import httpx


class Caller:
    """One visitor; keeps cookies, and everything that was ever received, as text."""

    def __init__(self, url: str, page: gr.Blocks) -> None:
        self.url, self.page, self.heard = url, page, []  # type: ignore[var-annotated]
        self.http = httpx.Client(timeout=60, follow_redirects=True)
        self.session = uuid.uuid4().hex[:10]

    def get(self, path: str) -> httpx.Response:
        answer = self.http.get(self.url + path)
        self.heard.append(answer.text)
        return answer

    def upload(self, path: Path) -> dict[str, Any]:
        sent = self.http.post(f"{self.url}/gradio_api/upload", files={"files": (path.name, path.read_bytes())})
        return {"path": sent.json()[0], "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}

    def number(self, name: str, of: str = "") -> int:
        """The number of the event that runs the function `name` (of the class `of`)."""
        found = [n for n, fn in self.page.fns.items() if fn.name == name and of in getattr(fn.fn, "__qualname__", "")]
        assert found, name
        return found[0]

    def post(self, way: str, fn: int, data: list[Any], event: Any = None) -> str:
        """What comes back when the function is asked for by `way`: run, call or join."""
        body = {"data": data, "fn_index": fn, "session_hash": self.session, "event_data": event, "trigger_id": None}
        api = f"{self.url}/gradio_api"
        if way == "join":
            joined = self.http.post(f"{api}/queue/join", json=body)
            text = self._stream() if joined.status_code == 200 else joined.text
        else:
            name = self.page.fns[fn].api_name or "predict"
            answer = self.http.post(f"{api}/{way}/{name if way == 'call' else 'predict'}", json=body)
            text = answer.text
            if way == "call" and answer.status_code == 200:
                text = self.http.get(f"{api}/call/{name}/{answer.json()['event_id']}").text
        self.heard.append(text)
        return text

    def _stream(self) -> str:
        lines = []
        with self.http.stream("GET", f"{self.url}/gradio_api/queue/data?session_hash={self.session}") as stream:
            for line in stream.iter_lines():
                lines.append(line)
                if line.startswith("data:") and json.loads(line[5:]).get("msg") in (
                    "process_completed",
                    "close_stream",
                ):
                    break
        return "\n".join(lines)

    def close(self) -> None:
        self.http.close()
