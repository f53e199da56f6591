"""The `arrears` command."""

from arrears_local.cli.app import main

__all__ = ["main"]
