"""The event log of one service: append, load, and the tables beneath.

Invariant: whoever draws a position holds one advisory lock until COMMIT. So positions are dense, commit order is
position order, and a reader that asks for `position > last` can never pass an event that appears later. Nothing else
orders the log: no sequence, no transaction id, no clock.
"""
