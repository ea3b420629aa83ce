"""Numbers published with arXiv 2411.03312 (Li et al., 2024)."""

from vlmcore.paper.published import (
    TYPICAL_QUESTION,
    Benchmarks,
    Doubtful,
    doubtful_points,
    laws,
    scores,
    search_grid,
    sizes_of_tests,
    table1,
    training_hours,
)

__all__ = [
    "TYPICAL_QUESTION",
    "Benchmarks",
    "Doubtful",
    "doubtful_points",
    "laws",
    "scores",
    "search_grid",
    "sizes_of_tests",
    "table1",
    "training_hours",
]
