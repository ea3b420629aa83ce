"""The abilities that all metrics share: sums, flat tensors, plots, bad input."""

import lightning as L
import matplotlib.pyplot as plt
import pytest
import torch
import torch.multiprocessing as mp
from torch.utils.data import DataLoader
from torchmetrics import MetricCollection

from vlmcore.evaluation import metrics

TARGET = ["yes", "no", "yes", "no"]
PREDS = ["yes", "no", "yes", "yes"]  # right in kind x, half right in kind y
KINDS = ["x", "x", "y", "y"]
TASKS = {"x": "count", "y": "color"}  # kinds of MME
VALUES = {
    "ANLS": "x",
    "ExactMatch": "x",
    "GQA": "x",
    "MMBench": "x_circular",
    "MME": "count_points",
    "POPE": "x_accuracy",
    "ScienceQA": "x",
    "ShortAnswerAccuracy": "x",
    "VQAAccuracy": "x",
}
SHARDS = [[0], [1, 2, 3]]
every_metric = pytest.mark.parametrize("name", VALUES)


def make(name, kinds=KINDS):
    metric = getattr(metrics, name)
    match name:
        case "MME":
            return metric({"0": TASKS[kinds[0]], "1": TASKS[kinds[2]]})
        case "MMBench":
            return metric({0: kinds[0], 1: kinds[2]})
        case "ShortAnswerAccuracy":
            return metric(["yes", "no"], kinds)
    return metric(kinds=kinds)


def feed(metric, preds=PREDS, kinds=KINDS, rows=range(4)):
    """Adds some of the answers to four questions, two of each kind."""
    letters = [
        ["AB"[["yes", "no"].index(text)] for text in texts] for texts in (preds, TARGET)
    ]
    images, rotations = [0, 0, 1, 1], [0, 1, 0, 1]
    match type(metric).__name__:
        case "ANLS" | "ExactMatch" | "VQAAccuracy":
            columns = preds, [[text] * 10 for text in TARGET], kinds
        case "ScienceQA":
            columns = *letters, kinds, [4] * 4
        case "MME":
            columns = preds, TARGET, [str(image) for image in images]
        case "MMBench":
            columns = *letters, [["cat", "dog"]] * 4, images, rotations
        case _:
            columns = preds, TARGET, kinds
    metric.update(*([column[row] for row in rows] for column in columns))
    return metric


@every_metric
def test_the_flat_tensors_are_the_values_of_the_scores(name):
    metric = feed(make(name))
    flat, scores = metric.compute(), metric.scores()
    values = [
        part.value
        for score in scores.values()
        for part in ([score] if isinstance(score, metrics.Score) else score)
    ]
    assert list(flat.values()) == [pytest.approx(value) for value in values]
    assert all(
        value.shape == () and value.dtype == torch.float for value in flat.values()
    )


@every_metric
@pytest.mark.parametrize("change", ["ignored", "one answer", "swapped"])
def test_the_score_moves_when_it_must(name, change):
    """Ignoring the questions, changing an answer and swapping the kinds all cost."""
    preds, kinds = {
        "ignored": (["no"] * 4, KINDS),
        "one answer": (["no", *PREDS[1:]], KINDS),
        "swapped": (PREDS, KINDS[::-1]),
    }[change]
    key = VALUES[name]
    before, after = feed(make(name)), feed(make(name, kinds), preds, kinds)
    assert after.compute()[key] < before.compute()[key] == (200 if name == "MME" else 1)


@every_metric
def test_sums_add_up_and_reset(name):
    """A Lightning loop updates on batches, computes at the end of an epoch, resets."""
    metric = feed(make(name))
    whole = metric.scores()
    metric.reset()
    for shard in SHARDS:
        feed(metric, rows=shard)
    feed(metric, rows=[])
    assert metric.scores() == whole
    assert all(
        isinstance(state, torch.Tensor) for state in metric.metric_state.values()
    )


def everything(metric):
    """The scores before and after the flat values, which are floats here."""
    before, flat = metric.scores(), metric.compute()
    return before, {key: value.item() for key, value in flat.items()}, metric.scores()


def _count(rank, store, queue):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=2
    )
    found = {name: everything(feed(make(name), rows=SHARDS[rank])) for name in VALUES}
    queue.put(found)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def of_two_processes(tmp_path_factory):
    queue = mp.get_context("spawn").Queue()
    store = str(tmp_path_factory.mktemp("gloo") / "store")
    workers = mp.spawn(_count, (store, queue), nprocs=2, join=False)
    scores = [queue.get(timeout=120) for _ in range(2)]
    workers.join()
    return scores


@pytest.mark.slow
@every_metric
def test_two_processes_count_as_one(of_two_processes, name):
    """Shards are uneven, and split an image of MME and a question of MMBench."""
    alone = everything(feed(make(name)))
    assert of_two_processes[0][name] == of_two_processes[1][name] == alone


def test_a_collection_keeps_rules_apart_that_agree_on_the_first_batch():
    def every_rule():
        return {
            "anls": metrics.ANLS(),
            "strict": metrics.ANLS(threshold=0.9),
            "exact": metrics.ExactMatch(),
            "evalai": metrics.VQAAccuracy("evalai"),
            "official": metrics.VQAAccuracy("vqav2_official"),
        }

    batches = [(["red"], [["red"] * 10]), (["it's re"], [["it's red"] * 10])]
    collection, alone = MetricCollection(every_rule()), every_rule()
    for batch in batches:
        collection.update(*batch)
        for metric in alone.values():
            metric.update(*batch)
    expected = {
        f"{name}_all": metric.compute()["all"] for name, metric in alone.items()
    }
    assert collection.compute() == expected
    assert len({value.item() for value in expected.values()}) > 1


class Evaluated(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.metric = make("POPE")

    def validation_step(self, rows):
        feed(self.metric, rows=rows.tolist())

    def on_validation_epoch_end(self):
        self.log_dict(self.metric.compute())


def test_a_lightning_module_logs_the_scores(tmp_path):
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = L.Trainer(accelerator="cpu", default_root_dir=tmp_path, **quiet)
    (logged,) = trainer.validate(
        Evaluated(), DataLoader(range(4), batch_size=3), verbose=False
    )
    assert logged["x_accuracy"] == 1 and logged["mean_accuracy"] == 0.75


@every_metric
def test_plots_within_the_bounds(name):
    metric = feed(make(name))
    for values in (None, [metric.compute(), metric.compute()]):
        figure, axis = metric.plot(values)
        low, high = axis.get_ylim()
        assert low < 0 and high > metric.compute()[VALUES[name]]
        plt.close(figure)


@every_metric
def test_bad_input_gets_a_sentence(name):
    with pytest.raises(ValueError, match="no question was asked; update the metric"):
        make(name).scores()
    metric = feed(make(name))
    with pytest.raises(ValueError, match="1 predictions cannot answer 2 questions"):
        metric.update(["yes"], *[["A", "B"]] * (4 if name == "MMBench" else 2))
    with pytest.raises(ValueError, match=r"'z' was not announced; name every \w+ when"):
        metric.update(
            ["A"],
            *[["A"]] * (2 if name == "MMBench" else 1),
            ["z"],
            *[[0]] * (name == "MMBench"),
        )
