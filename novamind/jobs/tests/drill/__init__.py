"""Jobs that take long, die or fail on purpose, for tests with real workers."""
