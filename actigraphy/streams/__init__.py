"""What devices and apps send as events: taken, kept, read, judged and analyzed."""
