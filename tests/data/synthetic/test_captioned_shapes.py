import numpy as np

from vlmcore.data.synthetic.captioned_shapes import CAPTION_WORDS, captioned_shapes
from vlmcore.data.synthetic.drawing import COLOUR_NAMES, COLOURS


def test_a_step_is_a_pure_function_of_seed_and_number():
    first, again, other = (captioned_shapes(3, step, 20) for step in (5, 5, 6))
    assert np.array_equal(first.images, again.images)
    assert first.captions == again.captions
    assert not np.array_equal(first.images, other.images)


def test_captions_use_the_known_words_and_all_of_them():
    captions = captioned_shapes(0, 0, 500).captions
    assert set(" ".join(captions).split()) == set(CAPTION_WORDS)


def test_the_caption_says_what_is_drawn():
    """The first shape is never hidden: its colour is where the caption says."""
    images, captions = captioned_shapes(1, 0, 200)
    palette = np.array(list(COLOURS.values()))
    thirds = [slice(i * 64 // 3, (i + 1) * 64 // 3) for i in range(3)]
    for image, caption in zip(images, captions, strict=True):
        _, _, colour, _, _, row, column = caption.split()[:7]
        y = thirds[("top", "middle", "bottom").index(row)]
        x = thirds[("left", "centre", "right").index(column)]
        pixels = image[:, y, x].reshape(3, -1).T.astype(int)
        distance = np.abs(pixels - palette[COLOUR_NAMES.index(colour)]).max(-1)
        assert (distance < 40).any(), caption
