from __future__ import annotations

import os

import pytest

from chains.models import EngineSettings, ModelSettings, ProviderSettings
from chains.models import settings as settings_module
from chains.models.engine import _import_engine
from chains.models.providers import provider_settings


@pytest.mark.parametrize(("cores", "decode", "prefill"), [(1, 1, 1), (2, 1, 1), (3, 2, 2), (8, 7, 7)])
def test_threads_leave_a_core_free(monkeypatch: pytest.MonkeyPatch, cores: int, decode: int, prefill: int) -> None:
    monkeypatch.setattr(settings_module, "_cores", lambda: cores)
    engine = EngineSettings()
    assert (engine.decode_threads, engine.prefill_threads) == (decode, prefill)


def test_threads_an_operator_names_are_taken() -> None:
    engine = EngineSettings(threads=3, batch_threads=5)
    assert (engine.decode_threads, engine.prefill_threads) == (3, 5)


def test_the_wait_policy_is_for_the_engine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    _import_engine(passive=True)
    assert "OMP_WAIT_POLICY" not in os.environ


def test_an_operators_wait_policy_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    _import_engine(passive=True)
    assert os.environ["OMP_WAIT_POLICY"] == "active"


def test_each_provider_has_the_concurrency_that_fits_it() -> None:
    settings = ModelSettings(engine=EngineSettings(parallel=3), providers={"vllm": ProviderSettings(max_concurrency=9)})
    names = ("embedded", "transformers", "openai", "vllm")
    assert [provider_settings(settings, name).max_concurrency for name in names] == [3, 1, 256, 9]


def test_a_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(ModelSettings(providers={"openai": ProviderSettings(api_key="sk-secret")}))
