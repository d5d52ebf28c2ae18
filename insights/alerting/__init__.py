"""Rules that clinicians compose, what they would have alerted to, and their alerts."""
