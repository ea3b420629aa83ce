"""Our set-up of the Trainer: checkpoints, logs, precision, devices."""

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers import CSVLogger

from tests.training.conftest import QUIET, SHORT, Calls
from vlmcore.training import (
    StageConfig,
    TrainingConfig,
    VLMModule,
    VQADataModule,
    fit,
)
from vlmcore.training.trainer import MIXED_FROM, automatic_precision, read_log, run


def test_a_checkpoint_holds_trained_weights_and_plain_values(make_vlm, data, tmp_path):
    stage = StageConfig(2, 1e-2)
    batches = VQADataModule(data, stage, stage="align")
    module = VLMModule(make_vlm(), stage, stage="align")
    run(module, batches, stage.steps, tmp_path, checkpoint_every=1, **QUIET)
    state = torch.load(tmp_path / "resume.ckpt", weights_only=True)["state_dict"]
    assert state and all(name.startswith("model.compressor.") for name in state)


@pytest.mark.parametrize("parts", [1, 3])
def test_gradients_are_kept_between_the_parts_of_a_step_alone(
    make_vlm, data, tmp_path, parts
):
    vlm, kept = make_vlm(), []
    forward = vlm.forward

    def watched(*arguments):
        kept.append(any(x.grad is not None for x in vlm.parameters()))
        return forward(*arguments)

    vlm.forward = watched
    fit(vlm, data, SHORT, tmp_path, accumulate_grad_batches=parts, **QUIET)
    steps = SHORT.align.steps + SHORT.tune.steps
    assert kept == [False, *[True] * (parts - 1)] * steps


def test_the_log_has_every_tenth_step(make_vlm, data, tmp_path):
    """A user's logger logs too, and a user's callback is called."""

    class Ended(Callback):
        count = 0

        def on_train_end(self, trainer, stage):
            Ended.count += 1

    config = TrainingConfig(StageConfig(0, 1e-2), StageConfig(40, 1e-3, 3))
    logger = CSVLogger(tmp_path / "mine")
    more = {"logger": logger, "callbacks": [Ended()]}
    fit(make_vlm(), data, config, tmp_path, **more, **QUIET)
    assert read_log(tmp_path / "tune")["step"].tolist() == [9, 19, 29, 39]
    assert list((tmp_path / "mine").rglob("metrics.csv")) and Ended.count == 1
    with pytest.raises(FileNotFoundError, match="no training log"):
        read_log(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("half", "large"),
    [
        (None, "32-true"),
        (torch.bfloat16, "bf16-mixed"),
        (torch.float16, "16-mixed"),
    ],
    ids=["CPU", "A100", "T4"],
)
def test_half_precision_is_for_models_that_gain_by_it(half, large):
    assert automatic_precision(half, MIXED_FROM) == large
    assert automatic_precision(half, MIXED_FROM - 1) == "32-true"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_gpu_is_used_without_asking(make_vlm, data, tmp_path):
    vlm = make_vlm()
    calls = Calls.of(vlm)
    fit(vlm, data, SHORT, tmp_path, progress=False)
    assert {batch.text.device.type for batch, *_ in calls.seen} == {"cuda"}
