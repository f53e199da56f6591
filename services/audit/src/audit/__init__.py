"""Audit: an independent copy of every log, the trees rebuilt over it, and a witness's signature under what holds."""
