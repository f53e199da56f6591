"""How outreach starts and what it is made of."""
