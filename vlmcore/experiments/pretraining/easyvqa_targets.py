"""What easy-VQA's images show, as notes in the words of a pretrained language model.

Such a model knows "red" and "circle" before it sees, and a compressor that writes the
sum of both is understood at once. To find this out from answers alone takes a hundred
times longer: the gradient has to pass through all layers of the language model, and
says little, where a word's embedding says everything.
"""

import numpy as np
import torch

from vlmcore.data import easyvqa
from vlmcore.data.synthetic.drawing import COLOURS, SHAPES
from vlmcore.experiments.pretraining.embedding_targets import SceneTargets
from vlmcore.models.language import LanguageModel

OWN_SCORE = 8.0
"""What a word's embedding scores as its own name, so that it is surer than e to this
power to one against a word at right angles."""


def shape_targets(
    data: easyvqa.EasyVQA, language: LanguageModel, side: int
) -> SceneTargets:
    """Colour and form of each shape at the place of its middle; nothing about images whose questions do not settle what they show.

    Args:
        data: images and all questions about them.
        language: writes " red" as one token or more. A word is named by its first, and
            noted by the sum of all.
        side: places a side.
    """
    spoken = [
        language.tokenizer([f" {word}" for word in group], add_special_tokens=False)[
            "input_ids"
        ]
        for group in (COLOURS, SHAPES)
    ]
    colours, shapes = spoken
    known = [
        [*colour, *shape] for colour in colours for shape in shapes
    ]  # in the order of CONTENTS
    pad, longest = language.tokenizer.pad_token_id, max(map(len, known))
    lines = torch.tensor(
        [*(line + [pad] * (longest - len(line)) for line in known), [pad] * longest]
    )
    shown = easyvqa.contents(data)
    places = (easyvqa.centres(data.images) * side).astype(int)
    words = torch.full((len(shown), side**2, longest), pad)
    words[torch.arange(len(shown)), torch.from_numpy(places @ np.array([side, 1]))] = (
        lines[torch.from_numpy(shown)]
    )
    first = tuple(torch.tensor([tokens[0] for tokens in group]) for group in spoken)
    device = language.model.get_input_embeddings().weight.device
    length = (
        language.embed(torch.cat(first).to(device))
        .detach()
        .float()
        .pow(2)
        .sum(-1)
        .mean()
    )
    return SceneTargets(words, 0, first, OWN_SCORE / float(length))
