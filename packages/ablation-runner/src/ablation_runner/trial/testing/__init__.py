"""A trained model's answers, written or ranked, and scored."""
