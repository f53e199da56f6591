"""`python -m console serve|migrate`."""

import sys

from arrears.service import main
from console.entrypoints.definition import CONSOLE

if __name__ == "__main__":
    sys.exit(main(CONSOLE))
