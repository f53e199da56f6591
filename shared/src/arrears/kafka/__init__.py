"""Kafka: the wire form of events, the relay that publishes the log, the consumer whose effects happen exactly once."""
