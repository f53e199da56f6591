"""What others can read of our events without our code: JSON Schemas, one AsyncAPI document, one table; and their check."""
