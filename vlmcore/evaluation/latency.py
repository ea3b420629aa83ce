"""Seconds of an answer by stage, beside its operations (`vlmcore.cost.exact_flops`).

Prefill and decode depend on the number of visual tokens and not on their values, so
they are measured with random ones, for any V. Of a whole model, encoder and compressor
are measured too, at its own V. All of them are timed in turn, in several rounds: other
work on the machine, which lasts for seconds, then meets a few rounds of every point and
not all rounds of one, and the medians leave it out.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache

from vlmcore.config import LanguageConfig
from vlmcore.config.validation import check_kind, whole, wholes
from vlmcore.cost import head_flops, language_flops, language_parameters, vision_flops
from vlmcore.evaluation.rounds import Seconds, timed_in_rounds
from vlmcore.models.language import LanguageModel
from vlmcore.models.vlm import VLM


class Point(NamedTuple):
    """The language model's time for a batch of questions."""

    visual_tokens: int
    text_tokens: int
    batch: int
    prefill: Seconds
    """From all embeddings to the first token of the answer."""
    prefill_text_cached: Seconds
    """The same with keys and values of the text at hand (the question comes first)."""
    decode: Seconds
    """For each further token of the answer."""
    prefill_flops: int
    prefill_text_cached_flops: int
    decode_flops: int
    """Operations of the whole batch."""


class Latency(NamedTuple):
    """Measurements of one model on one machine."""

    params: int
    """N of the language model."""
    device: str
    threads: int
    dtype: str
    encoder: Seconds | None
    """For one image; None of a language model alone, as the next ones."""
    compressor: Seconds | None
    """With the pass over the question if it reads it, of as many tokens as the first
    Q."""
    encoder_flops: int
    compressor_flops: int
    points: list[Point]

    def time_to_first_token(self, point: Point) -> float:
        """Seconds from a batch of images to the first token, from the medians."""
        seen = [x.median for x in (self.encoder, self.compressor) if x is not None]
        return point.batch * sum(seen) + point.prefill.median


_STAGES = ("prefill", "prefill_text_cached", "decode")


def describe_latency(found: Latency) -> str:
    """A table of milliseconds: medians, and half the distance of the quartiles."""
    lines = [f"N = {found.params:,}, {found.dtype} on {found.device}, milliseconds"]
    stages = {"encoder": found.encoder, "compressor": found.compressor}
    for part, seconds in stages.items():
        if seconds is not None:
            lines.append(f"{part} {_milliseconds(seconds)} for one image")
    heads = ("prefill", "text cached", "decode", "first token", "prefill GFLOP")
    lines.append(f"{'V':>5}{'Q':>6}{'batch':>7}" + "".join(f"{x:>17}" for x in heads))
    for point in found.points:
        cells = [_milliseconds(point._asdict()[name]) for name in _STAGES]
        cells.append(f"{1000 * found.time_to_first_token(point):.2f}")
        cells.append(f"{point.prefill_flops / 1e9:.3f}")
        numbers = f"{point.visual_tokens:>5}{point.text_tokens:>6}{point.batch:>7}"
        lines.append(numbers + "".join(f"{cell:>17}" for cell in cells))
    return "\n".join(lines)


def latency_result(found: Latency) -> dict[str, Any]:
    """The same as plain JSON values, in seconds and operations."""
    points = []
    for point in found.points:
        fields = point._asdict() | {x: point._asdict()[x]._asdict() for x in _STAGES}
        points.append(
            fields | {"time_to_first_token": found.time_to_first_token(point)}
        )
    parts = {
        "encoder": found.encoder and found.encoder._asdict(),
        "compressor": found.compressor and found.compressor._asdict(),
    }
    return found._asdict() | parts | {"points": points}


def _milliseconds(x: Seconds) -> str:
    return f"{1000 * x.median:.2f} ± {500 * (x.upper - x.lower):.2f}"


@torch.inference_mode()
def measure_latency(
    model: VLM | LanguageModel,
    visual_tokens: Sequence[int] = (1, 16, 144, 576),
    text_tokens: Sequence[int] = (50,),
    batches: Sequence[int] = (1,),
    *,
    answer_tokens: int = 8,
    repeats: int = 7,
) -> Latency:
    """Measures prefill and decode for all combinations, and the stages before them.

    Args:
        model: on the device where it is to be measured.
        visual_tokens: several V.
        text_tokens: several Q.
        batches: several numbers of questions at a time; keys and values of all
            combinations are held in memory.
        answer_tokens: over which the time of a further token is averaged.
        repeats: rounds in which each is measured once, after one that does not count.

    Raises:
        ValueError: a number is not a whole one, or the context is too short.
    """
    check_kind("model", model, VLM | LanguageModel, "give a VLM or a LanguageModel")
    language = model.language if isinstance(model, VLM) else model
    vs = wholes("visual_tokens", visual_tokens, 1, "numbers, such as (1, 16, 144)")
    qs = wholes("text_tokens", text_tokens, 1, "numbers, such as (10, 50)")
    sizes = wholes("batches", batches, 1, "numbers, such as (1, 8)")
    answer, repeats = whole("answer_tokens", answer_tokens), whole("repeats", repeats)
    _check_context(language, max(vs) + max(qs) + answer + 1)
    prompts = list(product(vs, qs, sizes))
    works = _works(model, language, prompts, answer)
    weights = next(language.parameters())
    times = timed_in_rounds(works, weights.device, repeats)
    return Latency(
        language_parameters(language.config),
        str(weights.device),
        torch.get_num_threads(),
        str(weights.dtype).removeprefix("torch."),
        times.get("encoder"),
        times.get("compressor"),
        *_image_flops(model, qs[0]),
        [_point(language.config, *prompt, answer, times) for prompt in prompts],
    )


def _works(
    model: VLM | LanguageModel,
    language: LanguageModel,
    prompts: Sequence[tuple[int, int, int]],
    answer: int,
) -> dict[Any, Callable[[], Any]]:
    """All that is timed: stages of an image by name, others by name and prompt."""
    works: dict[Any, Callable[[], Any]] = dict(_image_works(model, prompts[0][1]))
    for prompt in prompts:
        parts = _prompt_works(language, *prompt, answer)
        works |= {(stage, *prompt): work for stage, work in parts.items()}
    return works


def _check_context(language: LanguageModel, longest: int) -> None:
    context = language.model.config.max_position_embeddings
    if longest > context:
        raise ValueError(
            f"{longest} tokens of image, text and answer exceed the context of "
            f"{context}; measure fewer"
        )


def _image_works(
    model: VLM | LanguageModel, question: int
) -> dict[str, Callable[[], Any]]:
    """Encoder and compressor for one image, if the model has them."""
    if not isinstance(model, VLM) or model.compressor is None:
        return {}
    vlm, kind, compressor = model, model.config.compressor, model.compressor
    assert kind is not None
    size, device = vlm.vision.model.config.image_size, vlm.vision.mean.device
    pixels = torch.zeros(1, 3, size, size, dtype=torch.uint8, device=device)
    seen = vlm.encode_images(pixels)
    assert seen is not None
    text = torch.zeros(1, question, dtype=torch.long, device=device)
    length = torch.tensor([question], device=device)

    def compress() -> Tensor:
        if not kind.sees_question:
            return compressor(seen)
        state = vlm.language.encode_question(text, length)
        return compressor(seen, state.to(seen.layers.dtype))

    return {"encoder": lambda: vlm.encode_images(pixels), "compressor": compress}


def _image_flops(model: VLM | LanguageModel, question: int) -> tuple[int, int]:
    """Operations of encoder and compressor for one image."""
    if not isinstance(model, VLM) or (kind := model.config.compressor) is None:
        return 0, 0
    sizes = model.config.language
    asked = language_flops(sizes, question, 0) if kind.sees_question else 0
    return vision_flops(model.config.vision), kind.flops(model.config.axes) + asked


class _Prompt:
    """Random embeddings of a batch of prompts, text and then image."""

    def __init__(self, language: LanguageModel, batch: int, length: int) -> None:
        table = language.model.get_input_embeddings().weight
        draw = torch.Generator().manual_seed(0)
        drawn = torch.randn(batch, length, table.shape[1], generator=draw)
        self.language, self.embeddings = language, drawn.to(table) * table.std()

    def run(self, part: slice, cache: DynamicCache) -> Tensor:
        """The next tokens after some of the embeddings, which the cache then has."""
        hidden = self.language.model.base_model(
            inputs_embeds=self.embeddings[:, part],
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        return self.language.logits(hidden[:, -1]).argmax(-1)

    def cached(self, length: int) -> DynamicCache:
        """Keys and values of the first embeddings."""
        cache = DynamicCache()
        self.run(slice(length), cache)
        return cache


def _prompt_works(
    language: LanguageModel, v: int, q: int, batch: int, answer: int
) -> dict[str, Callable[[], Any]]:
    """Each of `_STAGES` at one combination; `decode` writes all of the answer."""
    prompt = _Prompt(language, batch, q + v)
    text, everything = prompt.cached(q), prompt.cached(q + v)

    def prefill() -> None:
        prompt.cached(q + v)

    def with_cached_text() -> None:
        prompt.run(slice(q, None), text)
        text.crop(-v)

    def decode() -> None:
        for _ in range(answer):
            prompt.run(slice(1), everything)
        everything.crop(-answer)

    return dict(zip(_STAGES, (prefill, with_cached_text, decode), strict=True))


def _point(
    sizes: LanguageConfig,
    v: int,
    q: int,
    batch: int,
    answer: int,
    times: Mapping[Any, Seconds],
) -> Point:
    """Seconds of `_STAGES` beside their operations."""
    prefill, cached, decoded = (times[stage, v, q, batch] for stage in _STAGES)
    head = head_flops(sizes)
    steps = [language_flops(sizes, 1, q + v + i) + head for i in range(answer)]
    return Point(
        v,
        q,
        batch,
        prefill,
        cached,
        Seconds(*(x / answer for x in decoded)),
        batch * (language_flops(sizes, q + v, 0) + head),
        batch * (language_flops(sizes, v, q) + head),
        batch * sum(steps) // answer,
    )
