"""The sample portfolio of `make run`: sixty loans in every state of collection, told through the public doors only."""
