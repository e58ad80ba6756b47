"""The text that stands in a feed's HTML, paragraph by paragraph."""

from __future__ import annotations

from retrievers.feeds.item import clean

_DROPPED = (
    "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "form", "button", "nav", "aside",
    "figure", "figcaption", "head", "title", "select", "textarea",
)  # fmt: skip
_BLOCKS = frozenset(
    {
        "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
        "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul",
    }
)  # fmt: skip


_BREAK = "\x1e"  # cannot stand in the text: `clean` takes it out


def paragraphs(html: str) -> str:
    """What a reader would see, one paragraph between blank lines; scripts, forms, pictures and captions are left out.

    Args:
        html: A piece of a page, as broken as it likes.
    """
    import lxml.html
    from lxml import etree

    try:
        root = lxml.html.fragment_fromstring(clean(html), create_parent="div")
    except (etree.LxmlError, ValueError):
        return ""
    etree.strip_elements(root, *_DROPPED, etree.Comment, etree.ProcessingInstruction, with_tail=False)
    pieces: list[str] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if element.tag in _BLOCKS:
            pieces.append(_BREAK)
        pieces.append((element.text if event == "start" else element.tail) or "")
    lines = (" ".join(part.split()) for part in "".join(pieces).split(_BREAK))
    return "\n\n".join(part for part in lines if part)


def line(html: str) -> str:
    """The same on one line: for titles, where publishers put markup too."""
    return " ".join(paragraphs(html).split())
