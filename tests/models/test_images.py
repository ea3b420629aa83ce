import io

import numpy as np
import pytest
import torch
from PIL import Image

from vlmcore.models.images import UnreadableImageError, read_image, to_pixels

HEIGHT, WIDTH = 18, 30
GREYS = ["I", "F", "I;16", "I;16L", "I;16B"]
MODES = ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX"]
MODES += ["CMYK", "YCbCr", "LAB", "HSV"]


@pytest.fixture
def photo():
    """A smooth picture with a different colour in every corner, uint8 (h, w, 3)."""
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    return (255 * np.stack([x, y, (1 - x) * (1 - y)], axis=-1)).astype(np.uint8)


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


FORMS = {
    "HWC": lambda a: a,
    "CHW": lambda a: a.transpose(2, 0, 1),
    "batch": lambda a: a[None],
    "PIL": Image.fromarray,
    "PNG": lambda a: encoded(Image.fromarray(a), "PNG"),
    "open file": lambda a: io.BytesIO(encoded(Image.fromarray(a), "PNG")),
    "torch": torch.from_numpy,
    "torch CHW": lambda a: torch.from_numpy(a).permute(2, 0, 1),
    "RGBA": lambda a: np.dstack([a, a[..., 0]]),
    "float64": lambda a: a / 255,
    "long double": lambda a: a / np.longdouble(255),
    "gradient": lambda a: torch.tensor(a / 255, requires_grad=True).detach(),
    "int64": lambda a: a.astype(int),
    "16 bits": lambda a: 257 * a.astype(np.uint16),
    "big-endian": lambda a: (257 * a.astype(np.uint16)).astype(">u2"),
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "list": lambda a: [a],
    "read-only": lambda a: np.frombuffer(a.tobytes(), np.uint8).reshape(a.shape),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_is_the_same_in_every_form(photo, form):
    expected = to_pixels(photo, 24)
    torch.testing.assert_close(to_pixels(FORMS[form](photo), 24), expected)


def test_a_file_is_given_by_its_path_and_a_list_may_hold_all_sizes(photo, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    small = photo[:1, :1]
    many = to_pixels([str(path), path, torch.from_numpy(small), small[..., 0]], 24)
    one = to_pixels(photo, 24)
    assert torch.equal(many[0], one[0]) and torch.equal(many[1], one[0])
    assert many.shape == (4, 3, 24, 24) and many.dtype == torch.float32
    grey = torch.full((3, 24, 24), small[0, 0, 0] / 255)
    torch.testing.assert_close(many[3], grey)


@pytest.mark.parametrize("mode", MODES)
def test_a_pil_image_of_any_mode_is_its_own_rgb(photo, mode):
    image = Image.fromarray(photo)
    image = image.convert("LA" if mode == "La" else mode).convert(mode)
    rgb = image.convert("LA").convert("RGB") if mode == "La" else image.convert("RGB")
    assert torch.equal(to_pixels(image, 24), to_pixels(rgb, 24))


@pytest.mark.parametrize("mode", GREYS)
@pytest.mark.parametrize("white", [255, 65535])
def test_deep_grey_is_scaled_and_not_made_white(photo, mode, white):
    grey = np.linspace(0, white, HEIGHT * WIDTH).round().reshape(HEIGHT, WIDTH)
    kind = {"F": "<f4", "I": "<i4", "I;16B": ">u2"}.get(mode, "<u2")
    image = Image.frombytes(mode, (WIDTH, HEIGHT), grey.astype(kind).tobytes())
    pixels = to_pixels(image, WIDTH)[0, 0, (WIDTH - HEIGHT) // 2 :][:HEIGHT]
    torch.testing.assert_close(pixels, torch.tensor(grey / white).float())


def test_a_rectangle_is_padded_as_llava_pads_it(photo):
    """LLaVA's `expand2square`, from its source."""
    mean = 0.48145466, 0.4578275, 0.40821073
    colour = tuple(int(255 * x) for x in mean)
    for picture in (Image.fromarray(photo), Image.fromarray(photo.swapaxes(0, 1))):
        width, height = picture.size
        square = Image.new("RGB", (max(picture.size),) * 2, colour)
        if width > height:
            square.paste(picture, (0, (width - height) // 2))
        else:
            square.paste(picture, ((height - width) // 2, 0))
        ours = to_pixels(picture, WIDTH)[0]
        assert torch.equal((255 * ours).round().byte(), to_byte(square))


def to_byte(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


@pytest.mark.parametrize("size", [12, 45])
def test_resizing_is_within_a_grey_level_of_pils(photo, size):
    square = Image.fromarray(photo[:, :HEIGHT])
    theirs = to_byte(square.resize((size, size), Image.Resampling.BICUBIC))
    difference = 255 * to_pixels(square, size)[0] - theirs.float()
    assert difference.abs().max() <= 1.5


def test_a_photograph_is_turned_as_its_camera_says(photo):
    """Orientation 6: the top of the file is the right of the picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = Image.fromarray(photo)
    stored = encoded(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    assert torch.equal(to_pixels(stored, 24), to_pixels(upright, 24))
    opened = Image.open(io.BytesIO(stored))
    assert torch.equal(to_pixels(opened, 24), to_pixels(upright, 24))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "JPEG", "TIFF", "BMP"])
def test_a_file_is_known_by_its_content(photo, tmp_path, kind):
    path = tmp_path / "picture.jpg"
    path.write_bytes(encoded(Image.fromarray(photo), kind))
    difference = to_pixels(path, 24) - to_pixels(photo, 24)
    assert difference.abs().mean() < 0.02


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "no known format"),
        (b"<html></html>", "no known format"),
        (encoded(Image.new("RGB", (64, 64)), "JPEG")[:400], "truncated|Truncated"),
        (encoded(Image.new("RGB", (64, 64)), "PNG")[:60], "truncated|Truncated"),
    ],
    ids=["empty", "html", "half a JPEG", "half a PNG"],
)
def test_a_file_that_cannot_be_decoded_is_named(tmp_path, content, reason):
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    message = rf"broken.jpg cannot be decoded \(.*({reason}).*\); give a whole image"
    with pytest.raises(UnreadableImageError, match=message):
        to_pixels([path], 24)
    with pytest.raises(FileNotFoundError, match=r"nowhere.png is missing; check the"):
        read_image(tmp_path / "nowhere.png")


@pytest.mark.parametrize(
    "images, message",
    [
        ([], "there is no image; give at least one"),
        (None, "of a NoneType; give files, PIL images, or arrays"),
        ({"image": 1}, "of a dict; give files"),
        (5, "of a int; give files"),
        ([[1, 2], [3, 4]], "of a list; give files"),
        (np.array(["a", None]), "of object; give files"),
        (np.zeros((2, 5, 6)), r"RGB, RGBA or grey.*not of shape \(2, 5, 6\)"),
        (np.zeros((3, 7, 3)), r"first or last.*not of shape \(3, 7, 3\)"),
        (np.zeros((1, 1, 3, 4, 4)), r"not of shape \(1, 1, 3, 4, 4\)"),
        (np.zeros((0, 3, 4, 4)), r"\(0, 3, 4, 4\) have no pixels"),
        (np.full((4, 4, 3), 255.0), "whole numbers up to 255.*float32 from 255 to 255"),
        (np.full((4, 4, 3), np.nan), "between 0 and 1.*from nan to nan"),
        (np.full((4, 4, 3), -1), "whole numbers up to 255.*int64 from -1 to -1"),
        (np.full((4, 4, 3), 70000), "up to 255 or 65535.*from 70000 to 70000"),
        (torch.zeros(3, 4, 4, dtype=torch.complex64), "these are torch.complex64"),
        (np.zeros((1, 20000, 3), np.uint8), "1 x 20000 pixels.*between 1 and 16384"),
        (Image.new("RGB", (0, 3)), "3 x 0 pixels cannot be padded"),
        (Image.fromarray(np.full((3, 3), -5, np.int32)), "from -5 to -5"),
        ("/", "cannot be decoded .*directory"),
        ("a\0b", "cannot be decoded .*null"),
    ],
    ids=lambda x: x if isinstance(x, str) and len(x) > 4 else "",
)
def test_what_is_no_image_gets_a_sentence(images, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        to_pixels(images, 24)
