"""Connections are closed with their loop: told by a fresh interpreter in development mode, which warns of the rest."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.openai_stub import OpenAIStub

SETUP = """
import asyncio
from chains.models import ChatModels, ModelSettings, ProviderSettings
models = ChatModels(ModelSettings(providers={"openai": ProviderSettings(base_url=URL)}))
"""
WAYS = {
    "a loop that ends": 'asyncio.run(models.get("openai:stub").ainvoke("hi"))',
    "two loops": 'for _ in "ab": asyncio.run(models.get("openai:stub").ainvoke("hi"))',
    "synchronous calls": 'models.get("openai:stub").invoke("hi")',
    "a stream that is left": """
async def leave():
    async for _ in models.get("openai:stub").astream("hi"):
        break
asyncio.run(leave())
""",
    "another kind of loop": """
import uvloop
uvloop.run(models.get("openai:stub").ainvoke("hi"))
""",
    "closed on purpose": """
async def close():
    await models.get("openai:stub").ainvoke("hi")
    await models.aclose()
    await models.get("openai:stub").ainvoke("hi")
asyncio.run(close())
""",
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left_open(stub: OpenAIStub, way: str) -> None:
    code = f"URL = {stub.url!r}\n{SETUP}\n{WAYS[way]}"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Unclosed" not in done.stderr
    assert "ResourceWarning" not in done.stderr
    assert "never awaited" not in done.stderr
