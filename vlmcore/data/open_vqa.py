"""A small VQA set in LLaVA's format, of drawings and free photographs.

    vlmcore vqa-set --photographs site-packages/skimage/data --out book/results/open_vqa

Drawings are made here from a seed. Photographs are those of scikit-image's wheel whose
documentation gives them to the public domain or under CC0. Files are named as LLaVA's:
captions for stage 1, questions of several turns for stage 2, and questions about images
that training has not seen. The result is shipped, so nobody needs scikit-image.
"""

import io
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from vlmcore.data.photographs import PHOTOGRAPHS, read_photographs
from vlmcore.data.synthetic.drawing import (
    COLOUR_NAMES,
    SHAPES,
    draw_shapes,
    generator,
    pale_canvas,
    shades,
)
from vlmcore.files import write_json
from vlmcore.folders import files_beside

SIDE = 144
"""Of a drawing, in pixels."""
TEST_EVERY = 4
"""One image in so many is for the test."""
_DESCRIBE = "Describe the picture."


class Picture(NamedTuple):
    """An image of the set, its caption and its questions with their answers."""

    name: str
    image: Image.Image
    caption: str
    questions: dict[str, str]


def draw_pictures(seed: int, count: int) -> list[Picture]:
    """Drawings of one or two shapes, with questions in random order."""
    rng, few = generator(seed, 30), (count, 2)
    shape = np.stack([rng.permutation(len(SHAPES))[:2] for _ in range(count)])
    colour = np.stack([rng.permutation(len(COLOUR_NAMES))[:2] for _ in range(count)])
    extent = np.repeat(rng.uniform(0.11, 0.2, (*few, 1)), 2, axis=2) * SIDE
    centre = np.stack([np.tile([0.27, 0.73], (count, 1)), rng.uniform(0.3, 0.7, few)])
    centre = np.moveaxis(centre, 0, -1) * SIDE
    exists = np.stack([np.ones(count, bool), rng.random(count) < 0.5], axis=1)
    canvas, ink = pale_canvas(rng, count, SIDE), shades(rng, colour)
    pixels = draw_shapes(canvas, shape, centre, extent, ink, exists)
    pictures = []
    for i, image in enumerate(pixels):
        shapes = [SHAPES[s] for s in shape[i][exists[i]]]
        colours = [COLOUR_NAMES[c] for c in colour[i][exists[i]]]
        asked = list(_questions(shapes, colours, SHAPES[rng.integers(3)]).items())
        order = rng.permutation(len(asked))[:3]
        caption = " and ".join(
            f"a {c} {s}" for c, s in zip(colours, shapes, strict=True)
        )
        pictures.append(
            Picture(
                f"drawing-{i:03}.png",
                Image.fromarray(image.transpose(1, 2, 0)),
                caption,
                dict(asked[k] for k in order),
            )
        )
    return pictures


def _questions(shapes: list[str], colours: list[str], other: str) -> dict[str, str]:
    """Everything that is asked about a drawing, its shapes from left to right."""
    asked = {
        f"What colour is the {shape}?": colour
        for shape, colour in zip(shapes, colours, strict=True)
    }
    asked["How many shapes are there?"] = ("one", "two")[len(shapes) - 1]
    asked[f"Is there a {other}?"] = "yes" if other in shapes else "no"
    if len(shapes) == 2:
        return asked | {"Which shape is on the left?": shapes[0]}
    return asked | {"Which shape is it?": shapes[0]}


def write_set(
    out: str | Path,
    photographs: str | Path | None = None,
    *,
    drawings: int = 108,
    seed: int = 0,
) -> None:
    """Writes images, conversations and licences to a folder, with their checksums.

    Args:
        out: the folder.
        photographs: folder of the photographs; None takes drawings alone.
        drawings: how many.
        seed: of the drawings.

    Raises:
        FileNotFoundError: a photograph is missing.
        ValueError: a file in the folder is someone else's (`folders.files_beside`).
    """
    found = {} if photographs is None else read_photographs(photographs)
    photos = [
        Picture(f"{Path(name).stem}.jpg", image, *PHOTOGRAPHS[name][1:])
        for name, image in found.items()
    ]
    groups = photos, draw_pictures(seed, drawings)
    train = [x for group in groups for i, x in enumerate(group, 1) if i % TEST_EVERY]
    test = [x for group in groups for x in group[TEST_EVERY - 1 :: TEST_EVERY]]
    described = [x._replace(questions={_DESCRIBE: x.caption}) for x in train]
    with files_beside(out) as folder:
        with tarfile.open(folder / "images.tar", "w") as shard:
            for picture in (*train, *test):
                _add(shard, picture)
        files = {"captions": described, "train": train, "test": test}
        for name, pictures in files.items():
            write_json(folder / f"{name}.json", [_record(x) for x in pictures])
        lines = [f"{name}: {PHOTOGRAPHS[name][0]}" for name in found]
        lines.insert(0, "drawings: made by vlmcore.data.open_vqa, CC0")
        (folder / "LICENCES.txt").write_text("\n".join(lines) + "\n")


def _record(picture: Picture) -> dict[str, Any]:
    """A conversation as LLaVA has it, with the image in its first turn."""
    turns: list[dict[str, str]] = []
    for question, answer in picture.questions.items():
        mark = "" if turns else "<image>\n"
        turns.append({"from": "human", "value": mark + question})
        turns.append({"from": "gpt", "value": answer})
    stem = Path(picture.name).stem
    return {"id": stem, "image": picture.name, "conversations": turns}


def _add(shard: tarfile.TarFile, picture: Picture) -> None:
    file = io.BytesIO()
    kind = {".jpg": "JPEG", ".png": "PNG"}[Path(picture.name).suffix]
    picture.image.save(file, kind, quality=80, optimize=True)
    info = tarfile.TarInfo(picture.name)  # without a time or an owner
    info.size = file.tell()
    file.seek(0)
    shard.addfile(info, file)
