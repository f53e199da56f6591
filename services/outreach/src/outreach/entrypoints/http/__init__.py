"""Outreach's routes."""
