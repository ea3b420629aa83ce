"""Work that is killed at random moments ends with the files of undisturbed work."""

import multiprocessing
import sys
import time

import numpy as np
import pytest

from tests.chaos import PARTS, contents, do


def attempt(server, name, folder, seconds=None):
    """Does a part of the work; kills it some time after its start.

    Returns:
        Its exit code, and its seconds.
    """
    started = server.Event()
    process = server.Process(target=do, args=(name, folder, started))
    process.start()
    started.wait()
    start = time.perf_counter()
    if seconds is not None:
        process.join(seconds)
        process.kill()
    process.join()
    return process.exitcode, time.perf_counter() - start


def chaos(tmp_path, names, kills, seed=0):
    """Kills each part about as often, in rounds, until there were so many kills.

    Returns:
        How often each part was killed.
    """
    server, rng = multiprocessing.get_context("forkserver"), np.random.default_rng(seed)
    server.set_forkserver_preload(["tests.chaos"])
    alone, killed, seconds = tmp_path / "alone", dict.fromkeys(names, 0), {}
    for name in names:
        code, seconds[name] = attempt(server, name, alone / name)
        assert code == 0, name
    for number in range(kills):
        for name in names:
            folder, code = tmp_path / f"killed-{number}" / name, None
            for _ in range(3):
                if sum(killed.values()) < kills:
                    moment = rng.uniform(0, seconds[name])
                    code, _ = attempt(server, name, folder, moment)
                    assert code in (0, -9), name
                    killed[name] += code == -9
            code, _ = attempt(server, name, folder)
            assert code == 0, f"{name} after {killed[name]} kills"
            assert contents(folder) == contents(alone / name), name
        if sum(killed.values()) >= kills:
            return killed
    return killed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_work_ends_with_the_files_of_undisturbed_work(tmp_path):
    assert sum(chaos(tmp_path, PARTS, 12).values()) >= 10
