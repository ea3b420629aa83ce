"""Our set-up of the Trainer: checkpoints, logs, precision, devices."""

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers import CSVLogger
from torch import nn

from tests.training.conftest import QUIET, SHORT, Calls
from vlmcore.training import (
    StageConfig,
    TrainingConfig,
    VLMModule,
    VQADataModule,
    fit,
    trainer,
)
from vlmcore.training.trainer import read_log, run


def test_a_checkpoint_holds_trained_weights_and_plain_values(make_vlm, data, tmp_path):
    stage = StageConfig(2, 1e-2)
    batches = VQADataModule(data, stage, stage="align")
    module = VLMModule(make_vlm(), stage, stage="align")
    run(module, batches, stage.steps, tmp_path, checkpoint_every=1, **QUIET)
    state = torch.load(tmp_path / "resume.ckpt", weights_only=True)["state_dict"]
    assert state and all(name.startswith("model.compressor.") for name in state)


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


@pytest.mark.parametrize(("bf16", "half"), [(True, "bf16-mixed"), (False, "16-mixed")])
def test_half_precision_is_for_models_that_gain_by_it(monkeypatch, bf16, half):
    """A card that only emulates bfloat16 computes in float16."""
    columns = trainer.MIXED_FROM // 10_000
    small, large = (nn.Linear(n, 10_000, device="meta") for n in (10, columns))
    assert trainer._precision("auto", "cpu", large) == "32-true"
    monkeypatch.setattr(trainer, "device_of", lambda accelerator: torch.device("cuda"))
    native = {False: bf16, True: True}
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: native[including_emulation],
    )
    assert trainer._precision("auto", "auto", small) == "32-true"
    assert trainer._precision("auto", "auto", large) == half
    assert trainer._precision("32-true", "auto", large) == "32-true"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_gpu_is_used_without_asking(make_vlm, data, tmp_path):
    vlm = make_vlm()
    calls = Calls.of(vlm)
    fit(vlm, data, SHORT, tmp_path, progress=False)
    assert {batch.text.device.type for batch, *_ in calls.seen} == {"cuda"}
