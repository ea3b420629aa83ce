"""The command that describes the environment, for reports of errors."""

import platform


def print_environment() -> None:
    """Print versions and devices, for a report of an error."""
    from vlmcore.fingerprint import versions

    print(f"{'python':13} {platform.python_version()} on {platform.platform()}")
    for package, number in versions().items():
        print(f"{package:13} {number}")
    print(f"{'devices':13} {', '.join(_devices())}")


def _devices() -> list[str]:
    """The processor and the accelerators that torch can use."""
    import torch

    devices = [f"CPU with {torch.get_num_threads()} threads"]
    devices += [
        torch.cuda.get_device_name(number)
        for number in range(torch.cuda.device_count())
    ]
    return devices + ["MPS"] * torch.backends.mps.is_available()
