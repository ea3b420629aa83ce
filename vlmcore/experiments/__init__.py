"""Experiments behind the results of the book: tasks, runs, sweeps, pre-training and analysis."""
