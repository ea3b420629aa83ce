"""Training as Lightning modules, for a user's own Trainer or for `training.fit`.

A step is a pure function of its number: its samples, the V over which its loss is
averaged, and its random numbers. Only weights and optimiser state are saved, and only
of the parameters that are trained.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import lightning.pytorch as pl
import torch
from lightning.pytorch.strategies import FSDPStrategy
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torchmetrics import MeanMetric
from transformers import get_cosine_schedule_with_warmup

from vlmcore.config import StageName, to_dict
from vlmcore.config.validation import check_choice, check_kind
from vlmcore.data.samples import IGNORE
from vlmcore.fingerprint import fingerprint
from vlmcore.models.vlm import VLM
from vlmcore.training.data import STAGES, Objective, VQABatch
from vlmcore.training.parts import tokens_of_step, train_parts
from vlmcore.training.sharding import plain_name, shard
from vlmcore.training.steps import MicroBatch
from vlmcore.training.trainer import StageConfig

LARGEST_GRADIENT = 1.0
"""Norm to which the gradient is clipped, unless the Trainer names another."""


class Stage(pl.LightningModule):
    """One stage of training: a model, its loss and its optimiser.

    Args:
        model: its parameters with `requires_grad` are trained.
        loss: from the model and the content of a micro-batch to a scalar.
        config: steps and learning rate.
        seed: of the random numbers inside a step.
    """

    def __init__(
        self,
        model: Any,
        loss: Callable[[Any, Any], Tensor],
        config: StageConfig,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model, self.loss, self.config, self.seed = model, loss, config, seed
        self.summed: Any = 0.0  # losses of the micro-batches of a step
        self.strict_loading = False  # frozen weights are not in the checkpoint

    def made_of(self) -> dict[str, Any]:
        """Everything that decides the trained weights, beside the batches."""
        parameters = dict(self.model.named_parameters())
        trained = [name for name, x in parameters.items() if x.requires_grad]
        start = {name: parameters.pop(name) for name in trained}
        return {
            "modules": fingerprint(str(self.model), self.loss),
            # what is off is left out: a new option leaves unfinished runs alone
            "stage": {
                name: value
                for name, value in to_dict(self.config).items()
                if value is not None and value is not False
            },
            "seed": self.seed,
            "frozen weights": fingerprint(parameters, dict(self.model.named_buffers())),
            "starting weights": fingerprint(start),
        }

    def loss_of(self, batch: MicroBatch) -> Tensor:
        """The loss of a micro-batch before it is weighted."""
        return self.loss(self.model, batch.content)

    def training_step(self, batch: MicroBatch, index: int) -> Tensor:
        """Returns the loss of a micro-batch; logs the loss of the global batch.

        Raises:
            ValueError: the loss is not finite; the weights are those before the step.
        """
        trainer, part = self.trainer, batch.part
        where = (part.number,) if part.number else ()
        _seed(hash((self.seed, trainer.global_step, *where)), self.device)
        loss = batch.weight * self.loss_of(batch)
        if not loss.isfinite():
            raise ValueError(
                f"the loss of step {trainer.global_step} is {loss.item()}; lower the "
                f"learning rate, {self.config.learning_rate:g}, or train with "
                "precision='32-true'"
            )
        mine = loss.detach() / trainer.accumulate_grad_batches
        first = index % trainer.accumulate_grad_batches == 0
        self.summed = mine if first else self.summed + mine
        self.log("loss", self.summed, prog_bar=True, sync_dist=part.total > 1)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: MicroBatch, index: int) -> None:
        """Frees the gradients of a step; Lightning keeps them for a forward pass."""
        if (index + 1) % self.trainer.accumulate_grad_batches == 0:
            for optimizer in self.trainer.optimizers:
                optimizer.zero_grad()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW without weight decay; linear warm-up, then a cosine to zero."""
        config = self.config
        # in mixed precision, Lightning does not clip the gradient of a fused optimiser
        fused = self.trainer.precision == "32-true"
        optimizer = torch.optim.AdamW(
            self.parameter_groups(),
            lr=config.learning_rate,
            weight_decay=0.0,
            fused=fused,
        )
        warmup = round(config.warmup * config.steps)
        schedule = get_cosine_schedule_with_warmup(optimizer, warmup, config.steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The trained parameters, for the optimiser."""
        return [{"params": [x for x in self.parameters() if x.requires_grad]}]

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clips the norm of the gradient, in any Trainer."""
        largest = LARGEST_GRADIENT if gradient_clip_val is None else gradient_clip_val
        if isinstance(self.trainer.strategy, FSDPStrategy):
            wrapped: Any = self.trainer.strategy.model
            wrapped.clip_grad_norm_(largest)
        else:
            self.clip_gradients(optimizer, largest, gradient_clip_algorithm)

    def trained_names(self) -> set[str]:
        """Names of the trained parameters, as in a whole model."""
        named = self.named_parameters()
        return {plain_name(name) for name, x in named if x.requires_grad}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leaves frozen weights out of the checkpoint."""
        trained, state = self.trained_names(), checkpoint["state_dict"]
        checkpoint["state_dict"] = {
            name: state[name] for name in state if name in trained
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Goes back to the last whole step.

        A checkpoint may fall between two micro-batches of a step, whose gradients are
        not in it, or come from a run with other micro-batches. Lightning counts these
        to know when to step.
        """
        loop = checkpoint["loops"]["fit_loop"]
        progress = loop["epoch_loop.batch_progress"]
        ready = progress["current"]["ready"]
        started_next = ready - progress["current"]["processed"]
        extra = (ready - started_next) % self.trainer.accumulate_grad_batches
        if extra == 0:
            return
        for counts in (progress["current"], progress["total"]):
            whole = counts["ready"] - started_next - extra
            counts.update(
                ready=whole, started=whole, processed=whole, completed=whole - 1
            )
        steps = checkpoint["global_step"]
        loop["epoch_loop.state_dict"]["_batches_that_stepped"] = steps - 1

    def on_train_epoch_end(self) -> None:
        """Ends training with the last step, however many epochs the Trainer allows."""
        if self.trainer.global_step >= self.config.steps:
            self.trainer.should_stop = True


class Answers(NamedTuple):
    """Generated answers, and the rows of their samples, int (b,)."""

    rows: Tensor
    texts: list[str]


class VLMModule(Stage):
    """One of LLaVA's stages (arXiv 2310.03744) of a vision-language model.

    Takes batches of a `VQADataModule` for the same stage and seed, in any Trainer.

    Args:
        vlm: is trained in place. The compressor is trained in both stages, the language
            model (or its LoRA matrices) in stage 2; the vision encoder never.
        config: steps and learning rate.
        stage: `align` or `tune`.
        seed: of the V of each step and of other random numbers in it.
        objective: another loss than that of language modelling.
    """

    def __init__(
        self,
        vlm: VLM,
        config: StageConfig,
        *,
        stage: StageName = "tune",
        seed: int = 0,
        objective: Objective | None = None,
    ) -> None:
        check_kind("vlm", vlm, VLM, "give a VLM")
        check_kind("config", config, StageConfig, "give a StageConfig")
        check_choice("stage", stage, STAGES)
        super().__init__(vlm, objective.loss if objective else vlm_loss, config, seed)
        self.stage, self.objective = stage, objective
        self.exact_match = MeanMetric()
        train_parts(vlm, stage)
        vlm.train()

    def made_of(self) -> dict[str, Any]:
        """Everything that decides the trained weights, beside the batches."""
        lora = self.model.language.lora
        about = {"model": to_dict(self.model.config), "name": self.stage}
        return about | {"lora": lora and to_dict(lora.config)} | super().made_of()

    def configure_model(self) -> None:
        """Shards the model where the Trainer's strategy does; `fit` calls it once."""
        self.model = shard(self.model, self.trainer.strategy)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The trained parameters; the compressor's apart if its learning rate is."""
        own = self.config.compressor_learning_rate
        if own is None or self.model.compressor is None:
            return super().parameter_groups()
        compressor = list(self.model.compressor.parameters())
        mine = {id(x) for x in compressor}
        others = [x for x in self.parameters() if x.requires_grad and id(x) not in mine]
        rest = [{"params": others}] if others else []
        return [{"params": compressor, "lr": own}, *rest]

    def on_train_start(self) -> None:
        """Switches dropout off where nothing is trained."""
        self.model.vision.eval()
        if self.stage == "align":
            self.model.language.eval()
            for layer in self.model.language.layers:
                # the layer's own mark decides whether it is recomputed
                layer.training = layer.gradient_checkpointing

    def on_validation_epoch_start(self) -> None:
        """Forgets a metric of `Trainer.validate`, whose tensors `fit` cannot update."""
        self.exact_match.reset()

    def loss_of(self, batch: MicroBatch) -> Tensor:
        """The mean loss over the V of this step, or another objective's loss."""
        if self.objective is not None:
            return super().loss_of(batch)
        v = tokens_of_step(self.model.config, self.stage, self.seed, batch.turn)
        return vlm_loss(self.model, batch.content, v)

    def validation_step(self, batch: VQABatch, index: int) -> None:
        """Logs the loss by label, and the share of answers whose every token is right.

        An answer counts as right if each of its tokens, the end included, is the most
        likely one after those before it: greedy decoding then says exactly this answer.
        """
        output = self.model(batch.samples, batch.images)
        labels = (batch.samples.labels != IGNORE).sum(1).tolist()
        right = (output.logits.argmax(-1) == output.targets).split(labels)
        self.exact_match.update(torch.stack([answer.all() for answer in right]).float())
        self.log("val_loss", output.loss, batch_size=sum(labels), sync_dist=True)
        self.log("val_exact_match", self.exact_match, batch_size=len(labels))

    def predict_step(self, batch: VQABatch, index: int) -> Answers:
        """Generates answers greedily."""
        return Answers(batch.rows, self.model.generate(batch.samples, batch.images))


def _seed(number: int, device: torch.device) -> None:
    """Seeds a step.

    `torch.manual_seed` also notes a traceback for each kind of device that is not in
    use, which takes longer than the batch of a miniature.
    """
    if device.type == "cpu":
        torch.default_generator.manual_seed(number)
    else:
        torch.manual_seed(number)


def vlm_loss(
    vlm: VLM, batch: VQABatch, visual_tokens: tuple[int | None, ...] = (None,)
) -> Tensor:
    """The language-modelling loss of a batch, averaged over several V."""
    images, prefix = vlm.encode_images(batch.images), batch.shared_prefix
    losses = [vlm(batch.samples, images, v, prefix).loss for v in visual_tokens]
    return torch.stack(losses).mean()
