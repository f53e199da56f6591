"""How events become lines of a page. Pure."""
