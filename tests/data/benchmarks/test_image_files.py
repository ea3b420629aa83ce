"""Image files as people have them: each kind with the right pixels."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from vlmcore.data.benchmarks.question import Question
from vlmcore.evaluation.image_loading import open_image
from vlmcore.models.images import UnreadableImageError, to_pixels


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


RED = Image.new("RGB", (24, 16), (255, 0, 0))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\n".join(text[i : i + 20] for i in range(0, len(text), 20)),
        lambda text: text.rstrip("="),
        lambda text: f"data:image/png;base64,{text}",
        lambda text: text.replace("+", "-").replace("/", "_"),
    ],
    ids=["line breaks", "no padding", "an address", "for addresses"],
)
def test_base64_of_every_kind_is_read(change):
    noise = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    image = Image.fromarray(noise)
    packed = base64.b64encode(encoded(image)).decode()
    found = open_image(Question(1, "?", change(packed), (), "all", "f, row 1"))
    assert (np.asarray(found) == noise).all()


def of_kind(kind):
    """An image file, and the RGB of its upper left corner; None if there is none."""
    grey = Image.new("L", (24, 16), 128)
    if kind == "16-bit grey":
        array = np.full((16, 24), 128 * 257, np.uint16)
        return encoded(Image.fromarray(array)), (128, 128, 128)
    if kind == "rotated":
        exif = Image.Exif()
        exif[0x0112] = 6  # the first row is at the right
        two = RED.copy()
        two.paste((0, 0, 255), (0, 8, 24, 16))
        return encoded(two, "PNG", exif=exif), (0, 0, 255)
    return {
        "cmyk": (encoded(RED.convert("CMYK"), "TIFF"), (255, 0, 0)),
        "palette": (encoded(RED.convert("P")), (255, 0, 0)),
        "1-bit": (encoded(Image.new("1", (24, 16), 1)), (255, 255, 255)),
        "gif": (encoded(RED, "GIF"), (255, 0, 0)),
        "webp": (encoded(RED, "WEBP", lossless=True), (255, 0, 0)),
        "grey": (encoded(grey), (128, 128, 128)),
        "grey with alpha": (encoded(grey.convert("LA")), (128, 128, 128)),
        "truncated": (encoded(RED, "JPEG")[:-150], None),
        "empty": (b"", None),
        "html": (b"<html>404</html>", None),
    }[kind]


KINDS = "cmyk palette 1-bit gif webp grey truncated empty html rotated".split()  # noqa: SIM905


@pytest.mark.parametrize("kind", [*KINDS, "grey with alpha", "16-bit grey"])
def test_images_of_all_kinds(tmp_path, kind):
    data, corner = of_kind(kind)
    path = tmp_path / "wrong_name.jpg"
    path.write_bytes(data)
    question = Question(1, "?", path, (), "all", "f.json, item 1")
    if corner is None:
        with pytest.raises(UnreadableImageError, match=r"f.json, item 1: .*name.jpg"):
            open_image(question)
        return
    image = open_image(question)
    assert image.size == ((16, 24) if kind == "rotated" else (24, 16))
    pixels = to_pixels(image, 24, padding=(0, 0, 0))[0]
    # an upright photograph is padded at the sides
    middle = pixels[:, 2, 5] if kind == "rotated" else pixels[:, 5, 2]
    if kind == "rotated":
        corner = (0, 0, 255)
    assert (middle * 255).round().int().tolist() == list(corner)
