"""A Chroma server that the user runs: which collections on it are ours, and how it is reached."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..settings import Settings as OurSettings


@dataclass(frozen=True)
class Server:
    """`address` is http://host:port. Several apps may share a server: the names of each begin with its `owner`."""

    address: str
    tenant: str
    database: str
    owner: str

    @classmethod
    def of(cls, settings: OurSettings, owner: str) -> "Server | None":
        """The server that the settings name; None for the index in the home folder."""
        if not settings.chroma:
            return None
        return cls(settings.chroma.rstrip("/"), settings.chroma_tenant, settings.chroma_database, owner)

    def connect(self) -> Any:
        """A client of our tenant and database, which are made if they are not there."""
        import chromadb
        from chromadb.config import Settings

        url = urlsplit(self.address)
        secure = url.scheme == "https"
        place: dict[str, Any] = {
            "host": url.hostname or "",
            "port": url.port or (443 if secure else 8000),
            "ssl": secure,
        }
        quiet: dict[str, Any] = {"anonymized_telemetry": False}
        with suppress(Exception):  # there already, which the client finds out by itself, with what went wrong else
            admin = chromadb.AdminClient(
                Settings(
                    chroma_api_impl="chromadb.api.fastapi.FastAPI",
                    chroma_server_host=place["host"],
                    chroma_server_http_port=place["port"],
                    chroma_server_ssl_enabled=secure,
                    **quiet,
                )
            )
            with suppress(Exception):
                admin.create_tenant(self.tenant)
            admin.create_database(self.database, self.tenant)
        return chromadb.HttpClient(tenant=self.tenant, database=self.database, settings=Settings(**quiet), **place)

    def names(self) -> set[str]:
        """The names of this app's collections."""
        client = self.connect()
        try:
            return {c.name for c in client.list_collections() if c.name.startswith(f"{self.owner}-")}
        finally:
            client.close()

    def discard(self, name: str) -> None:
        """Remove a collection, if it is there and the server answers; a later sweep gets what this does not."""
        with suppress(Exception):
            client = self.connect()
            try:
                client.delete_collection(name)
            finally:
                client.close()


@dataclass(frozen=True)
class Remote:
    """A collection on a server, where an embedded one would be a folder."""

    server: Server
    name: str

    def __str__(self) -> str:
        return f"the Chroma server {self.server.address}"
