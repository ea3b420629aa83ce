"""Vision encoder, compressors, language model, and the VLM made of them."""
