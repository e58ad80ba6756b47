from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.guessing import GuessJudge, Judgement, Secret, Signs
from chains.guessing.reading import LONGEST_GUESS
from retrievers import load_embeddings

HAIL = Secret(
    answer="giant hailstones",
    summary=(
        "A brief storm dropped ice as large as oranges on the Argentine town of Villa Solana, breaking windscreens and "
        "stripping vineyards before the lumps melted into puddles by evening."
    ),
    title="Ice the size of oranges batters Argentine wine town",
    riddle=(
        "We came down as big as oranges, harder than windscreens.\nWe stripped the vines faster than any picker.\n"
        "By evening, when somebody came for the culprits,\nthere was nothing to arrest but puddles.\nWhat fell?"
    ),
    hints=(
        "They came from the cloud, but you could not drink them at once.",
        "Frozen lumps from a thunderstorm, far larger than usual.",
    ),
)
FIRE = Secret(
    answer="a fire at the port",
    summary="A fire in a warehouse at the port of Brenford burned for two days and closed the harbour.",
    riddle="I ate for two days and left only ribs.\nThe ships could not come in to see me dine.\nWhat am I?",
    hints=("Somebody forgot to put me out.",),
)

any_text = st.text(max_size=400)


@pytest.fixture(scope="module")
def judge() -> GuessJudge:
    return GuessJudge(load_embeddings())


@pytest.mark.parametrize(
    "guess",
    [
        "giant hailstones",
        "Giant hailstones!",
        "GIANT HAILSTONES",
        "hailstones, giant ones",
        "the giant hailstone",
        "giant hailstoens",  # a slip of the fingers
        "enormous lumps of ice that fell on Argentina",
        "ｇｉａｎｔ　ｈａｉｌｓｔｏｎｅｓ",  # noqa: RUF001 -- full-width letters
        "giant\u200b hail\u00adstones",  # a zero-width space and a soft hyphen
        "\u202egiant hailstones\u202c",
        "giant hail stones",
        "hailstones as big as oranges in an Argentine town",
    ],
)
def test_the_answer_is_right_however_it_is_written(judge: GuessJudge, guess: str) -> None:
    assert judge.judge(guess, HAIL).verdict == "right"


@pytest.mark.parametrize("guess", ["the fire at the port", "the warehouse fire in Brenford's harbour", "port fire"])
def test_whoever_names_the_story_is_right(judge: GuessJudge, guess: str) -> None:
    assert judge.judge(guess, FIRE).verdict == "right"


@pytest.mark.parametrize("guess", ["a storm", "ice", "a vineyard"])
def test_part_of_the_story_is_near(judge: GuessJudge, guess: str) -> None:
    assert judge.judge(guess, HAIL).verdict == "near"


@pytest.mark.parametrize(
    "guess", ["a bus strike", "an election", "the price of onions", "penguins", "?", "🧊🧊🧊", "the"]
)
def test_another_story_is_wrong(judge: GuessJudge, guess: str) -> None:
    assert judge.judge(guess, HAIL).verdict == "wrong"


@pytest.mark.parametrize("secret", [HAIL, FIRE])
def test_pasting_the_riddle_or_a_hint_is_no_guess(judge: GuessJudge, secret: Secret) -> None:
    for shown in (secret.riddle, *secret.riddle.splitlines(), *secret.hints, " ".join(secret.hints)):
        assert judge.judge(shown, secret).verdict == "wrong", shown


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ("the end of the world cup", "Some call me the end of the world."),
        ("the first woman on the moon", "I am the first woman on the stage."),
    ],
)
def test_a_hint_that_shares_a_passage_with_the_answer_takes_nothing_from_it(
    judge: GuessJudge, answer: str, hint: str
) -> None:
    secret = Secret(answer=answer, hints=(hint,))
    assert judge.judge(answer, secret) == Judgement(verdict="right", score=1)
    assert judge.judge(f"it was {answer}, I think", secret).verdict == "right"
    for pasted in (hint, f"{hint} zebra", f"zebra, {hint}"):
        assert judge.judge(pasted, secret).verdict == "wrong"


def test_the_answer_is_right_whatever_riddle_and_hints_say(judge: GuessJudge) -> None:
    told = replace(
        HAIL, answer="giant ice from a storm", hints=("They are giant ice from a storm.",), riddle="Giant ice?"
    )
    assert judge.judge("Giant ice, from a storm!", told) == Judgement(verdict="right", score=1)
    assert judge.judge("to be or not to be", Secret(answer="To be, or not to be")).verdict == "right"


def test_the_words_of_the_riddle_in_another_order_are_no_guess(judge: GuessJudge) -> None:
    words = sorted(set(HAIL.riddle.replace("\n", " ").replace(".", "").replace(",", "").split()))
    for start in range(0, len(words), 5):
        assert judge.signs(" ".join(words[start : start + 5]), HAIL) == Signs()


def test_a_list_of_everything_that_can_happen_is_not_right(judge: GuessJudge) -> None:
    events = (
        "strike flood election fire earthquake hailstones merger drought murder wedding penguin football satellite "
        "vaccine tax giant inflation comet parade blackout volcano verdict festival ferry robbery marathon"
    )
    assert judge.judge(events, HAIL).verdict != "right"
    assert judge.judge(events, FIRE).verdict != "right"


def test_only_the_beginning_of_a_long_guess_is_read(judge: GuessJudge) -> None:
    padding = "x " * (LONGEST_GUESS // 2)
    assert judge.judge(padding + "giant hailstones", HAIL).score == judge.judge(padding, HAIL).score


@settings(max_examples=200, deadline=None)
@given(guess=any_text)
def test_any_text_is_judged_and_scored_between_0_and_1(judge: GuessJudge, guess: str) -> None:
    judgement = judge.judge(guess, HAIL)
    assert 0 <= judgement.score <= 1
    assert judgement.verdict in {"right", "near", "wrong"}


@settings(max_examples=100, deadline=None)
@given(noise=st.text(st.characters(categories=["P", "Zs", "Cf"]), max_size=10))
def test_marks_around_a_guess_change_nothing(judge: GuessJudge, noise: str) -> None:
    assert judge.judge(f"{noise} giant hailstones {noise}", HAIL) == judge.judge("giant hailstones", HAIL)


@settings(max_examples=60, deadline=None)
@given(stray=st.lists(st.sampled_from(["zebra", "violin", "senate", "cactus", "pension", "orbit"]), max_size=6))
def test_words_that_belong_nowhere_never_make_a_guess_right(judge: GuessJudge, stray: list[str]) -> None:
    for guess in ("a storm", "ice", "vineyards in Argentina"):
        assert judge.judge(guess, HAIL).verdict != "right"
        assert judge.judge(" ".join([guess, *stray]), HAIL).verdict != "right"


def test_a_riddle_without_a_summary_is_judged_by_its_answer(judge: GuessJudge) -> None:
    bare = Secret(answer="giant hailstones")
    assert judge.judge("huge hailstones", bare).verdict == "right"
    assert judge.judge("a bus strike", bare).verdict == "wrong"


def test_a_wordy_answer_of_a_model_is_guessed_by_what_it_is_about(judge: GuessJudge) -> None:
    wordy = Secret(
        answer="fog that made it impossible for planes",
        summary="Dense fog at Lahore airport made it impossible for flights to land until noon.",
        title="Fog grounds flights at Lahore airport",
    )
    assert judge.judge("fog at the airport", wordy).verdict == "right"
    assert judge.judge("something impossible", wordy).verdict != "right"


def test_an_answer_in_another_script_can_be_guessed(judge: GuessJudge) -> None:
    secret = Secret(answer="пожар в порту", summary="Склад горел в порту.")
    assert judge.judge("Пожар в порту!", secret).verdict == "right"
    assert judge.judge("выборы", secret).verdict != "right"


@pytest.mark.parametrize("char", ["a", "\u0301", "\u200b", "🔥", "字", "\n", "a "])
def test_a_hostile_guess_takes_no_time(judge: GuessJudge, char: str) -> None:
    judge.judge("warm", HAIL)
    begun = time.perf_counter()
    judge.judge(char * 10_000, HAIL)
    assert time.perf_counter() - begun < 0.5
