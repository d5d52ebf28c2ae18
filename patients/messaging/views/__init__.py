"""Pages of messages: the patient's own, the clinician's, the clinic's replies."""
