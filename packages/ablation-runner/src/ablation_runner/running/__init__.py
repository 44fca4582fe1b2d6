"""A study prepared, run by workers, watched and reported."""
