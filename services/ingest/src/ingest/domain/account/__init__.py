"""The exact loan account: every number of a loan, recomputed from the facts known at one time, at the close of a day. Pure.

terms → facts → effects (which facts work, and when) → lines (what is owed) → accrual → allocation → day (one day's work)
→ course (from the first day to the one that is asked for) → figures (what is told of it).
"""
