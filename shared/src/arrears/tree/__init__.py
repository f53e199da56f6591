"""Tamper evidence: a Merkle tree over each log, heads signed by its publisher, proofs that anybody can check."""
