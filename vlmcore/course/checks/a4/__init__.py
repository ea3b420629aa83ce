"""Assignment A4, *your own one-token experiment under a budget*."""
