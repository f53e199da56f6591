"""How audit is reached: the service, its verifier, HTTP and the command line."""
