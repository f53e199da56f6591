"""Outreach's read models."""
