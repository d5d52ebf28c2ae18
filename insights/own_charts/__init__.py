"""Charts that a clinician keeps: a few series over a stretch of days, opened on any patient in sight."""
