"""The published points and the law fitted to them."""

import pytest

from vlmcore import paper
from vlmcore.paper import refit


@pytest.fixture(scope="session")
def scores():
    return paper.scores("visual")


@pytest.fixture(scope="session")
def law():
    return refit.fit_published("visual")
