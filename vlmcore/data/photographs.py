"""Free photographs that scikit-image's wheel carries, with captions and questions.

Only those are taken that its documentation gives to the public domain or under CC0.
"""

from pathlib import Path

from PIL import Image

from vlmcore.config.validation import as_path

LONGEST_SIDE = 256
"""Of a photograph, in pixels."""
_PERSON, _COLOUR = "Is there a person in the picture?", "Is the picture in colour?"
PHOTOGRAPHS = {
    "astronaut.png": (
        "NASA, public domain",
        "an astronaut in an orange suit",
        {"What colour is the suit?": "orange", _PERSON: "yes", _COLOUR: "yes"},
    ),
    "brick.png": (
        "CC0Textures, CC0",
        "grey bricks",
        {"What is it made of?": "bricks", _COLOUR: "no", _PERSON: "no"},
    ),
    "camera.png": (
        "Lav Varshney, CC0",
        "a man with a camera on a tripod",
        {"What does the camera stand on?": "tripod", _COLOUR: "no", _PERSON: "yes"},
    ),
    "chelsea.png": (
        "Stefan van der Walt, CC0",
        "a cat",
        {"Which animal is it?": "cat", _COLOUR: "yes", _PERSON: "no"},
    ),
    "coffee.png": (
        "Rachel Michetti, CC0",
        "coffee in a red cup on a red saucer",
        {"What colour is the saucer?": "red", "What is in the cup?": "coffee"},
    ),
    "grass.png": (
        "CC0Textures, CC0",
        "grass",
        {"What is it made of?": "grass", _COLOUR: "no", _PERSON: "no"},
    ),
    "gravel.png": (
        "CC0Textures, CC0",
        "gravel",
        {"What is it made of?": "stones", _COLOUR: "no", _PERSON: "no"},
    ),
    "rocket.jpg": (
        "SpaceX, public domain",
        "a rocket on its launch pad",
        {"What stands on the launch pad?": "rocket", _COLOUR: "yes", _PERSON: "no"},
    ),
    "horse.png": (
        "Andreas Preuss, CC0",
        "the silhouette of a black horse",
        {"Which animal is it?": "horse", "What colour is the animal?": "black"},
    ),
    "hubble_deep_field.jpg": (
        "NASA, public domain",
        "galaxies in a black sky",
        {"What colour is the sky?": "black", _PERSON: "no"},
    ),
    "retina.jpg": (
        "Mikael Haggstrom, CC0",
        "the retina of an eye",
        {"Which organ is it?": "eye", _COLOUR: "yes", _PERSON: "no"},
    ),
}
"""By file name: author and licence, as scikit-image 0.26 documents them; a caption; and
questions with their answers."""


def read_photographs(folder: str | Path) -> dict[str, Image.Image]:
    """The photographs by file name, made smaller.

    Args:
        folder: `skimage/data` of an installed scikit-image.

    Raises:
        FileNotFoundError: one is missing.
    """
    images = {}
    for name in PHOTOGRAPHS:
        path = as_path("photographs", folder) / name
        if not path.is_file():
            raise FileNotFoundError(
                f"there is no {path}; install scikit-image and give its skimage/data"
            )
        images[name] = Image.open(path).convert("RGB")
        images[name].thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return images
