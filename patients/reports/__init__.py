"""What patients say: questionnaires, check-ins and symptoms, and what follows an answer about self-harm."""
