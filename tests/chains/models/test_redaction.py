from hypothesis import given
from hypothesis import strategies as st

from chains.models.redaction import MAX_LENGTH, clean_reason

KEY = "sk-proj-AbCdEf0123456789"


@given(st.text(), st.text())
def test_a_given_secret_never_survives(before: str, after: str) -> None:
    assert KEY not in clean_reason(before + KEY + after, [KEY])


@given(st.text())
def test_a_reason_is_one_short_line(text: str) -> None:
    cleaned = clean_reason(text)
    assert len(cleaned) <= MAX_LENGTH
    assert "\n" not in cleaned


def test_keys_nobody_named_are_hidden_by_their_form() -> None:
    said = (
        "Incorrect API key provided: sk-abc123***xyz9. Authorization: Bearer eyJhbGciOi.J9.x-y_z at https://u:p@host/v1"
    )
    cleaned = clean_reason(said)
    assert "sk-abc" not in cleaned
    assert "eyJ" not in cleaned
    assert "u:p@" not in cleaned
    assert "Incorrect API key provided" in cleaned


def test_markup_is_taken_out_of_an_error_page() -> None:
    page = "<html><style>b {color: red}</style><title>502 Bad Gateway</title><body><h1>Oops</h1></body></html>"
    assert clean_reason(page) == "502 Bad Gateway Oops"


def test_what_is_not_secret_stays() -> None:
    assert clean_reason("model 'risk-assessment' not found") == "model 'risk-assessment' not found"
