import contextlib
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.conftest import SAMPLES
from tests.experiments.pretraining.test_embedding_targets import make_targets
from vlmcore.config import (
    M3Config,
    MQTConfig,
    PoolConfig,
    QueCCConfig,
    VLMConfig,
    replace,
)
from vlmcore.data.samples import rows_of_step, tokenize
from vlmcore.experiments.pretraining.embedding_targets import align_to_embeddings
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.training import (
    TrainingConfig,
    TrainingData,
    VLMModule,
    VQADataModule,
    fit,
    trainer,
)
from vlmcore.training.data import StepData
from vlmcore.training.module import Stage
from vlmcore.training.stages import language_tokens
from vlmcore.training.trainer import StageConfig, read_log, run

QUIET = {"progress": False, "accelerator": "cpu"}
SHORT = TrainingConfig(StageConfig(6, 1e-2, 3), StageConfig(8, 1e-2, 3), seed=3)


@pytest.fixture
def data(make_vlm, images, tokenizer, tmp_path):
    return TrainingData(
        tokenize(SAMPLES, tokenizer, "image_first"),
        FeatureStore(make_vlm().vision, images.numpy(), tmp_path / "features"),
    )


def weights(module):
    return {
        name: parameter.detach().clone()
        for name, parameter in module.named_parameters()
    }


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_each_stage_trains_its_parts_and_the_encoder_never(make_vlm, data, tmp_path):
    vlm = make_vlm()
    before = weights(vlm)
    fit(
        vlm, data, replace(SHORT, tune=StageConfig(0, 1e-2, 3)), tmp_path / "a", **QUIET
    )
    aligned = weights(vlm)
    moved = {
        name.split(".")[0]
        for name in before
        if not torch.equal(before[name], aligned[name])
    }
    assert moved == {"compressor"}

    fit(vlm, data, SHORT, tmp_path / "b", **QUIET)
    after = weights(vlm)
    moved = {
        name.split(".")[0]
        for name in before
        if not torch.equal(aligned[name], after[name])
    }
    assert moved == {"compressor", "language"}


def test_training_lowers_the_loss_to_nothing_on_what_it_sees(make_vlm, data, tmp_path):
    vlm = make_vlm()
    fit(
        vlm,
        data,
        TrainingConfig(StageConfig(20, 1e-2, 4), StageConfig(120, 1e-2, 4)),
        tmp_path,
        **QUIET,
    )
    log = read_log(tmp_path / "tune")
    assert log["loss"].iloc[-1] < 0.05 < 1 < log["loss"].iloc[0] + 1
    batch = data.tokens.batch(torch.arange(4))
    with torch.no_grad():
        assert vlm(batch, data.features[batch.image]).loss < 0.05


@pytest.mark.parametrize(
    "compressor",
    [QueCCConfig(heads=2), MQTConfig(queries=9, heads=2)],
    ids=["quecc", "mqt"],
)
def test_an_interrupted_run_ends_with_the_same_weights(
    make_vlm, data, tmp_path, compressor
):
    """Stopped in the middle of each stage by an error, then called again; MQT draws a V in every step of tuning."""
    make_vlm = partial(make_vlm, compressor)

    class StopError(Exception):
        pass

    alone = make_vlm()
    fit(alone, data, SHORT, tmp_path / "alone", **QUIET)

    for stage, stop in (("align", 5), ("tune", 12)):
        seen = 0
        broken = make_vlm()

        def interrupt(*args, forward=broken.forward, stop=stop):
            nonlocal seen
            seen += 1
            if seen == stop:
                raise StopError
            return forward(*args)

        broken.forward = interrupt
        with pytest.raises(StopError):
            fit(broken, data, SHORT, tmp_path / stage, checkpoint_every=2, **QUIET)
        assert (tmp_path / stage / stage / "resume.ckpt").exists()
        resumed = fit(
            make_vlm(), data, SHORT, tmp_path / stage, checkpoint_every=2, **QUIET
        )
        assert same(weights(alone), weights(resumed))
        assert not list((tmp_path / stage).rglob("*.ckpt")) and not list(
            (tmp_path / stage).rglob("*.partial")
        )


def test_with_notes_the_first_stage_aligns_words_and_the_second_answers(
    make_vlm, data, tokenizer, tmp_path
):
    """Only the compressor moves, the note loss falls, the language model is not run until tuning; an interruption changes nothing."""
    alignment, calls = (
        align_to_embeddings([data], [make_targets(tokenizer)], tokenizer.pad_token_id),
        [],
    )
    options = {"alignment": alignment, **QUIET}
    long = replace(SHORT, align=StageConfig(40, 1e-2, 3))
    vlm = make_vlm()
    before, forward = weights(vlm), vlm.forward
    vlm.forward = lambda *args: (calls.append(1), forward(*args))[1]
    fit(
        vlm,
        data,
        replace(long, tune=StageConfig(0, 1e-2, 3)),
        tmp_path / "a",
        **options,
    )
    after = weights(vlm)
    assert {
        name.split(".")[0]
        for name in before
        if not torch.equal(before[name], after[name])
    } == {"compressor"} and not calls
    log = read_log(tmp_path / "a" / "align")["loss"]
    assert log.iloc[-1] < 0.5 * log.iloc[0]
    fit(vlm, data, long, tmp_path / "a", **options)
    assert len(calls) == SHORT.tune.steps

    broken, seen = make_vlm(), []
    compress = broken.compress

    def interrupt(*args):
        seen.append(1)
        if len(seen) == 25:
            raise ZeroDivisionError
        return compress(*args)

    broken.compress = interrupt
    with pytest.raises(ZeroDivisionError):
        fit(broken, data, long, tmp_path / "b", checkpoint_every=10, **options)
    assert (tmp_path / "b" / "align" / "resume.ckpt").exists()
    resumed = fit(
        make_vlm(), data, long, tmp_path / "b", checkpoint_every=10, **options
    )
    assert same(weights(vlm), weights(resumed))


def test_images_of_which_nothing_is_noted_are_left_out_of_the_first_stage(
    make_vlm, data, tokenizer, tmp_path
):
    """They are not empty, only unknown."""
    notes = make_targets(tokenizer)
    notes.words[1] = tokenizer.pad_token_id
    vlm, seen = make_vlm(), []
    compress = vlm.compress
    vlm.compress = lambda features, batch: (
        seen.extend(batch.image.tolist()),
        compress(features, batch),
    )[1]
    fit(
        vlm,
        data,
        replace(SHORT, tune=StageConfig(0, 1e-2, 3)),
        tmp_path,
        alignment=align_to_embeddings([data], [notes], tokenizer.pad_token_id),
        **QUIET,
    )
    assert set(seen) == {0, 2}


def test_several_data_sets_take_turns(make_vlm, data, tokenizer, tmp_path):
    """Each goes on where it stopped; an interruption between them changes nothing."""
    other = data._replace(tokens=tokenize([SAMPLES[2]], tokenizer, "image_first"))
    config, seen = (
        replace(SHORT, align=StageConfig(5, 1e-2, 2), tune=StageConfig(0, 1e-2, 2)),
        [],
    )

    def watched(stop=None):
        vlm = make_vlm()
        forward = vlm.forward

        def look(batch, *rest):
            if len(seen) == stop:
                raise ZeroDivisionError
            seen.append(batch.image.tolist())
            return forward(batch, *rest)

        vlm.forward = look
        return vlm

    alone = fit(watched(), [data, other], config, tmp_path / "a", **QUIET)
    first, second, third = (
        data.tokens.image[rows_of_step(4, 2, (config.seed, 0), turn)].tolist()
        for turn in range(3)
    )
    assert seen == [first, [2], second, [2], third]
    read = [
        (data.tokens, rows_of_step(4, 2, (config.seed, 0), turn)) for turn in range(3)
    ] + 2 * [(other.tokens, torch.tensor([0]))]
    expected = sum(
        int((t.length + t.question_length)[rows].sum()) + 4 * len(rows)
        for t, rows in read
    )
    assert (
        language_tokens(make_vlm().config, [data.tokens, other.tokens], config)
        == expected
    )
    seen.clear()
    with pytest.raises(ZeroDivisionError):
        fit(
            watched(stop=3),
            [data, other],
            config,
            tmp_path / "b",
            checkpoint_every=1,
            **QUIET,
        )
    resumed = fit(
        make_vlm(), [data, other], config, tmp_path / "b", checkpoint_every=1, **QUIET
    )
    assert same(weights(alone), weights(resumed))


def trained_tokens(vlm, data, config, folder):
    """The V of every call of the model while it is trained."""
    seen, forward = [], vlm.forward
    vlm.forward = lambda batch, features, v: (
        seen.append(v),
        forward(batch, features, v),
    )[1]
    fit(vlm, data, config, folder, **QUIET)
    return seen


def test_a_matryoshka_is_trained_on_many_v(make_vlm, data, tmp_path):
    """M3 on all scales in every step, MQT on all queries and then on a random even number of them, the others on their own V."""
    assert trained_tokens(make_vlm(M3Config(), 4), data, SHORT, tmp_path / "m3") == [
        1,
        4,
        9,
        36,
    ] * (6 + 8)
    drawn = trained_tokens(make_vlm(MQTConfig(9, 2), 4), data, SHORT, tmp_path / "mqt")
    assert drawn[:6] == [9] * 6 and len(drawn) == 6 + 8
    assert set(drawn[6:]) <= {2, 4, 6, 8} and len(set(drawn[6:])) > 1
    other = trained_tokens(
        make_vlm(MQTConfig(9, 2), 4), data, replace(SHORT, seed=4), tmp_path / "other"
    )
    assert other[6:] != drawn[6:], "another seed, another draw"
    assert trained_tokens(make_vlm(), data, SHORT, tmp_path / "quecc") == [None] * (
        6 + 8
    )


def test_the_loss_of_a_step_is_the_mean_over_its_v(make_vlm, data, tmp_path):
    """One step on all samples: the logged loss is the plain mean of the losses at each scale."""
    config = TrainingConfig(StageConfig(0, 1e-2), StageConfig(10, 1e-9, len(SAMPLES)))
    vlm, batch = make_vlm(M3Config(), 4), data.tokens.batch(torch.arange(len(SAMPLES)))
    with torch.no_grad():
        losses = [
            vlm(batch, data.features[batch.image], v).loss.item() for v in (1, 4, 9, 36)
        ]
    fit(vlm, data, config, tmp_path, **QUIET)
    assert read_log(tmp_path / "tune")["loss"].iloc[0] == pytest.approx(
        np.mean(losses), rel=1e-4
    )
    assert max(losses) - min(losses) > 1e-3


def test_what_a_step_sees_and_draws_depends_on_its_number_only(tmp_path):
    """A model with dropout, interrupted: its random draws are those of an undisturbed run."""

    def train(folder, stop=None):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.5))
        seen = []

        def make(step):
            if step == stop:
                raise KeyError
            return torch.full((2, 4), float(step + 1))

        def loss(model, batch):
            seen.append(batch[0, 0].item())
            return model(batch).square().mean()

        stage = Stage(model, loss, StageConfig(9, 1e-2, 2), seed=1)
        with contextlib.suppress(KeyError):
            run(stage, StepData(make), 9, folder, checkpoint_every=3, **QUIET)
        return weights(model), seen

    undisturbed, _ = train(tmp_path / "a")
    train(tmp_path / "b", stop=7)
    torch.manual_seed(99)  # whatever the state of the random numbers
    resumed, seen = train(tmp_path / "b")
    assert seen == [7, 8, 9]
    assert same(undisturbed, resumed)


def test_finished_stages_are_not_repeated(make_vlm, data, tmp_path):
    first = fit(make_vlm(), data, SHORT, tmp_path, **QUIET)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.safetensors")}
    other = make_vlm()
    torch.nn.init.normal_(other.compressor.projection[0].weight)
    again = fit(other, data, SHORT, tmp_path, **QUIET)
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps and len(
        stamps
    ) == 2
    trained = [
        name for name, p in first.named_parameters() if not name.startswith("vision")
    ]
    assert all(
        torch.equal(first.get_parameter(name), again.get_parameter(name))
        for name in trained
    )


def test_the_folder_of_another_run_is_refused(make_vlm, data, tmp_path):
    """Loading weights that fit by chance would be worse than any error."""
    vlm = fit(make_vlm(), data, SHORT, tmp_path, **QUIET)
    for other, config, what in (
        (make_vlm(PoolConfig(), 4), SHORT, "model"),
        (make_vlm(), replace(SHORT, align=StageConfig(7, 1e-2, 3)), "stage"),
        (make_vlm(), replace(SHORT, seed=4), "seed"),
        (
            vlm,
            SHORT,
            "frozen_language",
        ),  # tuned already: its alignment would not be what it was
    ):
        with pytest.raises(
            ValueError, match=rf"belongs to another run \(its {what} differ"
        ):
            fit(other, data, config, tmp_path, **QUIET)


def test_a_checkpoint_holds_no_frozen_weights_and_opens_without_unpickling_code(
    make_vlm, data, tmp_path
):
    vlm = make_vlm()
    stage = StageConfig(2, 1e-2)
    module = VLMModule(vlm, stage, stage="align")
    batches = VQADataModule(data, stage, stage="align")
    run(module, batches, 2, tmp_path / "x", checkpoint_every=1, **QUIET)
    state = torch.load(tmp_path / "x" / "resume.ckpt", weights_only=True)["state_dict"]
    assert state and all(name.startswith("model.compressor.") for name in state)


def test_the_log_goes_on_over_restarts(make_vlm, data, tmp_path):
    fit(
        make_vlm(),
        data,
        TrainingConfig(StageConfig(0, 1e-2), StageConfig(40, 1e-3, 3)),
        tmp_path,
        **QUIET,
    )
    log = read_log(tmp_path / "tune")
    assert log["step"].tolist() == [9, 19, 29, 39]
    with pytest.raises(FileNotFoundError, match="no training log"):
        read_log(tmp_path / "nowhere")


def test_bfloat16_trains(make_vlm, data, tmp_path):
    vlm = make_vlm()
    fit(
        vlm,
        data,
        TrainingConfig(StageConfig(20, 1e-2, 4), StageConfig(120, 1e-2, 4)),
        tmp_path,
        precision="bf16-mixed",
        **QUIET,
    )
    assert read_log(tmp_path / "tune")["loss"].iloc[-1] < 0.2
    assert all(parameter.dtype == torch.float32 for parameter in vlm.parameters())


@pytest.mark.parametrize(("bf16", "half"), [(True, "bf16-mixed"), (False, "16-mixed")])
def test_half_precision_is_for_models_that_gain_by_it(monkeypatch, bf16, half):
    small, large = (
        nn.Linear(side, 10_000, device="meta")
        for side in (10, trainer.MIXED_FROM // 10_000)
    )
    assert trainer._precision("auto", "cpu", large) == "32-true"
    monkeypatch.setattr(trainer, "device_of", lambda accelerator: torch.device("cuda"))
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: bf16
    )
    assert (
        trainer._precision("auto", "auto", small) == "32-true"
        and trainer._precision("auto", "auto", large) == half
    )
    assert trainer._precision("32-true", "auto", large) == "32-true"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_gpu_is_used_without_asking(make_vlm, data, tmp_path):
    vlm, devices = make_vlm(), set()
    forward = vlm.forward
    vlm.forward = lambda batch, features, v: (
        devices.add(batch.text.device.type),
        forward(batch, features, v),
    )[1]
    fit(vlm, data, SHORT, tmp_path, progress=False)
    assert devices == {"cuda"}


def test_bad_input_gets_a_sentence(make_vlm, data, tmp_path):
    with pytest.raises(ValueError, match="-1 steps"):
        StageConfig(-1, 1e-3)
    with pytest.raises(ValueError, match="visual_tokens=0 and compressor=None"):
        fit(make_vlm(), data._replace(features=None), SHORT, tmp_path)
    fit(make_vlm(), data, SHORT, tmp_path, **QUIET)
    path = tmp_path / "tune.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"tune.safetensors is damaged"):
        fit(make_vlm(), data, SHORT, tmp_path, **QUIET)


TRAIN = """
import sys
sys.path.insert(0, {root!r})
import numpy as np, torch
torch.set_num_threads(1)
from tests.conftest import SAMPLES, TINY_LANGUAGE, TINY_VISION
from vlmcore.config import QueCCConfig, VLMConfig, replace
from vlmcore.data.samples import tokenize
from vlmcore.models.feature_cache import FeatureStore
from vlmcore.models.language import word_tokenizer
from vlmcore.training.trainer import StageConfig
from vlmcore.training import TrainingConfig, TrainingData, fit
from vlmcore.models.vlm import VLM

torch.manual_seed(0)
tokenizer = word_tokenizer([*(s.question for s in SAMPLES), *(s.answer for s in SAMPLES)])
vlm = VLM.from_config(VLMConfig(replace(TINY_LANGUAGE, vocab_size=len(tokenizer)), 4, QueCCConfig(heads=2), TINY_VISION), tokenizer)
images = np.random.default_rng(0).integers(0, 256, (3, 3, 24, 24), dtype=np.uint8)
data = TrainingData(tokenize(SAMPLES, tokenizer, "image_first"), FeatureStore(vlm.vision, images, sys.argv[1] + "/features"))
config = TrainingConfig(StageConfig(150, 1e-3, 3), StageConfig(150, 1e-3, 3), seed=3)
fit(vlm, data, config, sys.argv[1], checkpoint_every=10, progress=False, accelerator="cpu")
"""


def killed_after(process, folder, checkpoints, seconds):
    """Kills a run some time after it has written so many checkpoints; whether it was still running."""

    def written():
        return [path.stat().st_mtime_ns for path in folder.glob("*/resume.ckpt")]

    seen, last = 0, written()
    while process.poll() is None and seen < checkpoints:
        time.sleep(0.002)
        with contextlib.suppress(
            FileNotFoundError
        ):  # a stage that has just ended takes its checkpoint away
            if (now := written()) != last:
                seen, last = seen + 1, now
    time.sleep(seconds)
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    return True


@pytest.mark.slow
def test_sigkill_at_any_moment_changes_nothing(tmp_path):
    """Killed again and again at random moments, a run ends with the weights of one that was left alone, bit for bit."""
    script = tmp_path / "train.py"
    script.write_text(TRAIN.format(root=str(Path.cwd())))

    def start(folder):
        return subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / folder)],
            stderr=subprocess.PIPE,
        )

    process = start("alone")
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()

    rng, kills, finished = (
        np.random.default_rng(0),
        0,
        tmp_path / "killed" / "tune.safetensors",
    )
    while not finished.exists():
        process = start("killed")
        if kills < 4:  # a few checkpoints later, and some milliseconds
            kills += killed_after(
                process, tmp_path / "killed", rng.integers(1, 6), rng.uniform(0, 0.05)
            )
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
    assert kills >= 1, "the run was never killed: nothing was tested"
    for name in ("align.safetensors", "tune.safetensors"):
        assert (tmp_path / "killed" / name).read_bytes() == (
            tmp_path / "alone" / name
        ).read_bytes()


def test_the_default_run_is_one_epoch_of_easy_vqa():
    config = TrainingConfig()
    assert (
        config.tune.steps * config.tune.batch_size >= 38_000
        and VLMConfig().visual_tokens == 1
    )
