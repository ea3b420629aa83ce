"""From a trained model to a score: generate answers, normalise, count."""
