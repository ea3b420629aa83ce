"""Experiments behind the results of the book, on top of the library.

`tasks` says what a model is trained and scored on, `run_config` what one run is,
`suites` which runs an experiment has, `runner` does one run and `sweep` many.
`pretraining` makes the miniature models, `analysis` reads the results.
"""

FAMILIES = ("knowledge", "reasoning", "ocr")
"""The tasks of the grid: they differ in how much of an answer is in the image and how
much in the language model."""
