"""The front door of Novamind, and what every app stands on."""
