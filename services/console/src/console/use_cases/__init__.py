"""None: the console decides nothing. Commands go to the service that owns the decision."""
