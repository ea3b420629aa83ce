"""The package behind *One Visual Token*: vision-language models whose image is compressed to V tokens, and laws of N and V."""
