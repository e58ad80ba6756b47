"""Opening Chroma: in memory, in a folder, or a server; without its telemetry."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from domain.errors import ConfigurationError
from retrievers.errors import IndexUnavailable

if TYPE_CHECKING:
    import httpx
    from chromadb.api import ClientAPI
    from chromadb.config import Settings

SERVER_TIMEOUT_S = 30.0
"""How long a Chroma server may take for one answer."""

_SEGMENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DEFAULT_PORT = {"http": 8000, "https": 443}


class InvalidChromaUrl(ConfigurationError):
    """The address of the Chroma server cannot be read."""

    def __init__(self, url: str) -> None:
        super().__init__(f"cannot read the Chroma server's address {url!r}: write it as http://host:port")


def open_chroma(where: str | Path | None = None) -> ClientAPI:
    """A Chroma client.

    Args:
        where: None keeps the index in memory; a path keeps it in that folder, which one process at a time may use; a
            URL such as `http://localhost:8000` names a server, which any number of processes may share.

    Raises:
        InvalidChromaUrl: The URL has another form.
        IndexUnavailable: The server does not answer, or the folder cannot be used.
    """
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if where is None:
        return chromadb.EphemeralClient(settings)
    if isinstance(where, str) and "://" in where:
        return _open_server(where, settings)
    return _open_folder(Path(where), settings)


def close_chroma(client: ClientAPI) -> None:
    """Let go of a client that `open_chroma` gave; Chroma in memory ends with its last client."""
    from chromadb.api.client import Client

    if isinstance(client, Client):
        sessions = _http_sessions(client)
        client.close()
        for session in sessions:
            session.close()


def in_process(client: ClientAPI) -> bool:
    """Whether this process alone uses the index, so that it may tidy up in it."""
    return "fastapi" not in str(client.get_settings().chroma_api_impl)


def trouble_of(client: ClientAPI) -> str | None:
    """Why a Chroma server does not answer; None when it does, or when the index is in this process. Blocks."""
    if in_process(client):
        return None
    import httpx
    from chromadb.errors import ChromaError

    try:
        client.heartbeat()
    except (ChromaError, httpx.HTTPError) as error:
        return str(IndexUnavailable(f"{type(error).__name__}: {error}"))
    return None


def _open_server(url: str, settings: Settings) -> ClientAPI:
    import chromadb

    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORT or not parts.hostname or parts.path.strip("/"):
        raise InvalidChromaUrl(url)
    try:
        client = chromadb.HttpClient(
            host=parts.hostname,
            port=parts.port or _DEFAULT_PORT[parts.scheme],
            ssl=parts.scheme == "https",
            settings=settings,
        )
    except ValueError as error:  # what chromadb raises when nothing answers
        raise IndexUnavailable(f"{url}: {error}") from error
    for session in _http_sessions(client):
        session.timeout = SERVER_TIMEOUT_S
    return client


def _http_sessions(client: ClientAPI) -> list[httpx.Client]:
    """The connections of a server's client: Chroma gives them no time limit and does not close them."""
    servers = (getattr(owner, "_server", None) for owner in (client, getattr(client, "_admin_client", None)))
    return [session for server in servers if (session := getattr(server, "_session", None)) is not None]


def _open_folder(folder: Path, settings: Settings) -> ClientAPI:
    """Open the folder; what Chroma cannot read there is deleted, because everything in it can be derived again."""
    import chromadb
    from chromadb.errors import ChromaError

    folder.mkdir(parents=True, exist_ok=True)
    with suppress(ChromaError):
        return chromadb.PersistentClient(str(folder), settings)
    _delete_chroma_files(folder)
    try:
        return chromadb.PersistentClient(str(folder), settings)
    except ChromaError as error:
        raise IndexUnavailable(f"{folder}: {error}") from error


def _delete_chroma_files(folder: Path) -> None:
    from chromadb.api.shared_system_client import SharedSystemClient

    SharedSystemClient._identifier_to_system.pop(str(folder), None)  # noqa: SLF001  # else the broken one is opened again
    for path in folder.iterdir():
        if path.is_file() and path.name.startswith("chroma.sqlite3"):
            path.unlink()
        elif path.is_dir() and _SEGMENT.fullmatch(path.name):
            shutil.rmtree(path)
