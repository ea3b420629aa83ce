"""Running a course with the book's assignments: student copies from masters, and grading of what comes back."""
