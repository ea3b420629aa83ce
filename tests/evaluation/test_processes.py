"""Sums add up: two processes with uneven shards give what one gives, for every metric."""

import pytest
import torch
import torch.multiprocessing as mp

from vlmcore.data.samples import Sample
from vlmcore.evaluation import metrics

IMAGES = {
    f"{i}": task
    for i, task in enumerate(["count", "color", "count", "OCR", "code_reasoning"])
}
OPTIONS = ["cat", "dog"]
SAMPLES = [
    Sample(i, "?", answer, "k", 2)
    for i, answer in enumerate(["yes", "no", "no", "yes", "no"])
]
SAID = ["yes", "No.", "a dog", "", "B"]


def feed(metric, name, rows):
    said, i = [SAID[row] for row in rows], list(rows)
    references = [["yes"] * 3 + ["no"] * 7 for _ in rows]
    match name:
        case "VQAAccuracy":
            metric.update(said, references)
        case "ANLS" | "ExactMatch":
            metric.update(said, [["yess", "no"] for _ in rows])
        case "GQA":
            metric.update(said, ["yes"] * len(rows))
        case "ShortAnswerAccuracy":
            metric.update(said, [SAMPLES[row] for row in i])
        case "ScienceQA":
            metric.update(said, ["B"] * len(rows), [3] * len(rows))
        case "POPE":
            metric.update(
                said,
                [SAMPLES[row].answer for row in i],
                [["a", "b"][row % 2] for row in i],
            )
        case "MME":  # the second question of an image is asked by the other process
            metric.update(said, ["yes"] * len(rows), [str(row) for row in i])
            metric.update(said, ["no"] * len(rows), [str((row + 3) % 5) for row in i])
        case "MMBench":
            metric.update(
                said, ["B"] * len(rows), [OPTIONS] * len(rows), i, [0] * len(rows)
            )
            metric.update(
                said,
                ["A"] * len(rows),
                [OPTIONS[::-1]] * len(rows),
                [(row + 3) % 5 for row in i],
                [1] * len(rows),
            )


def make(name):
    arguments = {
        "ShortAnswerAccuracy": (["yes", "no"], ["k"]),
        "POPE": (["a", "b"],),
        "MME": (IMAGES,),
        "MMBench": (dict.fromkeys(range(5), "x"),),
    }
    return getattr(metrics, name)(*arguments.get(name, ()))


NAMES = [
    "VQAAccuracy",
    "ANLS",
    "ExactMatch",
    "GQA",
    "ShortAnswerAccuracy",
    "ScienceQA",
    "POPE",
    "MME",
    "MMBench",
]
SHARDS = [[0], [1, 2, 3, 4]]


def _count(rank: int, store: str, queue: mp.Queue) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=2
    )
    found = {}
    for name in NAMES:
        metric = make(name)
        feed(metric, name, SHARDS[rank])
        found[name] = metric.compute()
    queue.put(found)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def of_two_processes(tmp_path_factory):
    queue = mp.get_context("spawn").Queue()
    workers = mp.spawn(
        _count,
        (str(tmp_path_factory.mktemp("gloo") / "store"), queue),
        nprocs=2,
        join=False,
    )
    scores = [queue.get(timeout=120) for _ in range(2)]
    workers.join()
    return scores


def alone(name):
    metric = make(name)
    for shard in SHARDS:
        feed(metric, name, shard)
    return metric.compute()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_processes_count_as_one(of_two_processes, name):
    assert of_two_processes[0][name] == of_two_processes[1][name] == alone(name)


@pytest.mark.parametrize("name", NAMES)
def test_states_add_up_and_reset(name):
    """What a Lightning loop does: forward on a batch, compute at the end of the epoch, reset."""
    metric = make(name)
    feed(metric, name, range(5))
    whole = metric.compute()
    metric.reset()
    for shard in SHARDS:
        feed(metric, name, shard)
    assert metric.compute() == whole
    assert all(not isinstance(state, list) for state in metric.metric_state.values()), (
        "states are tensors of a fixed size"
    )
