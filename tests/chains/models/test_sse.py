from hypothesis import given
from hypothesis import strategies as st

from chains.models.sse import EventDecoder


def decode(*pieces: bytes) -> list[bytes]:
    decoder = EventDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + list(decoder.close())


def test_comments_and_other_fields_are_no_data() -> None:
    assert decode(b": keep-alive\n\nevent: x\nid: 1\nretry: 5\ndata: one\n\n") == [b"one"]


def test_data_lines_of_one_event_are_joined() -> None:
    assert decode(b"data: a\ndata:b\n\n") == [b"a\nb"]


def test_an_event_without_its_empty_line_is_given_at_the_end() -> None:
    assert decode(b"data: one\n\ndata: two") == [b"one", b"two"]


LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(LINE), st.sampled_from(["\n", "\r\n"]), st.data())
def test_where_the_pieces_break_changes_nothing(texts: list[str], ending: str, data: st.DataObject) -> None:
    stream = "".join(f"data: {text}{ending}{ending}" for text in texts).encode()
    breaks = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *breaks], [*breaks, len(stream)], strict=True)]
    assert decode(*pieces) == [text.encode() for text in texts]
