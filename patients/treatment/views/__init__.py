"""Pages of a patient's treatment."""
