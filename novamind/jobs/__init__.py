"""Durable work and events: a row before it is a message."""
