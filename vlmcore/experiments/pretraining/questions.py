"""Text pre-training of a miniature language model on questions with their answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vlmcore.config import LanguageConfig, replace
from vlmcore.data.samples import Batch, Sample, rows_of_step, tokenize
from vlmcore.models.language import LanguageModel, word_tokenizer
from vlmcore.training.module import Stage
from vlmcore.training.steps import StepData
from vlmcore.training.trainer import StageConfig, run


def pretrain_on_questions(
    folder: str | Path,
    config: LanguageConfig,
    samples: Sequence[Sample],
    stage: StageConfig,
    seed: int = 0,
    **options: Any,
) -> LanguageModel:
    """Trains a language model from nothing to predict every word of some texts.

    Args:
        folder: for logs and the checkpoint of an interrupted run.
        config: sizes; the vocabulary becomes the words of the texts.
        samples: the texts, each a question with its answer.
        stage: steps, batch and learning rate.
        seed: of weights and order.
        **options: of `trainer.run`.
    """
    torch.manual_seed(seed)
    texts = (text for s in samples for text in (s.question, s.answer))
    tokenizer = word_tokenizer(texts)
    sizes = replace(config, vocab_size=len(tokenizer))
    model = LanguageModel.from_config(sizes, tokenizer)
    tokens = tokenize(samples, tokenizer, "image_first")

    def make(step: int) -> Batch:
        return tokens.batch(rows_of_step(len(samples), stage.batch_size, (seed,), step))

    module, data = Stage(model, _loss, stage, seed), StepData(make, tokens)
    run(module, data, stage.steps, folder, **options)
    return model.cpu().eval()


def _loss(language: LanguageModel, batch: Batch) -> Tensor:
    hidden = language(language.embed(batch.text))[:, :-1]
    position = torch.arange(1, batch.text.shape[1], device=hidden.device)
    scored = position < batch.length[:, None]
    logits = language.logits(hidden[scored])
    return F.cross_entropy(logits, batch.text[:, 1:][scored])
