"""DeepSpeed, and the state of training on any number of ranks."""
