"""Everything of a patient in the order of time: each kind under the rules of its own page."""
