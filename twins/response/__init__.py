"""What is to be expected of a course of a medicine: trained here or on simulated people, served once promoted."""
