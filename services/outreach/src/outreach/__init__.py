"""Outreach: the collection case, the gate before every contact, and promises to pay."""
