"""The vision-language model: encode the image, compress it, splice, decode.

The image becomes V embeddings, the visual prefix, which stand in the text like words.
Data never know V: the batch says before which token the visual prefix goes
(`Batch.image_at`), and `splice` makes room for it in the text and in the labels.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from vlmcore.config import VLMConfig, replace, to_dict
from vlmcore.config.validation import as_path, check_kind
from vlmcore.data.samples import IGNORE, Batch, Sample, as_texts, tokenize
from vlmcore.files import write_json
from vlmcore.folders import files_beside
from vlmcore.models.compressors import build_compressor
from vlmcore.models.compressors.visual_tokens import checked_features
from vlmcore.models.language import LanguageModel
from vlmcore.models.prefix_cache import shared_prefix
from vlmcore.models.pretrained.hub import push_to_hub
from vlmcore.models.pretrained.opening import open_parts
from vlmcore.models.splicing import splice
from vlmcore.models.vision import VisionEncoder, VisionFeatures


class VLMOutput(NamedTuple):
    """The loss over all labelled tokens, and what it was computed from."""

    loss: Tensor
    logits: Tensor
    """float (labels, vocabulary)"""
    targets: Tensor
    """int (labels,)"""


class VLM(nn.Module):
    """A vision-language model with V visual tokens.

    Args:
        config: sizes, V and order; must agree with the parts.
        vision: frozen encoder.
        compressor: None for a blind model.
        language: the language model.
    """

    def __init__(
        self,
        config: VLMConfig,
        vision: VisionEncoder,
        compressor: nn.Module | None,
        language: LanguageModel,
    ) -> None:
        super().__init__()
        _check_parts(config, vision, language)
        self.config = config
        self.vision = vision
        self.compressor = compressor
        self.language = language

    @classmethod
    def from_parts(
        cls, config: VLMConfig, vision: VisionEncoder, language: LanguageModel
    ) -> "VLM":
        """A VLM with an untrained compressor between two given parts.

        The sizes of the parts replace those of `config`.
        """
        _check_parts(config, vision, language)
        config = replace(config, vision=vision.config, language=language.config)
        return cls(config, vision, build_compressor(config), language)

    @classmethod
    def from_config(
        cls, config: VLMConfig, tokenizer: PreTrainedTokenizerBase
    ) -> "VLM":
        """A VLM whose parts are all untrained."""
        check_kind("config", config, VLMConfig, "give a VLMConfig")
        return cls.from_parts(
            config,
            VisionEncoder.from_config(config.vision),
            LanguageModel.from_config(config.language, tokenizer),
        )

    def forward(
        self,
        batch: Batch,
        images: Any,
        visual_tokens: int | None = None,
        shared_prefix: int = 0,
    ) -> VLMOutput:
        """Loss and logits where the labels are.

        Args:
            batch: text and labels.
            images: features, or images of any kind, as for `VisionEncoder.prepare`; a
                blind model ignores them.
            visual_tokens: V, for a compressor that can choose; by default the config's.
            shared_prefix: leading tokens, the same in every row, that are run once
                (`vlmcore.models.prefix_cache`); by default every row is run in full.

        Raises:
            ValueError: no token has a label, there is not one image for each text, or a
                text is too long.
        """
        features = self.encode_images(images)
        visual = self.compress(features, batch, visual_tokens)
        spliced = splice(self.language.embed(batch.text), visual, batch)
        hidden = self.language(spliced.embeddings, shared_prefix)

        targets = spliced.labels[:, 1:]
        scored = targets != IGNORE  # the head is wide: apply it only where a label is
        logits = self.language.logits(hidden[:, :-1][scored])
        if not len(logits):
            raise ValueError(
                "no token of the batch has a label, so it has no loss; tokenise it "
                "with answers=True, or generate"
            )
        loss = F.cross_entropy(logits.float(), targets[scored])
        return VLMOutput(loss, logits, targets[scored])

    def encode_images(self, images: Any) -> VisionFeatures | None:
        """Features of images of any kind, for a model that has a compressor.

        Images that are features already are returned as they are.
        """
        if self.config.compressor is None:
            return None
        if isinstance(images, VisionFeatures):
            return images
        if images is None:
            raise ValueError(
                "this model needs images; give it features or pixels, or build a blind "
                "one with visual_tokens=0 and compressor=None"
            )
        with torch.no_grad():
            return self.vision(images, attention=self.config.compressor.sees_attention)

    def compress(
        self,
        features: VisionFeatures | None,
        batch: Batch,
        visual_tokens: int | None = None,
    ) -> Tensor:
        """Visual tokens, float (b, V, e), none for a blind model.

        A question-aware compressor is conditioned on the question's state.

        Raises:
            ValueError: there is not one image for each text, or V cannot be given.
        """
        check_kind("batch", batch, Batch, "give tokenize(…).batch(rows)")
        if self.compressor is None or self.config.compressor is None:
            if visual_tokens:
                raise ValueError(
                    f"a blind model has no {visual_tokens} visual tokens; build one "
                    "with a compressor"
                )
            return self.language.embed(batch.text[:, :0])
        features = checked_features(features, self.config.vision)
        asked, seen = len(batch.text), len(features.layers)
        if asked != seen:
            raise ValueError(
                f"{asked} questions cannot be asked about {seen} images; give lists "
                "with one image for each question"
            )
        question = None
        if self.config.compressor.sees_question:
            question = self.language.encode_question(
                batch.question, batch.question_length
            ).to(features.layers.dtype)
        return self.compressor(features, question, visual_tokens=visual_tokens)

    @torch.inference_mode()
    def generate(
        self,
        batch: Batch,
        images: Any,
        max_new_tokens: int = 8,
        visual_tokens: int | None = None,
    ) -> list[str]:
        """Greedy answers to a batch that was tokenised without answers.

        A prefix that all rows share is run once. The arguments are those of `forward`.
        """
        visual = self.compress(self.encode_images(images), batch, visual_tokens)
        spliced = splice(self.language.embed(batch.text), visual, batch)
        return self.language.generate(
            spliced.embeddings, spliced.length, max_new_tokens, shared_prefix(batch)
        )

    def ask(
        self, images: Any, questions: str | Sequence[str], max_new_tokens: int = 8
    ) -> list[str]:
        """Answers one question about each image.

        Args:
            images: one or many of any kind, as for `VisionEncoder.prepare`.
            questions: as many.
            max_new_tokens: the longest answer.

        Example:
            >>> vlm.ask("photo.jpg", "what colour is the car?")  # doctest: +SKIP
            ['red']
        """
        tokens = tokenize(
            [
                Sample(row, question, "", "", 1)
                for row, question in enumerate(as_texts("questions", questions))
            ],
            self.language.tokenizer,
            self.config.order,
            answers=False,
            template=self.language.prompt_template,
        )
        device = next(self.parameters()).device
        batch = tokens.batch(torch.arange(len(tokens.text))).to(device)
        return self.generate(batch, images, max_new_tokens)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes encoder, language model, tokenizer, compressor and config to a folder.

        Encoder and language model are in transformers' format, the compressor is in
        safetensors. Whenever it is killed, the folder has the old model or the new one.

        Raises:
            ValueError: the language model has LoRA matrices beside its own, or a file
                would be replaced that the package did not write.
        """
        folder = as_path("folder", folder)
        with files_beside(folder) as partial:
            self.vision.save_pretrained(partial / "vision")
            self.language.save_pretrained(partial / "language")
            if self.compressor is not None:
                weights = self.compressor.state_dict()
                save_file(
                    {name: x.contiguous() for name, x in weights.items()},
                    partial / "compressor.safetensors",
                )
            write_json(partial / "config.json", to_dict(self.config))

    def push_to_hub(
        self, name: str, results: Mapping[str, Any] | None = None, **options: Any
    ) -> str:
        """Uploads the model with a model card; see `vlmcore.models.pretrained.hub`."""
        return push_to_hub(self, name, results, **options)

    def made_of(self) -> dict[str, Any]:
        """Everything that decides its answers."""
        parts = [self.vision, self.compressor, self.language]
        return {"model": self.config, "parts": parts}

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: Any) -> "VLM":
        """Loads what `save_pretrained` wrote, or a released checkpoint.

        Args:
            name: a folder or a name on the hub. Released are LLaVA-1.5, also as
                `llava-hf`, QueCC, TokenPacker, MQT and M3.
            **options: the fields of `vlmcore.models.pretrained.parts.Wanted`, such as
                `visual_tokens`.

        Raises:
            FileNotFoundError: a part is missing.
            ValueError: a part is damaged, or a field of the config is unknown.
        """
        parts = open_parts(name, **options)
        vlm = cls.from_parts(parts.config, parts.vision, parts.language)
        if vlm.compressor is not None:
            parts.load(vlm.compressor)
        return vlm.eval()


def _check_parts(
    config: VLMConfig, vision: VisionEncoder, language: LanguageModel
) -> None:
    check_kind("config", config, VLMConfig, "give a VLMConfig")
    check_kind("vision", vision, VisionEncoder, "give a VisionEncoder")
    check_kind("language", language, LanguageModel, "give a LanguageModel")
