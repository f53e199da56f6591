"""In order: check_copy, verify_heads, sign_checkpoint, find_missing."""
