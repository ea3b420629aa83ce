"""Weights, gradients and optimiser state shared among devices (FSDP).

`sharding_strategy` gives Lightning's strategy for `fully_shard`, on GPUs or CPUs.
Lightning's older `FSDPStrategy`, for GPUs alone, works too; `fsdp1_strategy` wraps the
same layers with it. With either, `VLMModule` trains a copy and leaves the given model
whole, which gets the trained weights when a stage ends.
"""

from copy import deepcopy
from typing import Any

import torch
from lightning.pytorch.strategies import (
    FSDPStrategy,
    ModelParallelStrategy,
    Strategy,
)
from torch import Tensor, nn
from torch.distributed.fsdp import (
    FSDPModule,
    FullyShardedDataParallel,
    MixedPrecisionPolicy,
    fully_shard,
)
from torch.distributed.tensor import DTensor

from vlmcore.models.vlm import VLM

_WRAPPED = "_fsdp_wrapped_module."


def sharding_strategy(devices: int, num_nodes: int = 1) -> ModelParallelStrategy:
    """Shards over all devices of all nodes; checkpoints hold whole weights.

    Args:
        devices: of each node.
        num_nodes: how many nodes.
    """
    return ModelParallelStrategy(
        data_parallel_size=devices * num_nodes,
        tensor_parallel_size=1,
        save_distributed_checkpoint=False,
    )


def fsdp1_strategy(vlm: VLM) -> FSDPStrategy:
    """Lightning's FSDPStrategy for a model, sharded layer by layer; it needs CUDA."""
    return FSDPStrategy(
        auto_wrap_policy={type(layer) for layer in vlm.language.layers},
        state_dict_type="full",
    )


def shard(vlm: VLM, strategy: Strategy) -> VLM:
    """A copy whose weights are shared among the processes of a strategy.

    The layers of the language model are gathered one at a time, the rest with the
    whole model. The encoder, which is small and frozen, stays whole.

    Returns:
        The model itself for a strategy that shards nothing, or if it is a copy already.
    """
    sharded = (
        isinstance(x, FSDPModule | FullyShardedDataParallel) for x in vlm.modules()
    )
    if not isinstance(strategy, FSDPStrategy | ModelParallelStrategy) or any(sharded):
        return vlm
    copy = _with_the_same_storage(vlm)
    if isinstance(strategy, ModelParallelStrategy):
        mesh, policy = strategy.device_mesh["data_parallel"], MixedPrecisionPolicy()
        if strategy.precision_plugin.precision == "bf16-mixed":  # gathered in 16 bits
            policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32)
        for layer in copy.language.layers:
            fully_shard(layer, mesh=mesh, mp_policy=policy)
        whole = set(copy.vision.parameters())
        fully_shard(copy, mesh=mesh, mp_policy=policy, ignored_params=whole)
    return copy  # the other strategy wraps it later


def _with_the_same_storage(vlm: VLM) -> VLM:
    """A copy that takes no memory until it is sharded; its weights are not to change.

    Sharding puts other tensors in the place of the copy's weights.
    """
    memo: dict[int, Any] = {
        id(x): nn.Parameter(x.detach(), x.requires_grad) for x in vlm.parameters()
    }
    return deepcopy(vlm, memo)


def plain_name(name: str) -> str:
    """A parameter's name without the marks of FSDP's wrappers."""
    return name.replace(_WRAPPED, "")


def whole_tensor(x: Tensor) -> Tensor:
    """A parameter on the CPU, gathered from all processes, which all ask for it."""
    return (x.full_tensor() if isinstance(x, DTensor) else x).detach().cpu()
