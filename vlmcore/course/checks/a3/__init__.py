"""Public checks of assignment A3, *fit the law*."""
