import numpy as np

from vlmcore.data.synthetic.drawing import (
    generator,
    glyph_masks,
    pale_canvas,
    paste,
    permutations,
)


def test_no_two_worlds_and_no_two_seeds_share_random_numbers():
    draws = [
        generator(seed, world).random(4).tobytes()
        for world in (10, 11, 12)
        for seed in (1, 2, (1, 1), (0, 1), (1, 0, 1))
    ]
    assert len(set(draws)) == len(draws)
    for same in ((3,), (3, 0)):
        assert np.array_equal(generator(3, 11).random(4), generator(same, 11).random(4))


def test_permutations_hold_everything_once_and_are_even():
    drawn = permutations(np.random.default_rng(0), 4000, 5)
    assert (np.sort(drawn, axis=1) == np.arange(5)).all()
    counts = np.stack([np.bincount(column, minlength=5) for column in drawn.T])
    assert abs(counts - 800).max() < 4 * np.sqrt(800)


def test_grounds_are_plain_and_pale():
    canvas = pale_canvas(np.random.default_rng(0), 200, 6)
    assert canvas.shape == (200, 3, 6, 6) and (canvas == canvas[:, :, :1, :1]).all()
    assert canvas.min() == 215 and canvas.max() == 255


def test_pasting_is_mixing_pixel_by_pixel():
    """Against a loop, with several images at once and one left alone."""
    rng = np.random.default_rng(0)
    canvas = rng.uniform(200, 255, (4, 3, 9, 9)).astype(np.float32)
    image, corner = np.array([2, 0]), np.array([[1, 5], [4, 0]])
    masks, ink = (
        rng.random((2, 4, 4)).astype(np.float32),
        rng.uniform(0, 80, (2, 3)).astype(np.float32),
    )
    expected = canvas.copy()
    for i, mask, (top, left), colour in zip(image, masks, corner, ink, strict=True):
        for y in range(4):
            for x in range(4):
                share = mask[y, x]
                expected[i, :, top + y, left + x] = (1 - share) * canvas[
                    i, :, top + y, left + x
                ] + share * colour
    paste(canvas, image, masks, corner, ink)
    np.testing.assert_allclose(canvas, expected, rtol=1e-5)


def test_glyphs_stand_in_the_middle_of_their_square():
    masks = glyph_masks(("O", "+"), "DejaVuSans.ttf", 40, 64)
    assert masks.shape == (2, 64, 64) and masks.min() == 0 and masks.max() == 1
    centre = (
        np.einsum("kyx,yxc->kc", masks, np.stack(np.mgrid[:64, :64], -1))
        / masks.sum((1, 2))[:, None]
    )
    assert abs(centre[:, 1] - 31.5).max() < 1 and abs(centre[:, 0] - 31.5).max() < 6
