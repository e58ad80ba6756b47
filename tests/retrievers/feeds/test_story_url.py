from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrievers.feeds.story_url import host_of, same_site, story_url

_PARTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
URLS = st.one_of(
    st.text(max_size=60),
    st.builds(
        "{}://{}{}/{}?{}={}&{}#{}".format,
        st.sampled_from(["http", "https", "HTTP", "Https"]),
        st.sampled_from(["news.example", "WWW.News.Example", "müller.example", "127.0.0.1", "[::1]", "news.example."]),
        st.sampled_from(["", ":80", ":443", ":8080", ":0"]),
        _PARTS,
        _PARTS,
        _PARTS,
        st.sampled_from(["utm_source=x", "id=1", "id", "", "b=%2B", "%%%"]),
        _PARTS,
    ),
)


@given(URLS)
@example("http://a.b/?q=%%%")
@example("https://a.b//c/?x=1&x=1&y")
@example("https://a.b/%7e?=&&=")
def test_doing_it_twice_changes_nothing(url: str) -> None:
    once = story_url(url)
    if once is not None:
        assert story_url(once) == once


@given(URLS)
def test_what_comes_out_is_an_address_that_can_be_asked(url: str) -> None:
    found = story_url(url)
    assert found is None or (found.startswith("https://") and host_of(found) and found.isascii())


@pytest.mark.parametrize(
    "other",
    [
        "HTTP://WWW.News.Example:80/a/b/?id=7",
        "https://news.example/a/b?id=7#comments",
        "https://news.example/a/b/?utm_source=rss&utm_medium=feed&id=7&fbclid=xyz",
        "https://news.example/x/../a//b?id=7&gclid=1&at_medium=RSS",
        "https://news.example:443/a/b?&id=7&",
        " https://news.example/%61/b?id=7 ",
    ],
)
def test_one_story_has_one_address(other: str) -> None:
    assert story_url(other) == "https://news.example/a/b?id=7"


@pytest.mark.parametrize(
    "other",
    [
        "https://news.example/a/b?id=8",
        "https://news.example/a/b",
        "https://news.example/a/B?id=7",
        "https://other.example/a/b?id=7",
        "https://news.example:8080/a/b?id=7",
        "https://news.example/a/b?id=7&page=2",
        "https://news.example/a%2Fb?id=7",
        "https://news.example/a/b?ID=7",
    ],
)
def test_other_stories_have_others(other: str) -> None:
    assert story_url(other) not in (None, "https://news.example/a/b?id=7")


def test_a_parameter_without_a_value_tells_stories_apart() -> None:
    assert story_url("https://news.example/story?12345") != story_url("https://news.example/story?67890")


@pytest.mark.parametrize(
    "url",
    [
        "", "news", "javascript:alert(1)", "mailto:a@b.example", "ftp://news.example/a", "//news.example/a", "http:///a",
        "http://news.example", "https://www.news.example/", "https://news.example/?utm_source=x", "http://a:99999/x",
    ],
)  # fmt: skip
def test_what_stands_for_no_story_has_none(url: str) -> None:
    assert story_url(url) is None


def test_a_publisher_is_known_by_its_domain() -> None:
    assert same_site("https://m.bbc.co.uk/a", "https://www.bbc.co.uk/b")
    assert same_site("http://127.0.0.1:1/a", "http://127.0.0.1:2/b")
    assert not same_site("https://bbc.co.uk/a", "https://abc.co.uk/b")
    assert not same_site("http://127.0.0.1/a", "http://127.0.0.2/a")
    assert not same_site("http://[::1]/a", "http://[::2]/a")
    assert same_site("https://feeds.news.example/a", "https://www.news.example/b"), "a name of no public registry"
    assert not same_site("", "")


@pytest.mark.parametrize(
    "platform",
    ["blogspot.com", "blogspot.co.uk", "github.io", "substack.com", "wordpress.com", "tumblr.com", "netlify.app"],
)
def test_publishers_on_one_platform_are_different_ones(platform: str) -> None:
    assert not same_site(f"https://evil.{platform}/a", f"https://victim.{platform}/b")
    assert not same_site(f"https://evil.{platform}/a", f"https://{platform}/b")
    assert same_site(f"https://www.victim.{platform}/a", f"https://victim.{platform}/b")
