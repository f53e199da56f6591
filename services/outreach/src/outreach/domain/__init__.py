"""The rules of collection, pure: case, contact gate, promise."""
