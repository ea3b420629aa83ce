"""Where the official files come from, where they are looked for, and how a benchmark is made of them.

    vlmcore sources                  # which files go where, and which are there
    vlmcore sources pope             # the commands that would fetch one benchmark; nothing is fetched
    vlmcore sources pope | sh        # fetch it

Nothing in this package downloads them. Addresses are those that the benchmarks' own
pages give; they may have moved.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from vlmcore.data.benchmarks import multiple_choice, vqa, yes_no
from vlmcore.evaluation.benchmarks import Benchmark

OFFICIAL_FILES = Path("data") / "benchmarks"
_COCO = "http://images.cocodataset.org/zips/val2014.zip"
_VQA = "https://s3.amazonaws.com/cvmlp/vqa/mscoco/vqa"
_TEXTVQA = "https://dl.fbaipublicfiles.com/textvqa"
_POPE = "https://raw.githubusercontent.com/AoiDragon/POPE/main/output/coco"
_SPLITS = {
    split: f"coco_pope_{split}.json" for split in ("random", "popular", "adversarial")
}


class Source(NamedTuple):
    """One benchmark: what is fetched, and what must then be in its folder."""

    page: str
    fetch: tuple[str, ...]
    """Addresses; archives are unpacked in the folder."""
    needs: tuple[str, ...]
    """Files and folders, below the folder of the benchmark."""
    read: Callable[[Path], Callable]
    """From the folder to a reader of questions."""


def _vqav2(folder: Path) -> Callable:
    files = [
        folder / f"v2_{name}.json"
        for name in ("OpenEnded_mscoco_val2014_questions", "mscoco_val2014_annotations")
    ]
    return partial(vqa.vqav2, files[0], folder / "val2014", files[1])


def _scienceqa(folder: Path) -> Callable:
    return partial(
        multiple_choice.scienceqa,
        folder / "problems.json",
        folder / "test",
        folder / "pid_splits.json",
        images_only=True,
    )


SOURCES = {
    "gqa": Source(
        "https://cs.stanford.edu/people/dorarad/gqa",
        tuple(
            f"https://downloads.cs.stanford.edu/nlp/data/gqa/{name}.zip"
            for name in ("questions1.2", "images")
        ),
        ("testdev_balanced_questions.json", "images"),
        lambda folder: partial(
            vqa.gqa, folder / "testdev_balanced_questions.json", folder / "images"
        ),
    ),
    "mmbench": Source(
        "https://github.com/open-compass/MMBench",
        (
            "https://download.openmmlab.com/mmclassification/datasets/mmbench/mmbench_dev_20230712.tsv",
        ),
        ("mmbench_dev_20230712.tsv",),
        lambda folder: partial(
            multiple_choice.mmbench, folder / "mmbench_dev_20230712.tsv"
        ),
    ),
    "mme": Source(
        "https://github.com/BradyFU/Awesome-Multimodal-Large-Language-Models (on "
        "request)",
        (),
        ("MME_Benchmark_release_version",),
        lambda folder: partial(yes_no.mme, folder / "MME_Benchmark_release_version"),
    ),
    "pope": Source(
        "https://github.com/AoiDragon/POPE",
        (*(f"{_POPE}/{name}" for name in _SPLITS.values()), _COCO),
        (*_SPLITS.values(), "val2014"),
        lambda folder: partial(
            yes_no.pope,
            {split: folder / name for split, name in _SPLITS.items()},
            folder / "val2014",
        ),
    ),
    "scienceqa": Source(
        "https://scienceqa.github.io",
        (
            *(
                f"https://raw.githubusercontent.com/lupantech/ScienceQA/main/data/scienceqa/{n}.json"
                for n in ("problems", "pid_splits")
            ),
            "https://scienceqa.s3.us-west-1.amazonaws.com/images/test.zip",
        ),
        ("problems.json", "pid_splits.json", "test"),
        _scienceqa,
    ),
    "textvqa": Source(
        "https://textvqa.org",
        (
            f"{_TEXTVQA}/data/TextVQA_0.5.1_val.json",
            f"{_TEXTVQA}/images/train_val_images.zip",
        ),
        ("TextVQA_0.5.1_val.json", "train_images"),
        lambda folder: partial(
            vqa.textvqa,
            folder / "TextVQA_0.5.1_val.json",
            folder / "train_images",
        ),
    ),
    "vizwiz": Source(
        "https://vizwiz.org/tasks-and-datasets/vqa",
        tuple(
            f"https://vizwiz.cs.colorado.edu/VizWiz_final/{name}.zip"
            for name in ("vqa_data/Annotations", "images/val")
        ),
        ("val.json", "val"),
        lambda folder: partial(vqa.vizwiz, folder / "val.json", folder / "val"),
    ),
    "vqav2": Source(
        "https://visualqa.org",
        (
            f"{_VQA}/v2_Questions_Val_mscoco.zip",
            f"{_VQA}/v2_Annotations_Val_mscoco.zip",
            _COCO,
        ),
        (
            "v2_OpenEnded_mscoco_val2014_questions.json",
            "v2_mscoco_val2014_annotations.json",
            "val2014",
        ),
        _vqav2,
    ),
}


def load_benchmark(name: str, folder: str | Path = OFFICIAL_FILES) -> Benchmark:
    """A benchmark from its official files in `folder/name`: the part whose right answers are public.

    Raises:
        ValueError: there is no such benchmark.
        FileNotFoundError: a file is missing; the message says how to get it.
    """
    if name not in SOURCES:
        raise ValueError(
            f"there is no benchmark {name!r}; choose from {', '.join(SOURCES)}"
        )
    place = Path(folder) / name
    if missing := [need for need in SOURCES[name].needs if not (place / need).exists()]:
        raise FileNotFoundError(
            f"{place} lacks {', '.join(missing)}; `vlmcore "
            f"sources {name}` says where to get them"
        )
    return Benchmark(name, SOURCES[name].read(place))


def commands(name: str, folder: Path = OFFICIAL_FILES) -> list[str]:
    """Shell commands that fetch a benchmark into `folder/name`."""
    place, source = Path(folder) / name, SOURCES[name]
    lines = [f"# {name}: {source.page}", f"mkdir -p {place}"]
    for address in source.fetch:
        file = place / address.rsplit("/", 1)[-1]
        lines.append(f"curl -fL --continue-at - -o {file} {address}")
        lines += [f"unzip -nq {file} -d {place}"] if file.suffix == ".zip" else []
    return [*lines, f"# needed in {place}: {', '.join(source.needs)}"]
