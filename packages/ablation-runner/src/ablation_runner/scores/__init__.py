"""Rows of finished trials as statistics want them."""
