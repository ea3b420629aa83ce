"""Tasks: the data of a run, the text its language model learns first, and its answers.

A task is an object that a run asks for all of this, so that nothing else in the
experiments depends on a task's name. *letters* and *attribute* belong to the compressor
comparison; *knowledge*, *reasoning* and *ocr* are the families of the first grid, and
*mixture* is all three of them. *long_tail* is the mixture of the second grid.
"""

from functools import lru_cache

from vlmcore.data.synthetic.letters_and_shapes import WORLDS
from vlmcore.experiments.tasks.easyvqa import EasyVQA, WordFacts
from vlmcore.experiments.tasks.long_tail import LongTail
from vlmcore.experiments.tasks.synthetic import Family, World, family_scenes
from vlmcore.experiments.tasks.task import Split, Task, TaskData

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        EasyVQA(),
        WordFacts(),
        *(World(name) for name in WORLDS),
        *Family.all("mixture"),
        *LongTail.all("long_tail"),
    )
}


def find_task(name: str) -> Task:
    """The task of a name.

    Raises:
        ValueError: there is no such task.
    """
    if name not in TASKS:
        raise ValueError(f"there is no task {name!r}; choose from {', '.join(TASKS)}")
    return TASKS[name]


@lru_cache(maxsize=4)  # a mixture has up to four parts
def load_task(
    name: str = "easyvqa",
    held_out: bool = False,
    seed: int = 0,
    images: int | None = None,
) -> TaskData:
    """The data of a task, kept in memory for the next call.

    Args:
        name: a key of `TASKS`.
        held_out: whether to take data that are never reported.
        seed: of the world, for tasks that have many.
        images: at most so many to train on, and to test on; None for all.

    Raises:
        ValueError: there is no such task, or it is made of several.
    """
    return find_task(name).load(Split(held_out, seed, images))


__all__ = [
    "TASKS",
    "Split",
    "Task",
    "TaskData",
    "family_scenes",
    "find_task",
    "load_task",
]
