"""One stage of training, from its first batch to its weights."""
