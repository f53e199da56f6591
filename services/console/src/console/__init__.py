"""Console: what people see of every service, from read models of its own. It decides nothing."""
