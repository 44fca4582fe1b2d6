"""Trials that a command of the user's own runs; nothing here imports torch."""
