"""Benchmarks: each compares our way with a raw and a plain one in the same run, and says what limits it."""
