"""Every metric in one place, and the functions that read one answer.

Each metric is a `torchmetrics.Metric`. `compute` gives tensors for `self.log_dict`, and
`scores` the same values with their count, share parseable, chance and standard error.
"""

from vlmcore.evaluation.anls import ANLS, anls
from vlmcore.evaluation.choices import ScienceQA, mmbench_option, scienceqa_option
from vlmcore.evaluation.exact import GQA, ExactMatch, ShortAnswerAccuracy, normalize
from vlmcore.evaluation.mmbench import MMBench, MMBenchScore
from vlmcore.evaluation.mme import MME, MMEScore, mme_answer
from vlmcore.evaluation.pope import POPE, YesNo, pope_answer
from vlmcore.evaluation.scores import ALL, BenchmarkMetric, Score
from vlmcore.evaluation.vqa import VQAAccuracy, vqa_tenths
from vlmcore.evaluation.vqa_text import Normalizer, normalize_vqa

__all__ = [
    "ALL",
    "ANLS",
    "GQA",
    "MME",
    "POPE",
    "BenchmarkMetric",
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
    "mmbench_option",
    "mme_answer",
    "normalize",
    "normalize_vqa",
    "pope_answer",
    "scienceqa_option",
    "vqa_tenths",
]
