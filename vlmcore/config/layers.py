"""Parameters and floating-point operations of the layers that models are made of.

A multiplication and an addition are two operations; biases, norms, activations and
softmax are left out, as in `torch.utils.flop_counter`.
"""


def linear_parameters(inputs: int, outputs: int) -> int:
    """A matrix and its bias."""
    return inputs * outputs + outputs


def mlp_parameters(inputs: int, hidden: int, outputs: int) -> int:
    """Two linear layers."""
    return linear_parameters(inputs, hidden) + linear_parameters(hidden, outputs)


def norm_parameters(width: int) -> int:
    """Scale and shift of a layer norm."""
    return 2 * width


def attention_parameters(width: int) -> int:
    """Projections of queries, keys, values and outputs."""
    return 4 * linear_parameters(width, width)


def linear_flops(tokens: int, inputs: int, outputs: int) -> int:
    """A matrix applied to each token."""
    return 2 * tokens * inputs * outputs


def mlp_flops(tokens: int, inputs: int, hidden: int, outputs: int) -> int:
    """Two linear layers applied to each token."""
    return linear_flops(tokens, inputs, hidden) + linear_flops(tokens, hidden, outputs)
