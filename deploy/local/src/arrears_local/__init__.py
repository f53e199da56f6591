"""Arrears on one machine: embedded broker and database, the supervisor of all processes, the `arrears` command."""
