"""WHO: people in care, their teams, and who may see them."""
