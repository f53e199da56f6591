"""The virtual clock: one process that says what time it is for everybody, moved only by the demo and by tests."""
