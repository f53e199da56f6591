"""PostgreSQL as the console uses it: sessions, and the questions its pages ask."""
