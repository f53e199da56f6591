"""The world outside, for the demo and the sample: core banking, debtors, collectors and lawyers at the public doors only."""
