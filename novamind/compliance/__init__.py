"""What Novamind can say of its own safety, what fails and until when, and incidents with their dates."""
