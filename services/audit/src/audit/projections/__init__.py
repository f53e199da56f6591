"""Audit's read model: the copy."""
