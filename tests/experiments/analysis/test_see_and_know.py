"""Errors planted in each of the two forms are recovered by that form alone."""

import numpy as np
import pandas as pd
import pytest

from vlmcore.experiments.analysis.see_and_know import (
    deviation,
    errors_multiply,
    see_and_know,
)

SIZES, TOKENS = [1e4, 1e5, 1e6], [1, 4, 16]
KNOW, SEE = np.array([0.5, 0.2, 0.05]), np.array([0.6, 0.1, 0.0])


def table(values):
    return pd.DataFrame(values, SIZES, TOKENS)


PROBABILITIES = table(1 - np.outer(1 - KNOW, 1 - SEE))
ERRORS = table(np.outer([0.8, 0.4, 0.1], [1.0, 0.5, 0.3]))


def test_planted_parts_are_recovered():
    found = see_and_know(PROBABILITIES)
    assert found.know.to_numpy() == pytest.approx(KNOW)
    assert found.see.to_numpy() == pytest.approx(SEE)
    assert deviation(PROBABILITIES, found.fitted) < 1e-12


def test_a_bound_takes_its_part_of_the_error_of_seeing():
    found = see_and_know(PROBABILITIES, {1: 0.5})
    assert found.see[1] == pytest.approx(1 - 0.4 / 0.5)
    assert found.know.to_numpy() == pytest.approx(KNOW)


def test_each_form_fits_its_own_errors_only():
    assert deviation(ERRORS, errors_multiply(ERRORS)) < 1e-12
    assert deviation(ERRORS, see_and_know(ERRORS).fitted) > 0.02
    assert deviation(PROBABILITIES, errors_multiply(PROBABILITIES)) > 0.02
