"""Every metric in one place: each a thin torchmetrics class over plain functions, which live in the module of its benchmark.

Count, share parseable, chance and standard error travel with every score. States are
sums, so a metric works in a Lightning loop and across processes.
"""

from vlmcore.evaluation.anls import ANLS, anls
from vlmcore.evaluation.choices import ScienceQA, mmbench_option, scienceqa_option
from vlmcore.evaluation.exact import (
    GQA,
    ExactMatch,
    ShortAnswerAccuracy,
    gqa_normalize,
    normalize,
)
from vlmcore.evaluation.mmbench import MMBench, MMBenchScore
from vlmcore.evaluation.mme import MME, MMEScore, mme_answer
from vlmcore.evaluation.pope import POPE, YesNo, pope_answer
from vlmcore.evaluation.scores import ALL, Score
from vlmcore.evaluation.vqa import VQAAccuracy, vqa_tenths
from vlmcore.evaluation.vqa_text import Normalizer, normalize_vqa

__all__ = [
    "ALL",
    "ANLS",
    "GQA",
    "MME",
    "POPE",
    "ExactMatch",
    "MMBench",
    "MMBenchScore",
    "MMEScore",
    "Normalizer",
    "ScienceQA",
    "Score",
    "ShortAnswerAccuracy",
    "VQAAccuracy",
    "YesNo",
    "anls",
    "gqa_normalize",
    "mmbench_option",
    "mme_answer",
    "normalize",
    "normalize_vqa",
    "pope_answer",
    "scienceqa_option",
    "vqa_tenths",
]
