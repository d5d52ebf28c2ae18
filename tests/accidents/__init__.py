"""Accidents whose messages quote the patient, and a caller of a model outside, for tests with real processes."""
