"""The HTTP edge that every service shares: one application factory, problems, idempotency keys, ETags, pages."""
