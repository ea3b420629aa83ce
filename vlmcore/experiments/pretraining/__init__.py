"""Pre-training of the miniature models: vision encoder, text curriculum, embedding targets."""
