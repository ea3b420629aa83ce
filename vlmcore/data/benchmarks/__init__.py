"""Readers of the files in which the benchmarks of Table 1 are published."""
