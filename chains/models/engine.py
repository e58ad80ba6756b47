"""The embedded engine: llama.cpp's own server in this process, reached over loopback by the one client we have."""

from __future__ import annotations

import atexit
import importlib
import json
import os
import secrets
import threading
import weakref
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, Request, build_opener

from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from chains.models.settings import EngineSettings

_QUIET = -1
_FIRST_ANSWER_S = 60.0
_direct = build_opener(ProxyHandler({}))
"""Asks without a proxy, whatever the environment says."""

_WAIT_POLICY = "OMP_WAIT_POLICY"
_running: weakref.WeakSet[Engine] = weakref.WeakSet()


class EngineNotStarted(ConfigurationError):
    """llama.cpp refused to load a model."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the embedded engine cannot load {path}: {reason}; is it a complete GGUF file?")


class Engine:
    """Serves one GGUF file on loopback, on a free port, with a key that only this object knows.

    Started by the first `start`, from any thread, once; ended by `close` or with the process.

    Args:
        path: The GGUF file.
        settings: Threads, slots, context and caches.
    """

    def __init__(self, path: Path, settings: EngineSettings) -> None:
        self.path = path
        self.settings = settings
        self.api_key = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._server: Any = None

    @property
    def is_running(self) -> bool:
        """Whether the model is loaded."""
        return self._server is not None

    @property
    def adapters(self) -> dict[str, int]:
        """The engine's numbers of the LoRA adapters it loads, by name."""
        return {name: number for number, name in enumerate(self.settings.adapters)}

    def start(self) -> str:
        """Load the model if that is not done yet (half a second for a small one); return the server's address.

        Raises:
            EngineNotStarted: The file cannot be loaded.
        """
        with self._lock:
            if self._server is None:
                self._server = self._load()
                _running.add(self)
            return str(self._server.listening_address)

    def close(self) -> None:
        """Free the model; a later `start` loads it again."""
        with self._lock:
            self._server = None
            _running.discard(self)

    def _load(self) -> Any:
        xllamacpp = _import_engine(passive=self.settings.decode_threads == 1)
        try:
            server = xllamacpp.Server(self._parameters(xllamacpp))
            self._wait_for_first_answer(str(server.listening_address))
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineNotStarted(self.path, str(error)) from error
        return server

    def _wait_for_first_answer(self, address: str) -> None:
        """Ask for one token: an engine that is ended before it works at its first task never ends (one in six)."""
        task = json.dumps({"prompt": "a", "n_predict": 1}).encode()
        headers = {"authorization": f"Bearer {self.api_key}", "content-type": "application/json"}
        request = Request(f"{address}/completion", task, headers)  # noqa: S310 -- an address of our own
        with _direct.open(request, timeout=_FIRST_ANSWER_S) as response:
            response.read()

    def _parameters(self, xllamacpp: Any) -> Any:
        settings = self.settings
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self.path)
        parameters.hostnames = ["127.0.0.1"]
        parameters.port = 0
        parameters.api_keys = [self.api_key]
        parameters.verbosity = _QUIET
        parameters.model_alias = {self.path.stem}
        parameters.ui = False
        parameters.warmup = False
        parameters.n_parallel = settings.parallel
        parameters.n_ctx = settings.parallel * settings.context
        parameters.cpuparams.n_threads = settings.decode_threads
        parameters.cpuparams_batch.n_threads = settings.prefill_threads
        parameters.cache_prompt = True
        parameters.cache_ram_mib = settings.prompt_cache_mib
        parameters.slot_prompt_similarity = settings.slot_similarity
        parameters.endpoint_slots = False
        parameters.n_threads_http = settings.parallel + 4  # each call in flight holds one
        if settings.adapters:
            parameters.lora_adapters = [_adapter(xllamacpp, path) for path in settings.adapters.values()]
            parameters.lora_init_without_apply = True  # each request says which it wants
        return parameters


def _import_engine(*, passive: bool) -> Any:
    """Import llama.cpp; `passive` lets its threads sleep where they wait for each other, instead of spinning.

    Spinning threads that share a core with anything else cost two to six times the CPU (measured on two cores, four
    answers at once). Where only one thread generates, little is lost by sleeping: only batches have others to wait for.
    OpenMP reads the variable when it is loaded, and nobody else is to see it.
    """
    before = os.environ.get(_WAIT_POLICY)
    if passive and before is None:
        os.environ[_WAIT_POLICY] = "passive"
    try:
        return importlib.import_module("xllamacpp")
    finally:
        if passive and before is None:
            del os.environ[_WAIT_POLICY]


def _adapter(xllamacpp: Any, path: Path) -> Any:
    adapter = xllamacpp.CommonAdapterLoraInfo()
    adapter.path = str(path)
    adapter.scale = 1.0
    return adapter


@atexit.register
def _close_all() -> None:
    for engine in list(_running):
        engine.close()
