"""What a good backend engineer writes without a framework: FastAPI, the openai SDK, chromadb."""

import asyncio
import os

import chromadb
import job
from chromadb.config import Settings
from fastapi import FastAPI
from openai import AsyncOpenAI, DefaultAioHttpClient
from pydantic import BaseModel


class Article(BaseModel):
    article: str


class Riddle(BaseModel):
    summary: str
    riddle: str


database = chromadb.PersistentClient(path=str(job.DATA / "byhand"), settings=Settings(anonymized_telemetry=False))
collection = database.get_or_create_collection(
    "examples", embedding_function=None, metadata={"hnsw:space": "cosine"}
)
if not collection.count():
    rows = job.examples()
    collection.add(
        ids=[str(n) for n in range(len(rows))],
        embeddings=job.embed([row["article"] for row in rows]),
        metadatas=[{"summary": row["summary"], "riddle": row["riddle"]} for row in rows],
    )

client = AsyncOpenAI(
    base_url=job.BASE_URL,
    api_key="x",
    timeout=job.TIMEOUT_S,
    http_client=DefaultAioHttpClient() if os.environ.get("BENCH_CLIENT") == "aiohttp" else None,
)
app = FastAPI()


def nearest(text):
    found = collection.query(query_embeddings=job.embed([text]), n_results=job.K, include=["metadatas"])
    return found["metadatas"][0]


async def chat(messages):
    answer = await client.chat.completions.create(model="stub", messages=messages)
    return answer.choices[0].message.content


@app.get("/ready")
async def ready():
    return {"examples": collection.count()}


@app.post("/riddle")
async def riddle(asked: Article) -> Riddle:
    shots = await asyncio.to_thread(nearest, asked.article)
    summary = await chat(
        [{"role": "system", "content": job.SUMMARISE_SYSTEM}, {"role": "user", "content": asked.article}]
    )
    messages = [{"role": "system", "content": job.RIDDLE_SYSTEM}]
    for shot in shots:
        messages += [
            {"role": "user", "content": shot["summary"]},
            {"role": "assistant", "content": shot["riddle"]},
        ]
    return Riddle(summary=summary, riddle=await chat([*messages, {"role": "user", "content": summary}]))
