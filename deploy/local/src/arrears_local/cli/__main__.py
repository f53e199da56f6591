"""`python -m arrears_local.cli`: the same as the console script."""

from arrears_local.cli.app import main

main()
