"""Kafka and PostgreSQL as audit uses them."""
