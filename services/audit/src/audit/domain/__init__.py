"""What a log must be, and what audit says about it. Pure."""
