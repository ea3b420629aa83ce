"""Embedding targets for easy-VQA's images in the words of any language model.

A pretrained model knows "red" and "circle" before it sees an image, so a compressor
that writes the sum of both is understood at once. From answers alone this takes about a
hundred times longer: the gradient has to pass through all layers of the language model.
"""

import numpy as np
import torch

from vlmcore.data import easyvqa
from vlmcore.data.synthetic.drawing import COLOURS, SHAPES
from vlmcore.experiments.pretraining.embedding_targets import SceneTargets
from vlmcore.models.language import LanguageModel

OWN_SCORE = 8.0
"""Score of a word's embedding as its own name: the odds against an orthogonal word are
e to this power."""


def shape_targets(
    data: easyvqa.EasyVQASplit, language: LanguageModel, side: int
) -> SceneTargets:
    """Colour and shape in the cell of each shape's centre.

    Images whose questions do not settle their content have no description.

    Args:
        data: images and all questions about them.
        language: its tokenizer may write " red" as several tokens; a word is classified
            by its first and embedded as the sum of all.
        side: cells along one side.
    """
    tokenizer, pad = language.tokenizer, language.tokenizer.pad_token_id
    colours, shapes = (
        tokenizer([f" {word}" for word in group], add_special_tokens=False)["input_ids"]
        for group in (COLOURS, SHAPES)
    )
    contents = [[*colour, *shape] for colour in colours for shape in shapes]
    longest = max(map(len, contents))
    # -1, an unsettled content, takes the last row
    padded = [line + [pad] * (longest - len(line)) for line in (*contents, [])]
    content = torch.from_numpy(easyvqa.contents(data))
    cells = (easyvqa.centres(data.images) * side).astype(int) @ np.array([side, 1])
    words = torch.full((len(content), side**2, longest), pad)
    words[torch.arange(len(content)), torch.from_numpy(cells)] = torch.tensor(padded)[
        content
    ]
    first = tuple(
        torch.tensor([tokens[0] for tokens in group]) for group in (colours, shapes)
    )
    device = language.model.get_input_embeddings().weight.device
    embedded = language.embed(torch.cat(first).to(device)).detach().float()
    length = float(embedded.pow(2).sum(-1).mean())
    return SceneTargets(words, 0, first, OWN_SCORE / length)
