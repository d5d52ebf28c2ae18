"""INFERRED: the twin and its parts."""
