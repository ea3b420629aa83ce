"""The official files of the benchmarks: their addresses, their folders, their readers.

    vlmcore sources            # lists the files, there or missing
    vlmcore sources pope       # prints the commands that fetch POPE
    vlmcore sources pope | sh  # fetches it

Nothing in this package downloads them. Addresses are those that the benchmarks' own
pages give; they may have moved.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from vlmcore.config.validation import as_path, check_choice
from vlmcore.data.benchmarks import multiple_choice, vqa, yes_no
from vlmcore.data.benchmarks.question import UNBALANCED, Question, lettered
from vlmcore.data.benchmarks.skipped import Skipped, Usable
from vlmcore.evaluation.benchmarks import Benchmark

OFFICIAL_FILES = Path("data") / "benchmarks"
"""Default folder of the files, below the working directory."""
_COCO = "http://images.cocodataset.org/zips/val2014.zip"
_GQA = "https://downloads.cs.stanford.edu/nlp/data/gqa"
_VQA = "https://s3.amazonaws.com/cvmlp/vqa/mscoco/vqa"
_TEXTVQA = "https://dl.fbaipublicfiles.com/textvqa"
_VIZWIZ = "https://vizwiz.cs.colorado.edu/VizWiz_final"
_SCIENCEQA = "https://raw.githubusercontent.com/lupantech/ScienceQA/main/data/scienceqa"
_POPE = "https://raw.githubusercontent.com/AoiDragon/POPE/{}/output/coco/{}"
_POPE_COMMIT = "e3e39262c85a6a83f26cf5094022a782cb0df58d"
"""The state that LLaVA uses, with 2,910 random questions; the later has 3,000."""
_POPE_FILES = {
    "random": "coco_pope_random.json",
    "popular": "coco_pope_popular.json",
    "adversarial": "coco_pope_adversarial.json",
}


class Source(NamedTuple):
    """The official files of one benchmark."""

    page: str
    fetch: tuple[str, ...]
    """Addresses; archives are unpacked in the folder."""
    needs: tuple[str, ...]
    """Files and folders that the folder must then have, as `reader` takes them."""
    reader: Callable
    """Reads the questions, given the paths of `needs` and `skipped`."""
    rule: str
    """The rule that scores answers to them."""
    others: Callable | None = None
    """Reads questions that are not asked but may have answers."""
    together: Callable[[Question], int] | None = None
    """The number of questions that are scored together with one, itself included."""


def _pope(
    random: Path, popular: Path, adversarial: Path, images: Path, **skipped: Any
) -> Iterable:
    files = dict(zip(_POPE_FILES, (random, popular, adversarial), strict=True))
    return yes_no.pope(files, images, **skipped)


def _pope_source(state: str) -> Source:
    return Source(
        "https://github.com/AoiDragon/POPE",
        (*(_POPE.format(state, file) for file in _POPE_FILES.values()), _COCO),
        (*_POPE_FILES.values(), "val2014"),
        _pope,
        "pope",
    )


def _scienceqa(problems: Path, splits: Path, images: Path, **skipped: Any) -> Iterable:
    return multiple_choice.scienceqa(
        problems, images, splits, images_only=True, **skipped
    )


def _scienceqa_texts(
    problems: Path, splits: Path, images: Path, **skipped: Any
) -> Iterable:
    asked = multiple_choice.scienceqa(problems, images, splits, **skipped)
    return (question for question in asked if question.image is None)


def _unbalanced(file: Path, images: Path, **skipped: Any) -> Iterable:
    asked = vqa.gqa(file, images, balanced=False, **skipped)
    return (question for question in asked if question.kind == UNBALANCED)


def _vqav2(
    questions: Path, annotations: Path, images: Path, **skipped: Any
) -> Iterable:
    return vqa.vqav2(questions, images, annotations, **skipped)


SOURCES = {
    "gqa": Source(
        "https://cs.stanford.edu/people/dorarad/gqa",
        (f"{_GQA}/questions1.2.zip", f"{_GQA}/images.zip"),
        ("testdev_balanced_questions.json", "images"),
        vqa.gqa,
        "gqa",
        _unbalanced,
    ),
    "mmbench": Source(
        "https://github.com/open-compass/MMBench",
        (
            "https://download.openmmlab.com/mmclassification/datasets/mmbench/"
            "mmbench_dev_20230712.tsv",
        ),
        ("mmbench_dev_20230712.tsv",),
        multiple_choice.mmbench,
        "mmbench",
        together=lambda question: len(lettered(question.options)),
    ),
    "mme": Source(
        "https://github.com/BradyFU/Awesome-Multimodal-Large-Language-Models (on "
        "request)",
        (),
        ("MME_Benchmark_release_version",),
        yes_no.mme,
        "mme",
        together=lambda question: 2,
    ),
    "pope": _pope_source(_POPE_COMMIT),
    "scienceqa": Source(
        "https://scienceqa.github.io",
        (
            f"{_SCIENCEQA}/problems.json",
            f"{_SCIENCEQA}/pid_splits.json",
            "https://scienceqa.s3.us-west-1.amazonaws.com/images/test.zip",
        ),
        ("problems.json", "pid_splits.json", "test"),
        _scienceqa,
        "scienceqa",
        _scienceqa_texts,
    ),
    "textvqa": Source(
        "https://textvqa.org",
        (
            f"{_TEXTVQA}/data/TextVQA_0.5.1_val.json",
            f"{_TEXTVQA}/images/train_val_images.zip",
        ),
        ("TextVQA_0.5.1_val.json", "train_images"),
        vqa.textvqa,
        "textvqa",
    ),
    "vizwiz": Source(
        "https://vizwiz.org/tasks-and-datasets/vqa",
        (f"{_VIZWIZ}/vqa_data/Annotations.zip", f"{_VIZWIZ}/images/val.zip"),
        ("val.json", "val"),
        vqa.vizwiz,
        "vizwiz",
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
        "vqav2",
    ),
}
"""The eight benchmarks of Table 1."""
OTHER_SOURCES = {
    "pope-main": _pope_source("main"),
    "gqa-all": Source(
        SOURCES["gqa"].page,
        SOURCES["gqa"].fetch,
        ("testdev_all_questions.json", "images"),
        partial(vqa.gqa, balanced=False),
        "gqa",
    ),
}
"""Other files of the same benchmarks: POPE's later ones, with 3,000 random questions,
and all questions of GQA, from which its consistency follows."""


def find_source(name: str) -> Source:
    """Returns the source of a benchmark.

    Raises:
        ValueError: there is no such benchmark.
    """
    check_choice("benchmark", name, SOURCES | OTHER_SOURCES)
    return (SOURCES | OTHER_SOURCES)[name]


def load_benchmark(
    name: str, folder: str | Path = OFFICIAL_FILES, *, skip: bool = False
) -> Benchmark:
    """Returns a benchmark from its official files in `folder/name`.

    It is the part of the benchmark whose right answers are public.

    Args:
        name: of the benchmark.
        folder: of the benchmarks' folders.
        skip: whether records that cannot be used are left out, as `Benchmark.skipped`
            tells, instead of raising ValueError behind the last. Where none can be
            used, or the file is no JSON or table, reading always raises.

    Raises:
        ValueError: there is no such benchmark.
        FileNotFoundError: a file is missing; the message says how to get it.
    """
    source, at = find_source(name), as_path("folder", folder) / name
    if missing := [need for need in source.needs if not (at / need).exists()]:
        inside = all((at.parent / need).exists() for need in source.needs)
        raise FileNotFoundError(
            f"{at} lacks {', '.join(missing)}; "
            + (
                f"give the folder that {at.parent} is in, and call that one {name}"
                if inside
                else f"`vlmcore sources {name}` says where to get them"
            )
        )
    paths = [at / need for need in source.needs]
    read = partial(source.reader, *paths)
    others = partial(source.others, *paths) if source.others else _no_questions
    if not skip:
        return Benchmark(source.rule, read, others)
    usable = Usable(lambda skipped: read(skipped=skipped), source.together, str(at))
    rest = partial(others, skipped=Skipped())
    return Benchmark(source.rule, usable, rest, usable.skipped)


def _no_questions(**_: Any) -> Iterable[Question]:
    return ()


def commands(name: str, folder: str | Path = OFFICIAL_FILES) -> list[str]:
    """Returns shell commands that fetch a benchmark into `folder/name`."""
    at, source = Path(folder) / name, find_source(name)
    lines = [f"# {name}: {source.page}", f"mkdir -p {at}"]
    for address in source.fetch:
        file = at / address.rsplit("/", 1)[-1]
        lines.append(f"curl -fL --continue-at - -o {file} {address}")
        lines += [f"unzip -nq {file} -d {at}"] if file.suffix == ".zip" else []
    return [*lines, f"# needed in {at}: {', '.join(source.needs)}"]
