"""The world outside: the provider of messages, ingest's key interface, questions to read models."""
