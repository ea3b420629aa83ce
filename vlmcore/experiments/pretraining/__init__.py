"""Pre-training of the miniatures: vision encoder, texts, embedding targets."""
