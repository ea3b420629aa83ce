import numpy as np

from vlmcore.data.synthetic.drawing import (
    SHAPES,
    cell_corners,
    draw_glyphs,
    generator,
    glyph_masks,
    pale_canvas,
    permutations,
    shape_masks,
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


def test_permutations_hold_everything_once_and_are_uniform():
    drawn = permutations(np.random.default_rng(0), 4000, 5)
    assert (np.sort(drawn, axis=1) == np.arange(5)).all()
    counts = np.stack([np.bincount(column, minlength=5) for column in drawn.T])
    assert abs(counts - 800).max() < 4 * np.sqrt(800)


def test_backgrounds_are_plain_and_pale():
    canvas = pale_canvas(np.random.default_rng(0), 200, 6)
    assert canvas.shape == (200, 3, 6, 6) and (canvas == canvas[:, :, :1, :1]).all()
    assert canvas.min() == 215 and canvas.max() == 255


def test_glyphs_are_mixed_into_the_image_pixel_by_pixel():
    """Against a loop, with several images at once and glyphs that are left out."""
    rng = np.random.default_rng(0)
    canvas = rng.uniform(200, 255, (3, 3, 9, 9)).astype(np.float32)
    masks = rng.random((2, 4, 4)).astype(np.float32)
    ink = rng.uniform(0, 80, (3, 2, 3)).astype(np.float32)
    glyph = np.array([[0, 1], [1, 1], [0, 0]])
    exists = np.array([[True, True], [True, False], [False, False]])
    corner = np.array([[[1, 5], [4, 0]], [[0, 0], [5, 5]], [[2, 2], [3, 3]]])
    expected = canvas.copy()
    for i, j in np.argwhere(exists):
        top, left = corner[i, j]
        for y, x in np.ndindex(4, 4):
            share, pixel = masks[glyph[i, j], y, x], expected[i, :, top + y, left + x]
            pixel[:] = (1 - share) * pixel + share * ink[i, j]
    drawn = draw_glyphs(canvas, masks, glyph, corner, ink, exists)
    assert drawn.dtype == np.uint8
    assert abs(drawn - expected).max() <= 0.501


def test_glyphs_are_in_the_middle_of_their_square():
    masks = glyph_masks(("O", "+"), "DejaVuSans.ttf", 40, 64)
    assert masks.shape == (2, 64, 64) and masks.min() == 0 and masks.max() == 1
    weights = masks / masks.sum((1, 2), keepdims=True)
    y, x = np.einsum("kyx,cyx->ck", weights, np.mgrid[:64, :64])
    assert abs(x - 31.5).max() < 1 and abs(y - 31.5).max() < 6


def test_cells_are_numbered_row_by_row():
    assert cell_corners(np.array([0, 1, 4, 15])).tolist() == [
        [0, 0],
        [0, 18],
        [18, 0],
        [54, 54],
    ]
    assert cell_corners(np.array([9]), grid=8).tolist() == [[9, 9]]


def test_masks_have_the_area_of_their_shapes():
    extent = np.array([[10.0, 10.0], [10.0, 5.0], [10.0, 10.0]])
    areas = shape_masks(np.arange(3), np.full((3, 2), 32.0), extent, 64).sum((1, 2))
    assert np.allclose(areas, [np.pi * 100, 200, 200], rtol=0.03), (SHAPES, areas)
