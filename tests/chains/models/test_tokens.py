from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.models import ChatModels, EngineSettings, ModelSettings, ProviderSettings
from chains.models.engine import Engine
from chains.models.gguf_location import locate_gguf
from chains.models.gguf_metadata import NotGguf, read_metadata
from chains.models.tokens import estimate
from tests.support.articles import real_articles

if TYPE_CHECKING:
    from pathlib import Path

EMBEDDED = "embedded:smollm2-135m-instruct"


def test_the_window_of_the_embedded_model_is_a_slots_but_never_above_its_training() -> None:
    small = ModelSettings(engine=EngineSettings(context=1024))
    large = ModelSettings(engine=EngineSettings(context=100_000))
    assert ChatModels(small).window(EMBEDDED) == 1024
    assert ChatModels(large).window(EMBEDDED) == 8192


def test_windows_come_from_the_operator_then_from_the_table_then_are_small() -> None:
    models = ChatModels(ModelSettings(providers={"vllm": ProviderSettings(context_tokens=32_000)}))
    assert models.window("vllm:anything") == 32_000
    assert models.window("openai:gpt-4o-mini-2024-07-18") == 128_000
    assert models.window("openai:house-brand") == 8192


@given(st.text())
def test_an_estimate_is_never_below_a_third_of_the_bytes(text: str) -> None:
    assert estimate(text) * 3 >= len(text.encode()) > (estimate(text) - 1) * 3 or text == ""


def test_an_estimate_counts_too_much_rather_than_too_little_for_real_articles() -> None:
    models = ChatModels()
    for article in real_articles(20):
        assert models.count_tokens("openai:gpt-4o-mini", article.text) >= models.count_tokens(EMBEDDED, article.text)


def test_counting_an_article_takes_about_a_millisecond() -> None:
    models = ChatModels()
    models.count_tokens(EMBEDDED, "")
    texts = [article.text for article in real_articles(50)]
    started = time.process_time()
    for text in texts:
        models.count_tokens(EMBEDDED, text)
    assert (time.process_time() - started) / len(texts) < 0.003  # 0.6 ms on a quiet machine


def test_counting_imports_neither_torch_nor_transformers_nor_the_engine() -> None:
    code = (
        "import sys; from chains.models import ChatModels; "
        f"assert ChatModels().count_tokens({EMBEDDED!r}, 'Hello world') == 2; "
        "bad = {'torch', 'transformers', 'xllamacpp', 'langchain_openai', 'gguf'} & set(sys.modules); "
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.model
def test_tokens_are_those_the_engine_counts() -> None:
    engine = Engine(locate_gguf("smollm2-135m-instruct"), EngineSettings(parallel=1, context=512))
    models = ChatModels()
    odd = [
        "can't WE'LL 3.14\r\n\u200b",
        "Привет 北京市 😀",
        "\n\n\t  x  ",
        "<|im_start|>user",
        "word " * 500,
        "\x01\x02",
    ]
    for text in [*odd, *(article.text for article in real_articles(10))]:
        assert models.count_tokens(EMBEDDED, text) == _engine_count(engine, text), text[:40]
    engine.close()


def _engine_count(engine: Engine, text: str) -> int:
    request = urllib.request.Request(
        engine.start() + "/tokenize",
        json.dumps({"content": text}).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {engine.api_key}"},
    )
    with urllib.request.urlopen(request) as answer:
        return len(json.load(answer)["tokens"])


@pytest.mark.parametrize("content", [b"", b"GGUF", b"PK\x03\x04 not a model", b"GGUF\x03\x00\x00\x00" + b"\xff" * 40])
def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(content)
    with pytest.raises(NotGguf, match="broken"):
        read_metadata(file)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_otherwise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("gguf") / "x.gguf"
    file.write_bytes(b"GGUF\x03\x00\x00\x00" + content)
    with contextlib.suppress(NotGguf):
        read_metadata(file)
