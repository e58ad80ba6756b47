from hypothesis import given
from hypothesis import strategies as st

from chains.models.stop_texts import StopTexts


def through(pieces: list[str], stops: list[str]) -> str:
    cutter = StopTexts(stops)
    return "".join(cutter.feed(piece) for piece in pieces) + cutter.close()


PIECES = st.lists(st.text("ab#", max_size=4))


@given(PIECES, st.lists(st.text("ab#", min_size=1, max_size=3), max_size=3))
def test_pieces_give_what_the_whole_text_cut_at_the_first_stop_gives(pieces: list[str], stops: list[str]) -> None:
    whole = "".join(pieces)
    starts = [whole.find(stop) for stop in stops if stop in whole]
    expected = whole[: min(starts)] if starts else whole
    got = through(pieces, stops)
    # A short stop inside a longer one that is still growing may be seen first: then the text ends no later.
    assert got == expected


def test_nothing_is_held_back_without_stop_texts() -> None:
    assert StopTexts([]).feed("##") == "##"


def test_the_beginning_of_a_stop_text_is_held_back() -> None:
    cutter = StopTexts(["###"])
    assert cutter.feed("a riddle ##") == "a riddle "
    assert cutter.feed("# more") == ""
    assert cutter.reached
