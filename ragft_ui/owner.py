"""Who may change things on the page: one rule, checked inside every function that changes something.

On a loopback address everybody who reaches the page is its owner, and nothing is asked. Anywhere else the owner comes
by a link that holds a token; the browser keeps a cookie, and every privileged function compares it. A public demo has
an owner only if its settings name a token. Hidden buttons protect nothing: whoever knows a function's number can call
it over plain HTTP.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from gradio.context import LocalContext
from starlette.responses import PlainTextResponse, RedirectResponse

from ragft_core import RagftError, Settings

OWNERS_ONLY = "Only the owner of this page can do that, by the link that was printed when RAGFT started."
DEMO_ONLY = "This is a public demo: that cannot be done here. Run RAGFT yourself to do it."
STALE = "This owner's link is not valid, or not any more. Use the one that RAGFT printed when it last started."
PARAMETER = "owner"


class NotOwnerError(RagftError):
    """A visitor asked for what only the owner may do."""


class Owner:
    """The rule for one running page; any two made from the same Studio agree.

    `here()` says whether the visitor whose event is being handled is the owner, `check()` refuses who is not.
    """

    def __init__(self, studio: Any) -> None:
        settings: Settings = studio.settings
        self.public = settings.public
        named = settings.owner_token.get_secret_value() if settings.owner_token else ""
        self.free = not (named or settings.public or not loopback(settings.host))
        self.printed = "" if named or self.free or settings.public else studio.secret
        self._token = named or self.printed

    @property
    def possible(self) -> bool:
        """Whether anybody can be the owner: not on a public demo without a token."""
        return self.free or bool(self._token)

    def here(self) -> bool:
        """Outside an event of the page, where nobody can be told apart, only a page without a token has an owner."""
        if self.free:
            return True
        request = LocalContext.request.get(None)
        return request is not None and self.holds(dict(getattr(request, "headers", None) or {}).get("cookie", ""))

    def check(self, demo: str = DEMO_ONLY) -> None:
        """NotOwnerError unless the owner is here; `demo` is what visitors of a public demo are told."""
        if not self.here():
            raise NotOwnerError(self.refusal(demo))

    def refusal(self, demo: str = DEMO_ONLY) -> str:
        return demo if self.public else OWNERS_ONLY

    # ---------------------------------------------------------------- token and cookie

    def admits(self, token: str) -> bool:
        """Whether this is the token, in a time that does not depend on how much of it is right."""
        return bool(self._token) and hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode())

    def holds(self, cookies: str) -> bool:
        """Whether a Cookie header holds what the owner's link left in the browser."""
        try:
            found = SimpleCookie(cookies).get(self.cookie_name)
        except Exception:  # noqa: BLE001 - a header that is no cookie is nobody's
            return False
        given = found.value if found else ""
        return bool(self._token) and hmac.compare_digest(given.encode("utf-8", "replace"), self.cookie_value.encode())

    @property
    def cookie_name(self) -> str:
        """Another one for each token: pages on two ports of a machine share their cookies."""
        return f"ragft-owner-{hashlib.sha256(self._token.encode()).hexdigest()[:8]}"

    @property
    def cookie_value(self) -> str:
        """Not the token itself, which a cookie would carry about."""
        return hmac.new(self._token.encode(), b"ragft owner cookie 1", hashlib.sha256).hexdigest()

    def link(self, url: str) -> str:
        """The address for the owner: with the token if it was made here; one from the settings is not repeated."""
        return f"{url}/?{urlencode({PARAMETER: self.printed})}" if self.printed else url


def loopback(host: str) -> bool:
    """Whether only this machine can reach a page that listens there."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Door:
    """ASGI middleware: `/?owner=<token>` leaves the cookie and goes on without the token in the address."""

    def __init__(self, app: Any, owner: Owner) -> None:
        self.app, self.owner = app, owner

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] not in ("", "/"):
            await self.app(scope, receive, send)
            return
        asked = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in asked if name == PARAMETER]
        if not tokens:
            await self.app(scope, receive, send)
            return
        if not self.owner.free and not self.owner.admits(tokens[0]):
            await PlainTextResponse(STALE, 403)(scope, receive, send)
            return
        rest = urlencode([(name, value) for name, value in asked if name != PARAMETER])
        response = RedirectResponse(f"./?{rest}" if rest else "./", 303)
        if not self.owner.free:
            response.set_cookie(
                self.owner.cookie_name,
                self.owner.cookie_value,
                httponly=True,
                samesite="strict",
                secure=secure(scope),
            )
        await response(scope, receive, send)


def secure(scope: dict[str, Any]) -> bool:
    """Whether the browser came over HTTPS, perhaps to a proxy in front of us."""
    forwarded = dict(scope["headers"]).get(b"x-forwarded-proto", b"").decode("latin-1")
    return scope.get("scheme") == "https" or forwarded.split(",")[0].strip() == "https"
