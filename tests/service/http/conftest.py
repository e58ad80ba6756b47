"""A real service over real HTTP: uvicorn in a thread on loopback, a stub provider, real SQLite and real Chroma."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from service.server import AppFactory, Server, configuration
from service.settings import Settings
from tests.support.openai_stub import OpenAIStub

if TYPE_CHECKING:
    from pathlib import Path

    from service.keys import Role
    from service.resources import Resources

ARTICLE = {
    "title": "Old bridge opens again",
    "text": (
        "The town of Brenford opened its stone bridge to walkers on Monday after a winter of repairs. Masons replaced "
        "four hundred blocks that frost had cracked. Children were the first to cross the river Arl."
    ),
    "url": "https://news.example/bridge",
    "source": "Brenford Herald",
    "published_at": "2026-03-02T09:30:00+01:00",
    "language": "en",
}


@dataclass(frozen=True, kw_only=True)
class Live:
    """A running service and what a test needs to talk to it."""

    url: str
    stub: OpenAIStub
    resources: Resources

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, **{"timeout": 30, "trust_env": False, "verify": False, **options}
        )  # no TLS here: loading certificates would cost more than a request

    def get(self, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.get(path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        with self.client() as client:
            return client.post(path, **options)

    def make(self, article: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Post an article; header names are given with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post("/v1/riddles", json={"article": article or ARTICLE}, headers=sent)

    def key(self, role: Role, rate: str | None = None) -> dict[str, str]:
        """Headers with a new key of that role."""
        _, secret = self.resources.keys.create("test", role, rate=rate)
        return {"Authorization": f"Bearer {secret}"}


Serve = Callable[..., Live]


def settings_for(home: Path, stub: OpenAIStub, **values: Any) -> Settings:
    """Settings of a test's service; the pipeline `openai` asks the stub."""
    given = {
        "home": home,
        "port": 0,
        "pipeline": "openai",
        "openai_base_url": stub.url,
        "openai_api_key": "sk-of-the-provider",
        "cache": {"enabled": False},  # tests count what the provider is asked; those of the cache switch it on
        **values,
    }
    return Settings(**given)


@contextmanager
def serving(settings: Settings, stub: OpenAIStub) -> Iterator[Live]:
    """Serve until the block ends."""
    factory = AppFactory(settings, prepare=lambda _: None)
    server = Server(configuration(settings, factory))
    thread = threading.Thread(target=server.run, name="service")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        assert server.started, "the service did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        assert factory.app is not None
        yield Live(url=f"http://127.0.0.1:{port}", stub=stub, resources=factory.app.state.resources)
    finally:
        server.should_exit = True
        thread.join(60)


@pytest.fixture(scope="session")
def _stub() -> Iterator[OpenAIStub]:
    with OpenAIStub() as stub:
        yield stub


@pytest.fixture
def stub(_stub: OpenAIStub) -> OpenAIStub:
    """The provider, with nothing enqueued and nothing remembered."""
    _stub.enqueue()
    _stub._queue.clear()
    _stub.requests.clear()
    return _stub


@pytest.fixture(scope="module")
def _live(tmp_path_factory: pytest.TempPathFactory, _stub: OpenAIStub) -> Iterator[Live]:
    with serving(settings_for(tmp_path_factory.mktemp("home"), _stub), _stub) as live:
        yield live


@pytest.fixture
def live(_live: Live, stub: OpenAIStub) -> Live:
    """A service without keys, shared by the tests of a module."""
    return _live


@pytest.fixture
def serve(tmp_path: Path, stub: OpenAIStub) -> Iterator[Serve]:
    """Starts services with settings of a test's own: `serve(limits={"in_flight": 1})`."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        count = 0

        def start(**values: Any) -> Live:
            nonlocal count
            count += 1
            home = values.pop("home", tmp_path / f"home{count}")
            return stack.enter_context(serving(settings_for(home, stub, **values), stub))

        yield start


@pytest.fixture
def own_pipeline(live: Live) -> Iterator[str]:
    """A pipeline of the user's own: a copy of `openai` under another name."""
    from prompts import Catalog

    text = Catalog().pipeline("openai").path.read_text()
    folder = live.resources.settings.home / "pipelines"
    folder.mkdir(exist_ok=True)
    file = folder / "own.yaml"
    file.write_text(text.replace("name: openai", "name: own", 1))
    time.sleep(0.3)  # the catalog looks at its files four times a second
    yield "own"
    file.unlink()
