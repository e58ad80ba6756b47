"""The same job as a LangChain user writes it: an LCEL chain with an example selector, served by LangServe."""

import job
from chromadb.config import Settings
from fastapi import FastAPI
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings
from langchain_core.example_selectors import SemanticSimilarityExampleSelector
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, FewShotChatMessagePromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_openai import ChatOpenAI
from langserve import add_routes
from pydantic import BaseModel


class WordLlama(Embeddings):
    def embed_documents(self, texts):
        return job.embed(texts).tolist()

    def embed_query(self, text):
        return job.embed([text])[0].tolist()


store = Chroma(
    "examples",
    WordLlama(),
    persist_directory=str(job.DATA / "langserve"),
    collection_metadata={"hnsw:space": "cosine"},
    client_settings=Settings(anonymized_telemetry=False, is_persistent=True),
)
if not store._collection.count():
    rows = job.examples()
    store.add_texts(
        [row["article"] for row in rows],
        metadatas=[{"summary": row["summary"], "riddle": row["riddle"]} for row in rows],
        ids=[str(n) for n in range(len(rows))],
    )

shots = FewShotChatMessagePromptTemplate(
    example_selector=SemanticSimilarityExampleSelector(vectorstore=store, k=job.K, input_keys=["article"]),
    input_variables=["article"],
    example_prompt=ChatPromptTemplate.from_messages([("human", "{summary}"), ("ai", "{riddle}")]),
)
llm = ChatOpenAI(base_url=job.BASE_URL, api_key="x", model="stub", timeout=job.TIMEOUT_S)
summarise = (
    ChatPromptTemplate.from_messages([("system", job.SUMMARISE_SYSTEM), ("human", "{article}")])
    | llm
    | StrOutputParser()
)
riddle = (
    ChatPromptTemplate.from_messages([("system", job.RIDDLE_SYSTEM), shots, ("human", "{summary}")])
    | llm
    | StrOutputParser()
)


class Article(BaseModel):
    article: str


class Riddle(BaseModel):
    summary: str
    riddle: str


chain = (RunnablePassthrough.assign(summary=summarise) | RunnablePassthrough.assign(riddle=riddle)).pick(
    ["summary", "riddle"]
)
app = FastAPI()
add_routes(app, chain.with_types(input_type=Article, output_type=Riddle), path="/riddle")


@app.get("/ready")
async def ready():
    return {"examples": store._collection.count()}
