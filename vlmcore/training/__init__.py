"""Training of a vision-language model in stages, on Lightning."""
