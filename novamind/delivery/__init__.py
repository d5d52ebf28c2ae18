"""What leaves for people: e-mail and text messages that say nothing clinical, each once."""
