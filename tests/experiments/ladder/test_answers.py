"""The rule for accepted answers, which was fixed before the runs."""

import pytest

from vlmcore.experiments.ladder.answers import is_right, plain, score, share_read


@pytest.mark.parametrize(
    ("answer", "accepted", "kind", "right"),
    [
        (" Paris", ["Paris"], "capital", True),
        (" paris. It lies", ["Paris"], "capital", True),
        (" Paris, France", ["Paris"], "capital", True),
        (" Sao Tome", ["São Tomé"], "capital", True),
        (" Washington, D.C.", ["Washington D.C.", "Washington"], "capital", True),
        (" N\u2019Djamena", ["N'Djamena"], "capital", True),
        (" The Hague", ["Amsterdam", "The Hague"], "capital", True),
        (" Port Louis", ["Port-Louis"], "capital", True),
        (" Parisian", ["Paris"], "capital", False),
        (" City", ["Mexico City"], "capital", False),
        ("", ["Paris"], "capital", False),
        (" Paris\nCapital of", ["Paris"], "capital", True),
        (" CFA franc", ["West African CFA Franc"], "currency", True),
        (" franc", ["West African CFA Franc"], "currency", True),
        (" Malian Franc", ["West African CFA Franc"], "currency", False),
        (" US Dollar", ["Canadian Dollar"], "currency", False),
        (" 2", ["two", "2"], "number", True),
    ],
)
def test_which_answers_are_right(answer, accepted, kind, right):
    assert is_right(answer, accepted, kind) == right
    assert score(answer, accepted, kind) == right


def test_a_text_is_compared_without_case_accents_and_article():
    assert plain(" The Côte-d'Ivoire (west)") == "cote divoire"


@pytest.mark.parametrize(
    ("answer", "letters", "share"),
    [
        (" A B C", "A B C", 1),
        (" a b c", "A B C", 1),
        (" A X C", "A B C", 2 / 3),
        (" A C", "A B C", 2 / 3),
        (" A B C D E F G", "A B C", 0),
        (" ", "A B C", 0),
        (" . . A . B\nLetters in X", "A B", 1),
    ],
)
def test_the_share_of_letters_read(answer, letters, share):
    assert share_read(answer, letters) == pytest.approx(share)
    assert score(answer, [letters], "3 letters") == pytest.approx(share)
