"""Questions with a short answer: let the model generate, then score the text; and what can be had without looking at all."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import torch

from vlmcore.data.samples import Sample, Tokens, tokenize
from vlmcore.evaluation.metrics import Score, ShortAnswerAccuracy, normalize
from vlmcore.models.feature_cache import Features
from vlmcore.models.vlm import VLM, splice


def generate_answers(
    vlm: VLM,
    samples: Sequence[Sample],
    features: Features | None,
    *,
    batch_size: int = 512,
    max_new_tokens: int = 4,
    visual_tokens: int | None = None,
) -> list[str]:
    """The model's own words in answer to every sample, in their order.

    Args:
        vlm: the model.
        samples: what to ask.
        features: of the images; None for a blind model.
        batch_size: questions a step.
        max_new_tokens: the longest answer.
        visual_tokens: V, for a compressor that can choose; that of the model if None.
    """
    tokens: Tokens = tokenize(
        samples,
        vlm.language.tokenizer,
        vlm.config.order,
        answers=False,
        frame=vlm.language.frame,
    )
    device = next(vlm.parameters()).device
    said: list[str] = []
    for rows in torch.arange(len(samples)).split(batch_size):
        batch = tokens.batch(rows)
        seen = (
            None
            if features is None or vlm.compressor is None
            else features[batch.image].to(device)
        )
        said += vlm.generate(batch.to(device), seen, max_new_tokens, visual_tokens)
    return said


@torch.inference_mode()
def first_tokens(
    vlm: VLM,
    samples: Sequence[Sample],
    features: Features | None,
    *,
    batch_size: int = 512,
) -> list[str]:
    """The word that the model would say first in answer to every sample, from one pass over the prompt.

    For answers of one word this is what greedy generation says, but for what it may say
    after it; it takes a fraction of the time.

    Args:
        vlm: the model.
        samples: what to ask.
        features: of the images; None for a blind model.
        batch_size: questions a step.
    """
    tokens = tokenize(samples, vlm.language.tokenizer, vlm.config.order, answers=False)
    device = next(vlm.parameters()).device
    said: list[int] = []
    for rows in torch.arange(len(samples)).split(batch_size):
        batch = tokens.batch(rows).to(device)
        seen = (
            None
            if features is None or vlm.compressor is None
            else features[batch.image.cpu()].to(device)
        )
        placed = splice(
            vlm.language.embed(batch.text), vlm.compress(seen, batch), batch
        )
        said += vlm.language.next_token(placed.embeddings, placed.length).tolist()
    return vlm.language.tokenizer.batch_decode(
        [[token] for token in said], skip_special_tokens=True
    )


def score_answers(
    predictions: Sequence[str], samples: Sequence[Sample]
) -> dict[str, Score]:
    """Accuracy over all samples and by kind; every right answer of the samples counts as one the benchmark knows."""
    metric = ShortAnswerAccuracy(
        sorted({s.answer for s in samples}), sorted({s.kind for s in samples})
    )
    metric.update(predictions, samples)
    return metric.compute()


def answered_right(predictions: Sequence[str], samples: Sequence[Sample]) -> list[bool]:
    """Which samples were answered rightly, after normalisation: what a paired comparison of two models needs."""
    return [
        normalize(said) == normalize(sample.answer)
        for said, sample in zip(predictions, samples, strict=True)
    ]


def permute_images(samples: Sequence[Sample], seed: int = 0) -> list[Sample]:
    """The same questions with the images dealt out again at random: what is still answered was not read off the image."""
    images = torch.tensor(sorted({sample.image for sample in samples}))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    dealt = dict(zip(images.tolist(), images[order].tolist(), strict=True))
    return [sample._replace(image=dealt[sample.image]) for sample in samples]


def question_only(train: Sequence[Sample], test: Sequence[Sample]) -> list[str]:
    """The answer most often right in training for each test question's exact text, or the overall favourite for a new text."""
    by_question: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in train:
        by_question[sample.question][sample.answer] += 1
    overall = sum(by_question.values(), Counter[str]())
    return [
        (by_question.get(sample.question) or overall).most_common(1)[0][0]
        for sample in test
    ]
