"""When a person's own numbers have changed: arrays in, numbers or a reason out; no Django, no database."""
