"""What a plan says before anything is trained: what it will cost, what is there already, what it can decide."""
