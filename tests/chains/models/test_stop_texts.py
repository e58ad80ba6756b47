from hypothesis import example, given
from hypothesis import strategies as st

from chains.models.stop_texts import StopTexts


def through(pieces: list[str], stops: list[str]) -> str:
    cutter = StopTexts(stops)
    return "".join(cutter.feed(piece) for piece in pieces) + cutter.close()


PIECES = st.lists(st.text("ab#", max_size=4))


@given(PIECES, st.lists(st.text("ab#", min_size=1, max_size=3), max_size=3))
@example(["#", "b", "#"], ["b", "#b#"])
@example(["#b#"], ["b", "#b#"])
def test_pieces_give_what_the_whole_text_cut_at_the_first_stop_gives(pieces: list[str], stops: list[str]) -> None:
    whole = "".join(pieces)
    found = [(whole.find(stop) + len(stop), whole.find(stop)) for stop in stops if stop in whole]
    assert through(pieces, stops) == (whole[: min(found)[1]] if found else whole)


def test_nothing_is_held_back_without_stop_texts() -> None:
    assert StopTexts([]).feed("##") == "##"


def test_the_beginning_of_a_stop_text_is_held_back() -> None:
    cutter = StopTexts(["###"])
    assert cutter.feed("a riddle ##") == "a riddle "
    assert cutter.feed("# more") == ""
    assert cutter.reached
