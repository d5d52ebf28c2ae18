"""What must stay secret: keys, encrypted fields and files, the blind index, the log filter."""
