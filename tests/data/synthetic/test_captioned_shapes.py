import numpy as np

from vlmcore.data.synthetic.captioned_shapes import (
    CAPTION_WORDS,
    COLOURS,
    SHAPES,
    captioned_shapes,
    coverage,
)


def test_a_step_is_a_pure_function_of_seed_and_number():
    first, again, other = (
        captioned_shapes(3, 5, 20),
        captioned_shapes(3, 5, 20),
        captioned_shapes(3, 6, 20),
    )
    assert (
        np.array_equal(first.images, again.images) and first.captions == again.captions
    )
    assert not np.array_equal(first.images, other.images)


def test_captions_use_the_known_words_and_all_of_them():
    captions = captioned_shapes(0, 0, 500).captions
    assert {word for caption in captions for word in caption.split()} == set(
        CAPTION_WORDS
    )


def test_the_caption_says_what_is_painted():
    """The first shape is never hidden: at its place, as the caption gives it, there is its colour."""
    images, captions = captioned_shapes(1, 0, 200)
    palette = np.array(list(COLOURS.values()))
    for image, caption in zip(images, captions, strict=True):
        _, _, colour, _, _, row, column = caption.split()[:7]
        y, x = (
            {"top": 0, "middle": 1, "bottom": 2}[row],
            {"left": 0, "centre": 1, "right": 2}[column],
        )
        third = (
            image[
                :,
                slice(*np.array([y, y + 1]) * 64 // 3),
                slice(*np.array([x, x + 1]) * 64 // 3),
            ]
            .reshape(3, -1)
            .T
        )
        nearest = np.abs(third[:, None].astype(int) - palette).max(-1)
        assert (nearest[:, list(COLOURS).index(colour)] < 40).any(), caption


def test_coverage_is_the_area():
    shapes = np.arange(3)
    areas = coverage(
        shapes,
        np.full((3, 2), 32.0),
        np.array([[10.0, 10.0], [10.0, 5.0], [10.0, 10.0]]),
    ).sum((1, 2))
    assert np.allclose(areas, [np.pi * 100, 200, 200], rtol=0.03), dict(
        zip(SHAPES, areas, strict=True)
    )
