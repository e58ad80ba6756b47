"""Our service as the benchmarks run it: the shipped command, API keys on, the peers' prompts as a user's pipeline."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from bench.inputs import ROOT
from bench.load import Target
from bench.peers.wording import RIDDLE_SYSTEM, SUMMARISE_SYSTEM, K
from bench.servers import free_port, riddlewire, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.servers import Server

PIPELINE = "bench"


@dataclass(frozen=True)
class Home:
    """A data folder with one API key.

    Args:
        path: The folder.
        secret: Of a key with the role writer.
    """

    path: Path
    secret: str

    def target(self, server: Server, name: str, pipeline: str = PIPELINE) -> Target:
        """How a server on this folder is asked."""
        return Target(
            name=name,
            pid=server.pid,
            url=f"{server.base}/v1/riddles",
            headers={"content-type": "application/json", "authorization": f"Bearer {self.secret}"},
            body=lambda article: orjson.dumps({"article": {"text": article}, "pipeline": pipeline}),
            judge=_judge,
        )


def make_home(path: Path) -> Home:
    """A new data folder: migrated database, one key, the bench pipeline."""
    from service.keys import KeyStore
    from service.settings import Settings
    from service.storage.engine import open_engine
    from service.storage.home import make_home as make_folder
    from service.storage.migrate import migrate

    settings = Settings(home=path)
    make_folder(settings.home)
    _write_pipeline(path)
    engine = open_engine(settings.database_url)
    migrate(engine)
    _, secret = KeyStore(engine).create("bench", "writer")
    engine.dispose()
    return Home(path, secret)


@contextmanager
def serving(
    home: Home,
    *,
    folder: Path,
    name: str = "ours",
    stub: str | None = None,
    launcher: Sequence[str] = (),
    env: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Server]:
    """`riddlewire serve` on a data folder.

    Args:
        home: The folder, from `make_home`.
        folder: For its log.
        name: Of the log.
        stub: Base address of the OpenAI-compatible stub; None leaves the embedded model as the default.
        launcher: What to start instead of the installed command, such as a profiler.
        env: More settings.
    """
    port = free_port()
    settings = {
        "RIDDLEWIRE_HOME": str(home.path),
        "RIDDLEWIRE_LOG_LEVEL": "warning",
        "RIDDLEWIRE_CACHE_ENABLED": "false",  # the same articles come again and again
    }
    if stub:
        settings |= {"OPENAI_BASE_URL": f"{stub}/v1", "OPENAI_API_KEY": "bench", "RIDDLEWIRE_PIPELINE": PIPELINE}
    if launcher:
        settings["PYTHONPATH"] = str(ROOT)
    command = [*(launcher or riddlewire()), "serve", "--port", str(port)]
    with running(name, command, port=port, ready="/readyz", folder=folder, env={**settings, **env}) as server:
        yield server


def _judge(status: int, body: bytes) -> str:
    if status != 201:
        return f"{status} {body[:120]!r}"
    answer: dict[str, Any] = orjson.loads(body)
    if answer["status"] == "published":
        return "ok"
    failed = [check["name"] for check in answer["checks"] if not check["passed"]]
    return f"needs_review: {', '.join(failed)}"


def _write_pipeline(home: Path) -> None:
    human = {"role": "human", "content": "{summary}"}
    shot = [
        {"role": "human", "content": "{example_summary}"},
        {"role": "ai", "content": "{example_riddle}"},
    ]
    prompts = {
        "bench-summarize": (["article"], [_system(SUMMARISE_SYSTEM), {"role": "human", "content": "{article}"}]),
        "bench-riddle": (["summary"], [_system(RIDDLE_SYSTEM), {"examples": shot}, human]),
    }
    for name, (variables, messages) in prompts.items():
        about = {"name": name, "version": 1, "description": "The peers' wording.", "variables": variables}
        _write(home / "prompts" / f"{name}.yaml", {**about, "messages": messages})
    settings = {"max_tokens": 200, "temperature": 0.7}
    pipeline = {
        "name": PIPELINE,
        "description": "The peers' job.",
        "model": "openai:stub",
        "retrieval": {"k": K},
        "gate": {"attempts": 2},
        "steps": [
            {"step": "summarize", "prompt": "bench-summarize", "settings": settings},
            {"step": "riddle", "prompt": "bench-riddle", "settings": settings},
        ],
    }
    _write(home / "pipelines" / f"{PIPELINE}.yaml", pipeline)


def _system(content: str) -> dict[str, str]:
    return {"role": "system", "content": content}


def _write(path: Path, values: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(json.loads(json.dumps(values)), sort_keys=False, allow_unicode=True))
