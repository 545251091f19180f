"""Serve the page: queue, limits, security headers; which hosts may ask, and on which port."""

import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse

from ragft_core import Settings, SettingsError

from . import theme
from .owner import Door, Owner

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PORTS_TRIED = 50
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
ANY_ADDRESS = ("0.0.0.0", "::")
SPACE_PAGES = "https://huggingface.co https://*.huggingface.co https://*.hf.space"


def launch(page: gr.Blocks, studio: Any) -> str:
    """Open the page on the settings' port without waiting; returns its address."""
    settings = studio.settings
    port = free_port(settings)
    middleware = [Middleware(Guard, host=settings.host), Middleware(Door, owner=Owner(studio))]
    page.queue(max_size=settings.queue_size, default_concurrency_limit=4)
    page.launch(
        server_name=settings.host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        inbrowser=False,
        share=False,
        ssr_mode=False,
        show_error=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        mcp_server=False,
        max_file_size=f"{settings.max_file_mb}mb",
        allowed_paths=[],
        blocked_paths=private_paths(studio.home),
        state_session_capacity=200,
        theme=theme.theme(),
        head=theme.head(),
        js=theme.script(),
        app_kwargs={"openapi_url": None, "middleware": middleware},
    )
    shown = "127.0.0.1" if settings.host in ANY_ADDRESS else settings.host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def private_paths(home: Any) -> list[str]:
    """What lies in the home folder, but for the folder that Gradio serves uploads and downloads from."""
    known = {home.database, home.index, home.adapters, *home.folder.iterdir()}
    return sorted(str(path) for path in known if path != home.downloads)


# ---------------------------------------------------------------- port


def free_port(settings: Settings) -> int:
    """The port to listen on. A port that was asked for must be free; instead of the default one the next will do."""
    asked = "port" in settings.model_fields_set
    if settings.port == 0:
        return _bound(settings.host, 0)
    last = settings.port if asked else min(settings.port + PORTS_TRIED, 65535)
    for port in range(settings.port, last + 1):
        try:
            return _bound(settings.host, port)
        except OSError as error:
            refused = error
    if asked:
        raise SettingsError(
            f"Port {settings.port} on {settings.host} cannot be used ({refused.strerror or refused}). "
            "Stop what listens there, or choose another with --port."
        )
    raise SettingsError(f"No port from {settings.port} to {last} is free on {settings.host}. Choose one with --port.")


def _bound(host: str, port: int) -> int:
    """The number of the port if it can be bound (0: of any free one); OSError otherwise."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return probe.getsockname()[1]


# ---------------------------------------------------------------- hosts and headers


class Guard:
    """ASGI middleware: refuses requests under a foreign name (DNS rebinding) and adds the security headers."""

    def __init__(self, app: Any, host: str) -> None:
        self.app, self.host = app, host
        self.headers = [(name.encode(), value.encode()) for name, value in security_headers().items()]

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        name = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"host"), "")
        if not trusted(name, self.host):
            await PlainTextResponse("This host name is not served here.", 400)(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self.headers]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def trusted(host_header: str, configured: str) -> bool:
    """Whether a Host header names this machine: a local name, the configured host, a Space, or, when listening
    on every address, any bare address (another page cannot rebind an address, only a name)."""
    name = host_header.strip().lower()
    name = name[1 : name.find("]")] if name.startswith("[") else name.partition(":")[0]
    if name in LOCAL_HOSTS or name == configured.lower() or name.endswith(".hf.space"):
        return True
    return configured in ANY_ADDRESS and (_is_address(name) or name == socket.gethostname().lower())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def security_headers() -> dict[str, str]:
    """The page loads from its own host only. Gradio compiles templates in the browser, hence unsafe-eval."""
    rules = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": f"'self' {SPACE_PAGES}" if os.environ.get("SPACE_ID") else "'self'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in rules.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }
