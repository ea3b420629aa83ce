"""Vision encoder, compressors, language model, and the vision-language model made of them."""
