"""Steps of a token: equal vectors look equal, and every step stops the slider."""

import numpy as np
import pytest

from vlmcore.plots.steps import Step, token_steps, vector_colours


def test_similar_vectors_look_alike_across_arrays():
    rng = np.random.default_rng(0)
    one, other = (
        rng.normal(size=size).astype(np.float32) for size in ((2, 4, 8), (3, 8))
    )
    other[0] = one[0, 0] + 1e-6
    first, second = vector_colours(one, other)
    assert first.shape == (2, 4, 3) and second.shape == (3, 3)
    assert min(first.min(), second.min()) >= 0 and max(first.max(), second.max()) <= 1
    np.testing.assert_allclose(first[0, 0], second[0], atol=1e-5)
    assert np.abs(first[0, 0] - first[0, 1]).max() > 0.05


def test_too_few_channels_are_named():
    with pytest.raises(ValueError, match="2 channels"):
        vector_colours(np.ones((4, 2)))


def test_every_step_is_a_stop():
    images = np.full((2, 3, 8, 8), 200, np.uint8)
    steps = {
        "weights": Step(np.arange(32.0).reshape(2, 16), ("yes", "no")),
        "one colour": Step(np.full((2, 1, 3), 0.5)),
    }
    slider = token_steps(images, ["a question", "another"], steps)
    assert list(slider.frames) == ["1. weights", "2. one colour"]
    assert len(set(slider.frames.values())) == 2
