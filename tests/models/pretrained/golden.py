"""Weights and inputs by seed, of the sizes of the releases, for `golden.json`.

The file holds outputs of the released classes, which were run outside of this
repository on these weights and inputs: every 485th number of each output, the commit
that the class was read from, and a checksum of the text that was executed. Of
PruMerge+, the pass through the encoder is left out, and queries and keys are given.
"""

import torch

from vlmcore.models.vision import VisionFeatures

EVERY = 485
D = 1024


def generator(seed):
    return torch.Generator().manual_seed(seed)


def fill(shapes, seed):
    """Tensors by name, drawn in the order of the names."""
    draw = generator(seed)
    return {
        name: torch.randn(shape, generator=draw)
        * (shape[-1] ** -0.5 if len(shape) == 2 else 0.3)
        for name, shape in sorted(shapes.items())
    }


def seen(images=2):
    """Four hidden states, the question's state and, of PruMerge, queries and keys."""
    draw = generator(1)
    layers = torch.randn(images, 576, 4, D, generator=draw)
    question = torch.randn(images, 16, generator=draw)
    query, key = torch.randn(2, images, 577, D, generator=draw) * 1.2
    return layers, question, query, key


def features(images=2):
    """The same as the encoder gives them; the question's state beside them."""
    layers, question, query, key = seen(images)
    attention = (query @ key.mT * D**-0.5).softmax(-1)[:, 0, 1:]
    return VisionFeatures(layers, attention, key[:, 1:]), question
