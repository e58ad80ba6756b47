from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace

import pytest

import retrievers.sources
from domain import Article
from domain.errors import ConfigurationError, InvalidArticle, NotFound
from retrievers.fetch import FetchPolicy
from retrievers.loaders import InvalidLoader, load_documents
from retrievers.sources import aread_article, is_url, parse_article, read_article
from tests.support.web import PAGE, loopback_web, page


def test_plain_text_with_a_line_of_its_own_has_a_title() -> None:
    assert parse_article(b"Cat elected mayor\n\nA cat won.") == Article(text="A cat won.", title="Cat elected mayor")
    assert parse_article(b"# Cat elected!\nA cat won.") == Article(text="A cat won.", title="Cat elected!")


@pytest.mark.parametrize(
    "text",
    ["A cat won the vote.\n\nIt slept.", "A cat won\nthe vote.", "One line", "x" * 300 + "\n\nrest", "\n\nOne\n"],
)
def test_other_plain_text_has_none_and_is_not_changed(text: str) -> None:
    assert parse_article(text.encode()) == Article(text=text)


def test_a_json_object_gives_all_fields() -> None:
    fields = {"text": "T", "title": "H", "url": "u", "source": "s", "language": "en"}
    data = json.dumps({**fields, "published_at": "2025-01-02T03:04:05Z"}).encode()
    expected = Article(**fields, published_at=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert parse_article(data) == expected
    assert parse_article(b'{"article": ' + data + b"}") == expected


@pytest.mark.parametrize("text", ['{"no": "text"}', "{not json}", "{"])
def test_what_only_looks_like_json_is_text(text: str) -> None:
    assert parse_article(text.encode()).text == text


def test_a_json_field_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(InvalidArticle, match="title"):
        parse_article(b'{"text": "x", "title": 3}')


def test_a_web_page_in_a_file_is_extracted() -> None:
    assert parse_article(PAGE.encode()).title == "Lighthouse keeper retires after fifty years"


@pytest.mark.parametrize(
    ("data", "reason"), [(b"\xff\xfe", "not UTF-8"), (b" \n", "blank"), (b"", "blank"), (b"a\0", "NUL")]
)
def test_what_is_no_text_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidArticle, match=reason):
        parse_article(data)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    path.write_bytes(b"\xef\xbb\xbfNews.")
    assert read_article(path) == read_article(str(path)) == Article(text="News.")


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(NotFound, match="article file"):
            read_article(path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    path.write_bytes(b"x" * 10_000_001)
    with pytest.raises(InvalidArticle, match="larger than 10,000,000 bytes"):
        read_article(path)


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = SimpleNamespace(buffer=io.BytesIO(b"Piped news."))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert read_article("-") == Article(text="Piped news.")


async def test_a_url_is_fetched() -> None:
    policy = FetchPolicy(allow_networks=(ip_network("127.0.0.1/32"),), ports=None)
    async with loopback_web({"/": page()}) as server:
        article = await aread_article(server.url(), policy=policy)
    assert article.title == "Lighthouse keeper retires after fifty years"


async def test_coroutines_read_files_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("News.")
    assert await aread_article(tmp_path / "a.txt") == Article(text="News.")


def test_only_http_is_a_url() -> None:
    assert is_url("HTTPS://news.example")
    assert not is_url("news.txt")
    assert not is_url(Path("http://x"))


def test_a_loader_gives_articles(tmp_path: Path) -> None:
    (tmp_path / "news.txt").write_text("Loaded news.")
    (tmp_path / "empty.txt").write_text(" ")
    found = list(load_documents("TextLoader", file_path=str(tmp_path / "news.txt")))
    assert [article.text for article in found] == ["Loaded news."]
    assert list(load_documents("TextLoader", file_path=str(tmp_path / "empty.txt"))) == []


def test_an_unknown_loader_is_not_found() -> None:
    with pytest.raises(NotFound, match="document loader 'os'"):
        list(load_documents("os"))


@pytest.mark.parametrize("arguments", [{}, {"nonsense": 1}])
def test_a_loader_that_refuses_its_arguments_is_named(arguments: dict[str, int]) -> None:
    with pytest.raises(InvalidLoader, match="TextLoader") as caught:
        list(load_documents("TextLoader", **arguments))
    assert isinstance(caught.value, ConfigurationError)


def test_nothing_but_the_loaders_imports_langchain_community() -> None:
    modules = sorted(
        path.stem
        for path in Path(retrievers.sources.__file__).parent.glob("*.py")
        if path.stem not in {"loaders", "__init__"}
    )
    script = f"import sys, importlib\nfor m in {modules}: importlib.import_module('retrievers.' + m)\n"
    script += "import retrievers.loaders\nassert not [m for m in sys.modules if m.startswith('langchain_community')]\n"
    script += (
        "assert 'chromadb' not in sys.modules and 'trafilatura' not in sys.modules and 'wordllama' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    root = Path(retrievers.sources.__file__).parent.parent
    sources = [
        path
        for folder in ("domain", "prompts", "retrievers", "chains", "service")
        for path in (root / folder).rglob("*.py")
    ]
    importing = [
        path.name
        for path in sources
        if "import langchain_community" in path.read_text() or "from langchain_community" in path.read_text()
    ]
    assert importing == ["loaders.py"]
