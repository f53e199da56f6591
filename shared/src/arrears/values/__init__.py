"""Pure values that cross service borders: money, identity, balances."""
