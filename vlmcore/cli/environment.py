"""The command that describes the environment, for reports of errors."""

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "vlmcore",
    "torch",
    "transformers",
    "lightning",
    "torchmetrics",
    "numpy",
    "pandas",
)


def print_environment() -> None:
    """Print versions and devices, for a report of an error."""
    print(f"{'python':13} {platform.python_version()} on {platform.platform()}")
    for package in _PACKAGES:
        print(f"{package:13} {_version(package)}")
    print(f"{'devices':13} {', '.join(_devices())}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> list[str]:
    """The processor and the accelerators that torch can use."""
    import torch

    devices = [f"CPU with {torch.get_num_threads()} threads"]
    devices += [
        torch.cuda.get_device_name(number)
        for number in range(torch.cuda.device_count())
    ]
    return devices + ["MPS"] * torch.backends.mps.is_available()
