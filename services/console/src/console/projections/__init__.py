"""The console's own read models: debtors, loans, cases; the timeline is the kernel's."""
