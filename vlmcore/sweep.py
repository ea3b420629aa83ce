"""Many runs: every run of an experiment that has no result yet, side by side, one thread each.

    python -m vlmcore.sweep run easyvqa          # one worker a core; results go to book/results/easyvqa
    python -m vlmcore.sweep run easyvqa --part 3/20     # the third of twenty shares, for an array job of a cluster
    python -m vlmcore.sweep status easyvqa

Kill it whenever you like: a run goes on from its last checkpoint, and one with a result is never done again. Language models and image
features are made once, before the workers start, and shared.
"""

import argparse
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

from vlmcore.experiments import EXPERIMENTS, RunConfig, identity, prepare, run_cell, run_question_only


def pending(configs: list[RunConfig], results: Path) -> list[RunConfig]:
    """The runs without a result file."""
    return [config for config in configs if not (results / f"{identity(config)}.json").exists()]


def share(configs: list[RunConfig], part: str) -> list[RunConfig]:
    """Part `i/n` of the runs: every n-th one from the i-th on.

    Raises:
        ValueError: the part is no such fraction.
    """
    number, _, parts = part.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise ValueError(f"{part!r} is no part; give i/n with i from 1 to n, such as 3/20")
    return configs[int(number) - 1 :: int(parts)]


def run(configs: list[RunConfig], results: Path, work: Path, workers: int) -> None:
    """Does all runs that have no result, `workers` at a time, and prints each as it is done.

    Args:
        configs: the runs.
        results: folder of the result files.
        work: folder for what can be made again: features, language models, checkpoints.
        workers: processes, of one thread each: for models this small two of them are several times faster than two threads of one.
    """
    # read by the workers before they start torch
    os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", TOKENIZERS_PARALLELISM="false")
    todo = pending(configs, results)
    if not todo:
        print(f"all {len(configs)} runs have a result in {results}")
        return
    print(f"{len(configs)} runs, {len(configs) - len(todo)} done before", flush=True)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _end_with_the_parent) as pool:
        different = {(config.model.language, config.text, config.training.seed): config for config in sorted(todo, key=sees)}
        *others, first = different.values()
        pool.submit(prepare, first, work).result()  # the features; alone, so that they are not made twice
        list(pool.map(partial(prepare, work=work), others))
        waiting = [pool.submit(run_cell, config, results, work) for config in todo]
        for number, future in enumerate(as_completed(waiting), 1):
            print(f"{number}/{len(todo)} {describe(future.result())}", flush=True)


def _end_with_the_parent() -> None:
    """Ends a worker when the sweep is killed; it would otherwise go on with runs that are already handed to it."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def sees(config: RunConfig) -> bool:
    """Whether a run looks at images, and so needs their features."""
    return config.model.compressor is not None


def describe(result: dict[str, Any]) -> str:
    """One line about a result."""
    test = result["scores"]["test"]["all"]
    return f"{result['id']} {result['name']:20} {test['value']:.4f} of {test['count']}, trained in {result['seconds']['train']:.0f} s"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m vlmcore.sweep", description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["run", "status"])
    parser.add_argument("name", choices=sorted(EXPERIMENTS))
    parser.add_argument("--results", type=Path, help="folder of the result files (default: book/results/NAME)")
    parser.add_argument("--work", type=Path, default=Path("_build/work"), help="folder for features, checkpoints and logs")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--part", default="1/1", help="i/n: do only this share of the runs, for array jobs")
    parser.add_argument("--held-out", action="store_true", help="score on held-out training images, for development")
    arguments = parser.parse_args()
    if arguments.workers < 1:
        parser.error(f"{arguments.workers} workers do nothing; give at least 1")
    # development never lies among what is reported
    results = arguments.results or Path("_build/held_out" if arguments.held_out else "book/results") / arguments.name
    try:
        configs = share(EXPERIMENTS[arguments.name](arguments.held_out), arguments.part)
    except ValueError as error:
        parser.error(str(error))
    if arguments.action == "run":
        run_question_only(results)
        run(configs, results, arguments.work, arguments.workers)
    else:
        todo = pending(configs, results)
        print(f"{arguments.name}: {len(configs) - len(todo)} of {len(configs)} runs have a result in {results}")


if __name__ == "__main__":
    main()
