"""Who logs in: users, roles, tokens."""
