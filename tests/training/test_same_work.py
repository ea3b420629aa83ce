"""A folder of a training is only for the same work: it resumes, or it is refused."""

import json

import pytest
import torch

from tests.conftest import SAMPLES
from tests.training.conftest import (
    ALIGN_ONLY,
    QUIET,
    SHORT,
    Calls,
    StopError,
    same,
    weights,
)
from vlmcore.config import PoolConfig, replace
from vlmcore.data.samples import tokenize
from vlmcore.training import StageConfig, fit
from vlmcore.training.module import Stage
from vlmcore.training.steps import StepData
from vlmcore.training.trainer import run


def other_answer(data, tokenizer):
    """The same questions about the same images, one with another answer."""
    samples = [SAMPLES[0]._replace(answer="blue"), *SAMPLES[1:]]
    return data._replace(tokens=tokenize(samples, tokenizer, "image_first"))


def other_pixel(data):
    images = data.features.copy()
    images[2, 0, 5, 5] ^= 1
    return data._replace(features=images)


def other_start(vlm):
    vlm.compressor.projection[0].weight.data[0, 0] += 1e-3
    return vlm


def other_encoder(vlm):
    vlm.vision.std *= 1.5
    return vlm


@pytest.mark.parametrize("finished", [True, False], ids=["weights", "checkpoint"])
def test_other_data_weights_and_options_are_refused(
    make_vlm, data, images, tokenizer, tmp_path, finished
):
    data, folder = data._replace(features=images.numpy()), tmp_path / "whole"
    options, whole = {"checkpoint_every": 2, **QUIET}, make_vlm()
    fit(whole, data, SHORT, folder, **options)
    if not finished:
        broken, folder = make_vlm(), tmp_path / "broken"
        Calls.of(broken, stop=4)
        with pytest.raises(StopError):
            fit(broken, data, SHORT, folder, **options)
    before = {path: path.read_bytes() for path in folder.rglob("*.*t*")}
    higher = replace(SHORT, align=StageConfig(6, 2e-2, 3))
    for vlm, given, config, more, what in (
        (make_vlm(PoolConfig(), 4), data, SHORT, {}, "model"),
        (make_vlm(), data, higher, {}, "stage"),
        (make_vlm(), data, replace(SHORT, seed=4), {}, "seed"),
        (make_vlm(), other_answer(data, tokenizer), SHORT, {}, "data"),
        (make_vlm(), other_pixel(data), SHORT, {}, "data"),
        (make_vlm(), [data, data], SHORT, {}, "data"),
        (other_start(make_vlm()), data, SHORT, {}, "starting weights"),
        (other_encoder(make_vlm()), data, SHORT, {}, "frozen weights"),
        (whole, data, SHORT, {}, "frozen weights"),
        (make_vlm(), data, SHORT, {"precision": "bf16-mixed"}, "precision"),
        (make_vlm(), data, SHORT, {"gradient_clip_val": 0.1}, "options"),
    ):
        if not finished:  # the checkpoint knows it too
            (folder / "align.json").unlink()
        with pytest.raises(ValueError, match=f"different here: .*{what}.*another"):
            fit(vlm, given, config, folder, **more, **options)
        assert all(path.read_bytes() == old for path, old in before.items())
    (folder / "align.json").unlink() if not finished else None
    again = fit(make_vlm(), data, SHORT, folder, **options)
    assert same(weights(again), weights(whole))


def test_work_that_does_not_say_what_it_is_of_is_refused(make_vlm, data, tmp_path):
    """Folders and checkpoints of earlier versions, and files of others."""
    fit(make_vlm(), data, ALIGN_ONLY, tmp_path / "old", **QUIET)
    about = tmp_path / "old" / "align.json"
    old = json.loads(about.read_text())
    del old["data"], old["starting weights"]
    about.write_text(json.dumps(old))
    with pytest.raises(ValueError, match="not say its starting weights, data, so"):
        fit(make_vlm(), data, ALIGN_ONLY, tmp_path / "old", **QUIET)
    about.unlink()
    with pytest.raises(ValueError, match=r"align.json does not say its model"):
        fit(make_vlm(), data, ALIGN_ONLY, tmp_path / "old", **QUIET)
    foreign = tmp_path / "new" / "align" / "resume.ckpt"
    foreign.parent.mkdir(parents=True)
    torch.save({"state_dict": {}}, foreign)
    with pytest.raises(ValueError, match=r"resume.ckpt does not say its model"):
        fit(make_vlm(), data, ALIGN_ONLY, tmp_path / "new", **QUIET)
    assert torch.load(foreign) == {"state_dict": {}}


def test_a_model_that_a_stage_has_trained_goes_on(make_vlm, data, tmp_path):
    """Both stages in one call or in two, with the model at hand or a new one."""
    once = weights(fit(make_vlm(), data, SHORT, tmp_path / "once", **QUIET))
    vlm = fit(make_vlm(), data, ALIGN_ONLY, tmp_path / "twice", **QUIET)
    assert same(weights(fit(vlm, data, SHORT, tmp_path / "twice", **QUIET)), once)
    again = fit(make_vlm(), data, SHORT, tmp_path / "twice", **QUIET)
    assert same(weights(again), once)


def test_pretraining_resumes_with_the_same_content_only(tmp_path):
    def train(content, steps=4):
        torch.manual_seed(0)
        stage = Stage(torch.nn.Linear(2, 1), mean, StageConfig(steps, 1e-2, 2))
        batches = StepData(lambda step: torch.full((2, 2), content + step), content)
        run(stage, batches, steps, tmp_path, checkpoint_every=2, **QUIET)

    def mean(model, batch):
        return model(batch).mean()

    train(1.0)
    train(1.0)
    for content, steps, what in ((2.0, 4, "data"), (1.0, 6, "stage, steps")):
        with pytest.raises(ValueError, match=rf"\(different here: {what}\)"):
            train(content, steps)


def test_data_that_do_not_say_what_they_are_made_of_are_refused(tmp_path):
    stage = Stage(torch.nn.Linear(2, 1), len, StageConfig(4, 1e-2, 2))
    data = StepData(len, object())
    with pytest.raises(TypeError, match="no fingerprint of a object"):
        run(stage, data, 4, tmp_path, **QUIET)
