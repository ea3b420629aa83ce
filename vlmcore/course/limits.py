"""Limits of time, memory and files for a submission."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of time, memory and file size for a submission."""

    seconds: float = 300
    """For all cells of the notebook; cells after that do not run."""
    cell_seconds: float = 60
    """For each cell; one that takes longer is stopped, and the others run."""
    call_seconds: float = 60
    """For each call of a function by a test."""
    whole_seconds: float = 900
    """For everything that is done with a submission."""
    memory_gb: float = 2
    file_mb: float = 50
    """Size of the largest file written."""
    processes: int = 64

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value:g}; a limit is above zero")

    def of_a_process(self) -> dict[str, int]:
        """Limits by their names in `resource`.

        Processor time only catches what escapes the deadlines.
        """
        return {
            "RLIMIT_AS": int(self.memory_gb * 1e9),
            "RLIMIT_CPU": int(2 * self.whole_seconds) + 1,
            "RLIMIT_FSIZE": int(self.file_mb * 1e6),
            "RLIMIT_CORE": 0,
            "RLIMIT_NOFILE": 256,
        }
