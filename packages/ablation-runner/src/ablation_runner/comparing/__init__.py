"""Two runs of one study side by side."""
