"""Questions with a short answer: the model generates, and the text is scored.

Two baselines stand beside it: images permuted across questions, and the most frequent
answer to each question, without any image.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from vlmcore.config.validation import check_kind, whole
from vlmcore.data.samples import Batch, Sample, Tokens, as_samples, tokenize
from vlmcore.evaluation.metrics import Score, ShortAnswerAccuracy, normalize
from vlmcore.models.feature_cache import Features
from vlmcore.models.splicing import splice
from vlmcore.models.vision import VisionFeatures
from vlmcore.models.vlm import VLM


def generate_answers(
    vlm: VLM,
    samples: Sequence[Sample],
    features: Features | None,
    *,
    batch_size: int = 512,
    max_new_tokens: int = 4,
    visual_tokens: int | None = None,
) -> list[str]:
    """Returns the text that a model generates in answer to every sample, in order.

    Args:
        vlm: the model.
        samples: the questions.
        features: of the images, or their pixels as an array; None for a blind model.
        batch_size: questions a step.
        max_new_tokens: the longest answer.
        visual_tokens: V, for a compressor that can choose; that of the model if None.
    """
    check_kind("vlm", vlm, VLM, "give a VLM")
    tokens = tokenize(
        samples,
        vlm.language.tokenizer,
        vlm.config.order,
        answers=False,
        template=vlm.language.prompt_template,
    )
    texts: list[str] = []
    for batch, seen in _batches(vlm, tokens, features, batch_size):
        texts += vlm.generate(batch, seen, max_new_tokens, visual_tokens)
    return texts


@torch.inference_mode()
def first_tokens(
    vlm: VLM,
    samples: Sequence[Sample],
    features: Features | None,
    *,
    batch_size: int = 512,
) -> list[str]:
    """Returns the first token of the answer to every sample, from one forward pass.

    For answers of one word this is the greedy generation up to its first token; it
    takes a fraction of the time.

    Args:
        vlm: the model.
        samples: the questions.
        features: of the images; None for a blind model.
        batch_size: questions a step.
    """
    tokens = tokenize(samples, vlm.language.tokenizer, vlm.config.order, answers=False)
    first: list[int] = []
    for batch, seen in _batches(vlm, tokens, features, batch_size):
        placed = splice(
            vlm.language.embed(batch.text), vlm.compress(seen, batch), batch
        )
        first += vlm.language.next_token(placed.embeddings, placed.length).tolist()
    return vlm.language.tokenizer.batch_decode(
        [[token] for token in first], skip_special_tokens=True
    )


def _batches(
    vlm: VLM, tokens: Tokens, features: Any, size: int
) -> Iterator[tuple[Batch, Any]]:
    """Batches of questions on the model's device, with the features of their images."""
    device = next(vlm.parameters()).device
    features = None if vlm.compressor is None else features
    chosen_by_rows = hasattr(features, "__getitem__") and not isinstance(
        features, str | dict
    )
    if features is not None and not chosen_by_rows:
        raise ValueError(
            f"images cannot be taken from a {type(features).__name__}; give a "
            "FeatureStore, LiveFeatures, or an array of pixels"
        )
    for rows in torch.arange(len(tokens.image)).split(whole("batch_size", size)):
        batch = tokens.batch(rows)
        seen: Any = None
        if features is not None:
            arrays = isinstance(features, np.ndarray)
            seen = features[batch.image.numpy() if arrays else batch.image]
        if isinstance(seen, VisionFeatures):
            seen = seen.to(device)
        yield batch.to(device), seen


def score_answers(preds: Sequence[str], samples: Sequence[Sample]) -> dict[str, Score]:
    """Returns the accuracy over all samples and by kind.

    Every right answer of the samples counts as one that the benchmark knows.
    """
    samples = as_samples(samples)
    target = [sample.answer for sample in samples]
    kinds = [sample.kind for sample in samples]
    metric = ShortAnswerAccuracy(target, sorted(set(kinds)))
    metric.update(preds, target, kinds, [sample.choices for sample in samples])
    return metric.scores()


def answered_right(preds: Sequence[str], samples: Sequence[Sample]) -> list[bool]:
    """Returns which samples are answered rightly, for paired comparisons of models."""
    return [
        normalize(pred) == normalize(sample.answer)
        for pred, sample in zip(preds, samples, strict=True)
    ]


def permute_images(samples: Sequence[Sample], seed: int = 0) -> list[Sample]:
    """Returns the same questions with the images permuted across them at random.

    What is still answered was not read off the image.
    """
    images = torch.tensor(sorted({sample.image for sample in samples}))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    other = dict(zip(images.tolist(), images[order].tolist(), strict=True))
    return [sample._replace(image=other[sample.image]) for sample in samples]


def question_only(train: Sequence[Sample], test: Sequence[Sample]) -> list[str]:
    """Returns the most frequent training answer to each test question's exact text.

    A text that training does not have gets the most frequent answer of all.
    """
    by_question: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in train:
        by_question[sample.question][sample.answer] += 1
    overall = sum(by_question.values(), Counter[str]())
    return [
        (by_question.get(sample.question) or overall).most_common(1)[0][0]
        for sample in test
    ]
