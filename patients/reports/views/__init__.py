"""Pages of what patients say: their own, and the clinician's."""
