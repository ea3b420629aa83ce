"""The training recipe keeps its promises, and each broken promise is noticed."""

from functools import partial

import lightning.pytorch as pl
import pytest
import torch

from tests.training import recipe
from vlmcore.config import QueCCConfig
from vlmcore.data import samples
from vlmcore.models import vlm as models
from vlmcore.models.language import LanguageModel
from vlmcore.training import VLMModule, module


@pytest.fixture
def lab(make_vlm, tokenizer, images, tmp_path):
    return recipe.Lab(make_vlm, tokenizer, images, tmp_path)


PROMISES = [name for name in vars(recipe) if name.startswith("check_")]


@pytest.mark.parametrize("promise", PROMISES)
def test_the_recipe_is_kept(lab, promise):
    vars(recipe)[promise](lab)


def no_warmup(patch):
    schedule = module.get_cosine_schedule_with_warmup
    patch.setattr(
        module,
        "get_cosine_schedule_with_warmup",
        lambda optimizer, warmup, steps: schedule(optimizer, 0, steps),
    )


def weight_decay(patch):
    adamw = torch.optim.AdamW
    patch.setattr(
        torch.optim,
        "AdamW",
        lambda x, **options: adamw(x, **options | {"weight_decay": 0.1}),
    )


def no_clipping(patch):
    patch.setattr(VLMModule, "configure_gradient_clipping", lambda *_, **__: None)


def train_parts(patch, part, trained, stage):
    """Trains or freezes a part in one stage, whatever the recipe says."""
    original = module.train_parts

    def other(vlm, name):
        original(vlm, name)
        if name == stage:
            vlm.get_submodule(part).requires_grad_(trained)

    patch.setattr(module, "train_parts", other)


def shifted_labels(patch):
    splice = models.splice

    def shifted(*args):
        placed = splice(*args)
        return placed._replace(labels=placed.labels.roll(-1, 1))

    patch.setattr(models, "splice", shifted)


def no_question(patch):
    encode = LanguageModel.encode_question
    patch.setattr(LanguageModel, "encode_question", lambda *args: 0 * encode(*args))


def wrong_visual_tokens(patch):
    patch.setattr(module, "tokens_of_step", lambda *args: (5,))


def wrong_order(patch):
    tokenize, orders = samples.tokenize, ("image_first", "question_first")
    patch.setattr(
        samples,
        "tokenize",
        lambda some, words, order: tokenize(
            some, words, orders[order == "image_first"]
        ),
    )


def dropout_left_on(patch):
    patch.setattr(VLMModule, "on_train_start", lambda stage: None)


FAULTS = {
    "no warm-up": (no_warmup, recipe.check_warmup),
    "weight decay": (weight_decay, recipe.check_no_weight_decay),
    "no clipping": (no_clipping, recipe.check_clipping),
    "unfrozen encoder": (
        partial(train_parts, part="vision", trained=True, stage="tune"),
        recipe.check_frozen_encoder,
    ),
    "frozen compressor": (
        partial(train_parts, part="compressor", trained=False, stage="tune"),
        recipe.check_trained_parts,
    ),
    "labels shifted by one": (shifted_labels, recipe.check_labels),
    "question not passed": (no_question, recipe.check_question),
    "wrong V": (wrong_visual_tokens, recipe.check_visual_tokens),
    "wrong order": (wrong_order, recipe.check_order),
    "dropout left on": (dropout_left_on, recipe.check_dropout_off),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_fails_its_check(lab, monkeypatch, fault):
    inject, check = FAULTS[fault]
    inject(monkeypatch)
    with pytest.raises(AssertionError):
        check(lab)


def test_the_trainer_may_name_another_gradient_norm(make_vlm):
    """The recipe clips at 1 where the Trainer says nothing."""
    clipped = []
    stage = VLMModule(make_vlm(QueCCConfig(heads=2), 4), recipe.CONFIG.tune)
    stage.trainer = pl.Trainer(accelerator="cpu", logger=False)
    stage.clip_gradients = lambda optimizer, largest, algorithm: clipped.append(largest)
    for largest in (None, 0.5):
        stage.configure_gradient_clipping(None, largest)
    assert clipped == [1.0, 0.5]
