"""Writes the pages of the package's reference, one for each folder of modules.

python book/_ext/reference.py

A test compares them with the package.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "config": (
        "Configurations",
        "Frozen dataclasses with the sizes of a model, of its training and of the "
        "chapters' presets. A compressor's configuration also answers which V it "
        "allows, what it costs and whether it reads the question. Nothing here imports "
        "torch.",
    ),
    "cost": (
        "Costs",
        "Parameters, FLOPs and bytes as functions of a configuration. Nothing here "
        "imports torch.",
    ),
    "data": (
        "Data",
        "Questions about images as tensors, the readers of benchmark files, and the "
        "synthetic worlds.",
    ),
    "models": (
        "Models",
        "The vision encoder, the compressors, the language model and the model that "
        "joins them; pretrained checkpoints; features that are computed once.",
    ),
    "scaling": (
        "Scaling laws",
        "Laws of N and V, how they are fitted, their intervals, frontiers and what to "
        "choose for a budget. Nothing here imports torch.",
    ),
    "paper": (
        "Published numbers",
        "The numbers of Li et al. (2024), and the laws fitted to them anew.",
    ),
    "training": (
        "Training",
        "The two stages, as a function and as Lightning modules for a `Trainer` of "
        "your own.",
    ),
    "evaluation": (
        "Evaluation",
        "Benchmark metrics under the official rules, evaluation on benchmark files, "
        "and uncertainty.",
    ),
    "experiments": (
        "Experiments",
        "What the book's results come from: tasks, suites of runs, sweeps and their "
        "analysis.",
    ),
    "plots": ("Figures", "The figures of the book, each a function of results."),
}
"""Title and first paragraph of each page."""


def page(folder: str) -> str:
    """The page of a folder: a section for each of its modules."""
    title, text = FOLDERS[folder]
    sections = [f"# {title}\n\n{text}\n"]
    for path in sorted((ROOT / "vlmcore" / folder).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        name = name.removesuffix(".__init__")
        section = name.removeprefix(f"vlmcore.{folder}").lstrip(".") or "The package"
        members = "   :members:\n   :ignore-module-all:\n"
        directive = f".. automodule:: {name}\n{members}"
        if name == "vlmcore.scaling.frontier":  # the function hides its module
            directive = f".. autofunction:: {name}\n"
        sections.append(f"## {section}\n\n```{{eval-rst}}\n{directive}```\n")
    return "\n".join(sections)


if __name__ == "__main__":
    for folder in FOLDERS:
        (ROOT / "book" / "api" / f"{folder}.md").write_text(page(folder))
