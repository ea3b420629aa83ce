"""Synthetic worlds: images drawn by the thousand, whose content is known exactly."""
