"""The floor: two bare model calls through aiohttp behind Starlette. No retrieval, no SDK, no checks."""

import contextlib

import aiohttp
import job
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

URL = f"{job.BASE_URL}/chat/completions"


async def call(session, messages):
    async with session.post(URL, json={"model": "stub", "messages": messages}) as response:
        return (await response.json())["choices"][0]["message"]["content"]


async def riddle(request):
    session = request.app.state.session
    article = (await request.json())["article"]
    summary = await call(
        session, [{"role": "system", "content": job.SUMMARISE_SYSTEM}, {"role": "user", "content": article}]
    )
    text = await call(
        session, [{"role": "system", "content": job.RIDDLE_SYSTEM}, {"role": "user", "content": summary}]
    )
    return JSONResponse({"summary": summary, "riddle": text})


async def ready(request):
    return JSONResponse({})


@contextlib.asynccontextmanager
async def lifespan(app):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        app.state.session = session
        yield


app = Starlette(routes=[Route("/riddle", riddle, methods=["POST"]), Route("/ready", ready)], lifespan=lifespan)
