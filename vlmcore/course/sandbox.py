"""Where a submission runs: bubblewrap if a trial starts, else limits only.

In the sandbox there is no network, no process of others, and nothing to read but the
interpreter, its packages and `vlmcore`; the scratch folder is in memory, so that a
submission has no place to write to that outlives it. Whether this works cannot be told
from the name of a program, since many systems refuse user namespaces: a trial decides.
"""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import vlmcore

SCRATCH = Path("/scratch")
"""The scratch folder as a submission in the sandbox sees it."""
TRUSTED = (
    "Submissions were trusted: they ran without a sandbox, with the rights of the "
    "grader. Install bubblewrap where user namespaces are allowed, or grade in a "
    "container."
)
NOBODY = 65534
SCRATCH_BYTES = 200_000_000
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin")
_READ = (
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts"),
    "/sys/devices/system/cpu",  # how many there are
)
_PACKAGE = Path(vlmcore.__file__).parent
_TRIAL = "import vlmcore.course.checks.feedback, numpy"
_TRIAL_SECONDS = 120


@dataclass(frozen=True)
class Sandbox:
    """How the process of a submission is started.

    Args:
        bubblewrap: path of `bwrap`, or None for no sandbox.
        user: number of the user to become, or None to stay who one is.
    """

    bubblewrap: str | None = None
    user: int | None = None

    @property
    def isolated(self) -> bool:
        """Whether submissions can neither read nor change what is not theirs."""
        return self.bubblewrap is not None

    def start(
        self, command: list[str], folder: Path, hidden: list[Path], **options: Any
    ) -> subprocess.Popen:
        """Starts a command that waits until its standard input is closed.

        Args:
            command: to run with this interpreter, without its name.
            folder: scratch folder, which a sandbox replaces by one in memory.
            hidden: folders that a sandbox covers even inside what it shows.
            **options: of `Popen`.
        """
        home = SCRATCH if self.isolated else folder
        package = Path("/package") if self.isolated else _PACKAGE.parent
        whole = [sys.executable, "-u", *command]
        if self.bubblewrap:
            whole = [self.bubblewrap, *_arguments(hidden), "--", *whole]
        elif self.user is not None:
            os.chown(folder, self.user, self.user)
        # whatever limits its group of processes is set before the command begins
        return subprocess.Popen(
            ["/bin/sh", "-c", 'read _; exec "$@"', "sh", *whole],
            stdin=subprocess.PIPE,
            cwd="/" if self.isolated else folder,
            env=_environment(home, package),
            start_new_session=True,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
            **options,
        )

    def works(self) -> bool:
        """Starts a trial; True if it ended well.

        Raises:
            TimeoutError: it did not end. A busy machine is slow, and slow is no
                refusal: to go on without a sandbox would trust submissions by accident.
        """
        with tempfile.TemporaryDirectory() as folder:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            try:
                trial = self.start(["-c", _TRIAL], Path(folder), [], **quiet)
                trial.communicate(timeout=_TRIAL_SECONDS)
            except subprocess.TimeoutExpired:
                trial.kill()
                trial.communicate()
                raise TimeoutError(
                    f"a trial of the sandbox did not end within {_TRIAL_SECONDS:g} "
                    "seconds, so nobody knows whether it works here, and nothing was "
                    "graded; try again when this machine has less to do"
                ) from None
            except OSError:
                return False
            return trial.returncode == 0


@cache
def find_sandbox() -> Sandbox:
    """The safest way to start a submission that works on this machine.

    Raises:
        TimeoutError: a trial did not end.
    """
    found = shutil.which("bwrap")
    users = [NOBODY, None] if os.geteuid() == 0 else [None]
    ways = itertools.product(dict.fromkeys((found, None)), users)
    return next((s for s in itertools.starmap(Sandbox, ways) if s.works()), Sandbox())


def _arguments(hidden: list[Path]) -> list[str]:
    """Returns the options of bubblewrap."""
    shown = [Path(p) for p in _SYSTEM if not Path(p).is_symlink()]
    shown += [Path(sys.prefix), Path(sys.base_prefix), *map(Path, _packages())]
    arguments = ["--unshare-all", "--die-with-parent", "--new-session"]
    arguments += ["--uid", f"{NOBODY}", "--gid", f"{NOBODY}", "--cap-drop", "ALL"]
    arguments += ["--size", f"{SCRATCH_BYTES}", "--tmpfs", "/tmp"]
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
    for path in dict.fromkeys(shown):
        if path.exists():
            arguments += ["--ro-bind", str(path), str(path)]
    for name in _READ:
        arguments += ["--ro-bind-try", name, name]
    for cover in (path.resolve() for path in hidden):
        if any(cover.is_relative_to(path.resolve()) for path in shown):
            arguments += ["--tmpfs", str(cover)]
    arguments += ["--ro-bind", str(_PACKAGE), "/package/vlmcore"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    arguments += ["--size", f"{SCRATCH_BYTES}", "--tmpfs", str(SCRATCH)]
    return [*arguments, "--remount-ro", "/", "--chdir", str(SCRATCH)]


def _packages() -> list[str]:
    """Returns the folders of installed packages."""
    return [p for p in sys.path if p.endswith(("site-packages", "dist-packages"))]


def _environment(home: Path, package: Path) -> dict[str, str]:
    """Returns a submission's environment, without the grader's variables but PATH."""
    # each thread takes address space
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    homes = ("HOME", "TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR")
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(package),
        "MPLBACKEND": "Agg",
        "OMP_WAIT_POLICY": "passive",
        **dict.fromkeys(threads, "1"),
        **dict.fromkeys(homes, str(home)),
    }


@contextmanager
def process_group(memory: int, processes: int) -> Iterator[list[Path]]:
    """Groups of processes (cgroups) with a limit, where the system lets us make some.

    Args:
        memory: bytes for all processes together.
        processes: how many there may be.

    Yields:
        The groups, which are removed afterwards; none where limits of each process
        have to do.
    """
    made: list[Path] = []
    for controller, *files, limit in (
        ("memory", "memory.limit_in_bytes", "memory.max", memory),
        ("pids", "pids.max", "pids.max", processes),
    ):
        with suppress(OSError):
            parent, version = _own_group(str(controller))
            group = Path(tempfile.mkdtemp(prefix="vlmcore-", dir=parent))
            made.append(group)
            (group / str(files[version - 1])).write_text(f"{limit}")
    try:
        yield made
    finally:
        for group in made:
            with suppress(OSError):
                group.rmdir()


def kill_group(groups: list[Path], seconds: float = 10) -> None:
    """Kills all processes of groups and waits until they are gone."""
    end = time.monotonic() + seconds
    for group in groups:
        while pids := (group / "cgroup.procs").read_text().split():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            if time.monotonic() > end:
                break
            time.sleep(0.01)


def _own_group(controller: str) -> tuple[Path, int]:
    """Returns the group of this process, and the version of cgroups.

    Raises:
        OSError: there is no such controller.
    """
    top = Path("/sys/fs/cgroup")
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, place = line.split(":", 2)
        if controller in names.split(","):
            return top / controller / place.lstrip("/"), 1
        if not names and (top / "cgroup.controllers").exists():
            group = top / place.lstrip("/")
            (group / "cgroup.subtree_control").write_text(f"+{controller}")
            return group, 2
    raise OSError(f"no {controller} controller")
