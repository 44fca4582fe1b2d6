"""What is left over in a runs folder: found, put right, deleted."""
