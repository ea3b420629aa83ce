"""The two stages of `fit`: what each trains, on what, and in which folder."""

import numpy as np
import pytest
import torch

from tests.conftest import SAMPLES
from tests.experiments.pretraining.test_embedding_targets import make_targets
from tests.training.conftest import (
    ALIGN_ONLY,
    QUIET,
    SHORT,
    Calls,
    StopError,
    moved,
    same,
    weights,
)
from vlmcore.config import M3Config, MQTConfig, VLMConfig, replace
from vlmcore.data.samples import rows_of_step, tokenize
from vlmcore.experiments.pretraining.embedding_targets import align_to_embeddings
from vlmcore.training import StageConfig, TrainingConfig, fit
from vlmcore.training.stages import language_tokens
from vlmcore.training.trainer import read_log

LONG = TrainingConfig(StageConfig(20, 1e-2, 4), StageConfig(120, 1e-2, 4))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_training_lowers_the_loss_to_nothing(make_vlm, data, tmp_path, precision):
    vlm = fit(make_vlm(), data, LONG, tmp_path, precision=precision, **QUIET)
    log = read_log(tmp_path / "tune")["loss"]
    assert log.iloc[-1] < 0.05 < log.iloc[0]
    assert all(parameter.dtype == torch.float32 for parameter in vlm.parameters())
    batch = data.batch(torch.arange(4))
    with torch.no_grad():
        assert vlm(batch.samples, batch.images).loss < 0.05


def test_embedding_targets_replace_the_answers_in_stage_1(
    make_vlm, data, tokenizer, tmp_path
):
    """Only the compressor is trained, and the language model does not run."""
    targets = [make_targets(tokenizer)]
    alignment = align_to_embeddings([data], targets, tokenizer.pad_token_id)
    options = {"alignment": alignment, "checkpoint_every": 10, **QUIET}
    long = replace(SHORT, align=StageConfig(40, 1e-2, 3))
    vlm = make_vlm()
    before, calls = weights(vlm), Calls.of(vlm)
    fit(vlm, data, replace(long, tune=ALIGN_ONLY.tune), tmp_path / "a", **options)
    assert moved(before, weights(vlm)) == {"compressor"} and not calls.seen
    log = read_log(tmp_path / "a" / "align")["loss"]
    assert log.iloc[-1] < 0.5 * log.iloc[0]
    fit(vlm, data, long, tmp_path / "a", **options)
    assert len(calls.seen) == SHORT.tune.steps

    broken = make_vlm()
    Calls.of(broken, "compress", stop=24)
    with pytest.raises(StopError):
        fit(broken, data, long, tmp_path / "b", **options)
    resumed = fit(make_vlm(), data, long, tmp_path / "b", **options)
    assert same(weights(vlm), weights(resumed))


@pytest.mark.parametrize("parts", [1, 3])
def test_images_without_targets_are_left_out(
    make_vlm, data, tokenizer, tmp_path, parts
):
    """They are not empty: nothing is known about them."""
    targets = make_targets(tokenizer)
    targets.words[1] = tokenizer.pad_token_id
    alignment = align_to_embeddings([data], [targets], tokenizer.pad_token_id)
    vlm = make_vlm()
    calls = Calls.of(vlm, "compress")
    options = {"alignment": alignment, "accumulate_grad_batches": parts, **QUIET}
    fit(vlm, data, ALIGN_ONLY, tmp_path, **options)
    assert len(calls.seen) == ALIGN_ONLY.align.steps * parts
    images = torch.cat([batch.image for _, batch in calls.seen])
    assert set(images.tolist()) == {0, 2}


def test_several_data_sets_take_turns(make_vlm, data, tokenizer, tmp_path):
    """Each continues where it stopped, also after an interruption."""
    other = data._replace(tokens=tokenize([SAMPLES[2]], tokenizer, "image_first"))
    config = replace(ALIGN_ONLY, align=StageConfig(5, 1e-2, 2))
    vlm, sets = make_vlm(), [data, other]
    calls = Calls.of(vlm)
    fit(vlm, sets, config, tmp_path / "a", **QUIET)
    rows = [rows_of_step(4, 2, (config.seed, 0), turn) for turn in range(3)]
    first, second, third = (data.tokens.image[each].tolist() for each in rows)
    seen = [batch.image.tolist() for batch, *_ in calls.seen]
    assert seen == [first, [2], second, [2], third]

    read = [(data.tokens, each) for each in rows] + 2 * [(other.tokens, [0])]
    texts = [int((t.length + t.question_length)[r].sum()) + 4 * len(r) for t, r in read]
    tokens = [data.tokens, other.tokens]
    assert language_tokens(vlm.config, tokens, config) == sum(texts)

    broken, options = make_vlm(), {"checkpoint_every": 1, **QUIET}
    Calls.of(broken, stop=3)
    with pytest.raises(StopError):
        fit(broken, sets, config, tmp_path / "b", **options)
    resumed = fit(make_vlm(), sets, config, tmp_path / "b", **options)
    assert same(weights(vlm), weights(resumed))


def test_a_matryoshka_is_trained_on_many_v(make_vlm, data, tmp_path):
    """M3 on all scales in every step, MQT on random even numbers in stage 2."""

    def trained(name, *model, config=SHORT):
        vlm = make_vlm(*model)
        calls = Calls.of(vlm)
        fit(vlm, data, config, tmp_path / name, **QUIET)
        return [v for _, _, v, *_ in calls.seen]

    assert trained("m3", M3Config(), 4) == [1, 4, 9, 36] * (6 + 8)
    drawn = trained("mqt", MQTConfig(9, 2), 4)
    assert drawn[:6] == [9] * 6 and len(drawn) == 6 + 8
    assert set(drawn[6:]) <= {2, 4, 6, 8} and len(set(drawn[6:])) > 1
    other = trained("other", MQTConfig(9, 2), 4, config=replace(SHORT, seed=4))
    assert other[6:] != drawn[6:], "another seed draws other numbers"
    assert trained("quecc") == [None] * (6 + 8)


def test_the_loss_of_a_step_is_the_mean_over_its_v(make_vlm, data, tmp_path):
    config = TrainingConfig(StageConfig(0, 1e-2), StageConfig(10, 1e-9, len(SAMPLES)))
    vlm, batch = make_vlm(M3Config(), 4), data.batch(torch.arange(len(SAMPLES)))
    with torch.no_grad():
        losses = [vlm(batch.samples, batch.images, v).loss for v in (1, 4, 9, 36)]
    fit(vlm, data, config, tmp_path, **QUIET)
    logged = read_log(tmp_path / "tune")["loss"].iloc[0]
    assert logged == pytest.approx(np.mean(losses), rel=1e-4)
    assert max(losses) - min(losses) > 1e-3


def test_finished_stages_are_not_repeated(make_vlm, data, tmp_path):
    first = fit(make_vlm(), data, SHORT, tmp_path, **QUIET)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.safetensors")}
    again = fit(make_vlm(), data, SHORT, tmp_path, **QUIET)
    assert len(stamps) == 2
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert same(weights(first), weights(again))


def test_bad_input_gets_a_sentence(make_vlm, data, tmp_path):
    with pytest.raises(ValueError, match="steps is -1"):
        StageConfig(-1, 1e-3)
    with pytest.raises(ValueError, match="visual_tokens=0 and compressor=None"):
        fit(make_vlm(), data._replace(features=None), SHORT, tmp_path)
    fit(make_vlm(), data, SHORT, tmp_path, **QUIET)
    path = tmp_path / "tune.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"tune.safetensors is damaged"):
        fit(make_vlm(), data, SHORT, tmp_path, **QUIET)


def test_the_default_run_is_one_epoch_of_easy_vqa():
    config = TrainingConfig()
    assert config.tune.steps * config.tune.batch_size >= 38_000
    assert VLMConfig().visual_tokens == 1
