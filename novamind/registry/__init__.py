"""Models in use, and every inference they made."""
