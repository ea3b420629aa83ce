"""Parts of a global batch: disjoint, complete, and with the gradient of the whole."""

from itertools import chain

import pytest
import torch
from lightning.pytorch import Callback, Trainer

from tests.conftest import SAMPLES
from tests.training.conftest import QUIET, Calls, StopError, same, weights
from vlmcore.config import M3Config
from vlmcore.data.samples import rows_of_step, tokenize
from vlmcore.training import (
    StageConfig,
    TrainingConfig,
    TrainingData,
    VLMModule,
    VQADataModule,
    fit,
)
from vlmcore.training.data import InOrder
from vlmcore.training.steps import Part
from vlmcore.training.trainer import read_log, run

STAGE = StageConfig(12, 1e-2, batch_size=4)
TUNE_ONLY = TrainingConfig(StageConfig(0, 1e-2), STAGE)


@pytest.mark.parametrize("total", [1, 2, 3, 4, 6])
def test_the_parts_of_a_step_have_its_rows_and_its_gradient(make_vlm, data, total):
    """Also where answers differ in length, and where there are more parts than rows."""
    vlm, batches = make_vlm(M3Config(), 4), VQADataModule(data, STAGE)
    stage = VLMModule(vlm, STAGE)
    parts = [batches.part_of_step(5, Part(number, total)) for number in range(total)]
    read = [row for x in parts if x.weight for row in x.content.rows.tolist()]
    assert sorted(read) == sorted(rows_of_step(4, 4, (0, 1), 5).tolist())

    def gradient(some):
        vlm.zero_grad()
        loss = sum(x.weight * stage.loss_of(x) for x in some) / len(some)
        loss.backward()
        return [
            loss.detach(),
            *(x.grad for x in vlm.parameters() if x.grad is not None),
        ]

    whole = gradient([batches.part_of_step(5, Part())])
    torch.testing.assert_close(gradient(parts), whole, rtol=1e-4, atol=1e-6)


class Rows(Callback):
    """Rows of the micro-batches of each step."""

    def __init__(self):
        self.steps = {}

    def on_train_batch_start(self, trainer, stage, batch, index):
        rows = self.steps.setdefault(trainer.global_step, [])
        rows.append(batch.content.rows.tolist())


def test_micro_batches_make_the_step_of_the_whole_batch(make_vlm, data, tmp_path):
    """Losses agree to 1e-5; Adam divides by gradients that may be rounding errors."""
    steps, losses = [], []
    for count in (1, 2):
        rows, folder = Rows(), tmp_path / str(count)
        options = {"accumulate_grad_batches": count, "log_every_n_steps": 1, **QUIET}
        fit(make_vlm(), data, TUNE_ONLY, folder, callbacks=[rows], **options)
        steps.append(rows.steps)
        losses.append(read_log(folder / "tune")["loss"])
    for step, (whole,) in steps[0].items():
        assert sorted(chain(*steps[1][step])) == sorted(whole)
    assert len(losses[0]) == 12 and (losses[0] - losses[1]).abs().max() < 1e-5


class Saver(Callback):
    """Saves a checkpoint after some micro-batch."""

    def __init__(self, folder, after):
        self.folder, self.after = folder, after

    def on_train_batch_end(self, trainer, stage, output, batch, index):
        if index + 1 == self.after:
            trainer.save_checkpoint(self.folder / "resume.ckpt")


@pytest.mark.parametrize("after", [1, 4, 5])
def test_a_checkpoint_between_micro_batches_goes_back_to_a_whole_step(
    make_vlm, data, tmp_path, after
):
    """The gradients of an unfinished step are not in a checkpoint."""
    options = {"accumulate_grad_batches": 3, **QUIET}

    def train(vlm, folder, *callbacks):
        batches = VQADataModule(data, STAGE)
        rows = Rows()
        options["callbacks"] = [rows, *callbacks]
        run(VLMModule(vlm, STAGE), batches, STAGE.steps, folder, **options)
        return rows.steps

    alone, broken, resumed = make_vlm(), make_vlm(), make_vlm()
    expected = train(alone, tmp_path / "alone")
    Calls.of(broken, stop=8)
    with pytest.raises(StopError):
        train(broken, tmp_path / "x", Saver(tmp_path / "x", after))
    steps = train(resumed, tmp_path / "x")
    assert list(steps) == list(range(after // 3, 12))
    assert all(steps[step] == expected[step] for step in steps)
    assert same(weights(alone), weights(resumed))


@pytest.mark.parametrize(
    ("count", "size", "processes"), [(9, 4, 2), (5, 1, 3), (4, 64, 4), (7, 2, 1)]
)
def test_processes_evaluate_each_sample_once(tokenizer, count, size, processes):
    tokens = tokenize((SAMPLES * 3)[:count], tokenizer, "image_first")
    data = TrainingData(tokens, None)
    shares = [InOrder(data, size, rank, processes) for rank in range(processes)]
    assert len({len(share) for share in shares}) == 1, "collective calls must pair up"
    rows = [row for share in shares for batch in share for row in batch.rows.tolist()]
    assert sorted(rows) == list(range(count))
    with pytest.raises(ValueError, match=rf"{count} samples .* {count + 1} processes"):
        InOrder(data, size, 0, count + 1)


def test_validation_and_prediction_in_a_users_trainer(
    make_vlm, data, images, tokenizer, tmp_path
):
    """The logged numbers are those of all samples at once; answers come in order."""
    vlm = make_vlm()
    asked = tokenize(SAMPLES, tokenizer, "image_first", answers=False)
    batches = VQADataModule(
        data,
        StageConfig(120, 1e-2, batch_size=3),
        validation=data,
        predict=TrainingData(asked, images),
    )
    quiet = {"logger": False, "enable_checkpointing": False, "accelerator": "cpu"}
    quiet |= {"enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(max_epochs=1, default_root_dir=tmp_path, **quiet)
    stage = VLMModule(vlm, batches.config)

    def check(exact):
        found = trainer.validate(stage, batches, verbose=False)[0]
        whole = data.batch(torch.arange(4))
        with torch.no_grad():
            loss = vlm.eval()(whole.samples, whole.images).loss.item()
        assert found == pytest.approx({"val_loss": loss, "val_exact_match": exact})

    check(exact=0)
    trainer.fit(stage, batches)
    check(exact=1)
    answers = trainer.predict(stage, batches)
    assert torch.cat([x.rows for x in answers]).tolist() == [0, 1, 2, 3]
    texts = [text for each in answers for text in each.texts]
    assert texts == [sample.answer for sample in SAMPLES]


def test_a_blind_models_batch_has_no_images(data):
    batch = data._replace(features=None).batch(torch.tensor([0]))
    assert batch.images is None and batch.to("meta").images is None


def test_pixels_train_as_their_features_do(make_vlm, data, images):
    stage = VLMModule(make_vlm(), STAGE)
    losses = [
        stage.loss_of(VQADataModule(each, STAGE).part_of_step(0, Part())).item()
        for each in (data, data._replace(features=images.numpy()))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3), "features are stored halved"


def test_micro_batches_weigh_the_same_where_that_is_asked_for(data, tokenizer):
    answers = ["red", "blue circle", "no", "yes"]
    samples = [s._replace(answer=a) for s, a in zip(SAMPLES, answers, strict=True)]
    data = data._replace(tokens=tokenize(samples, tokenizer, "image_first"))
    for by_device in (False, True):
        stage = StageConfig(2, 1e-3, 3, mean_per_device=by_device)
        batches = VQADataModule(data, stage)
        weights = [batches.part_of_step(0, Part(n, 2)).weight for n in range(2)]
        assert sum(weights) == pytest.approx(2)
        assert (weights == [1, 1]) is by_device
        empty = batches.part_of_step(0, Part(3, 4))
        assert empty.weight == 0
