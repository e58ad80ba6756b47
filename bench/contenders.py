"""Everybody who runs beside us in `http`: one uvicorn process each, and the stub they all call."""

from __future__ import annotations

import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import orjson

from bench.environments import PeerEnvironmentError, peers_python
from bench.inputs import EXAMPLES, ROOT
from bench.load import Target
from bench.ours import make_home, serving
from bench.servers import Server, free_port, running, uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from bench.options import Options
    from bench.report import Report

PEERS = Path(__file__).parent / "peers"
OURS, BY_HAND, BY_HAND_AIOHTTP, LANGSERVE, FLOOR = "ours", "by hand", "by hand, aiohttp client", "LangServe", "floor"


@contextmanager
def stub_server(folder: Path) -> Iterator[Server]:
    """The stub, in a process of its own."""
    port = free_port()
    command = uvicorn(sys.executable, "bench.stub:app", port, ROOT)
    with running("stub", command, port=port, ready="/ready", folder=folder) as server:
        yield server


def set_delay(stub: Server, delay_ms: int) -> None:
    """Let the stub's model take so long."""
    with urllib.request.urlopen(f"{stub.base}/delay/{delay_ms}", timeout=10):
        pass


def contenders(folder: Path, stub: Server, options: Options, report: Report, stack: ExitStack) -> list[Target]:
    copyfile(EXAMPLES, folder / "examples.jsonl")
    targets = []
    if not options.only_peers:
        home = make_home(folder / "home")
        targets.append(home.target(stack.enter_context(serving(home, folder=folder, stub=stub.base)), OURS))
    peers: list[tuple[str, str | Path, str, dict[str, str]]] = [
        (BY_HAND, sys.executable, "byhand", {}),
        (FLOOR, sys.executable, "floor", {}),
    ]
    if options.extra:
        peers.append((BY_HAND_AIOHTTP, sys.executable, "byhand", {"BENCH_CLIENT": "aiohttp"}))
    try:
        peers.append((LANGSERVE, options.peers_python or peers_python(), "langserve_app", {}))
    except PeerEnvironmentError as error:
        report.notes.append(f"LangServe was not measured: {error}")
    for name, python, module, env in peers:
        targets.append(_peer(name, python, module, env, folder, stub, stack))
    return targets


def _peer(
    name: str, python: str | Path, module: str, env: dict[str, str], folder: Path, stub: Server, stack: ExitStack
) -> Target:
    port = free_port()
    data = folder / name.replace(" ", "-")
    data.mkdir()
    copyfile(EXAMPLES, data / "examples.jsonl")
    env = {"BENCH_LLM": f"{stub.base}/v1", "BENCH_DATA": str(data), **env}
    server = stack.enter_context(
        running(
            name.replace(" ", "-"), uvicorn(python, f"{module}:app", port, PEERS), port=port, ready="/ready",
            folder=folder, env=env,
        )
    )  # fmt: skip
    langserve = name == LANGSERVE
    return Target(
        name=name,
        pid=server.pid,
        url=f"{server.base}/riddle{'/invoke' if langserve else ''}",
        headers={"content-type": "application/json"},
        body=lambda article: orjson.dumps({"input": {"article": article}} if langserve else {"article": article}),
        judge=_judge_peer,
    )


def _judge_peer(status: int, body: bytes) -> str:
    return "ok" if status == 200 and b"climb a ladder" in body else f"{status} {body[:120]!r}"
