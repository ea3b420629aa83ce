"""Assignments: student copies of master notebooks, and grading of submissions."""
