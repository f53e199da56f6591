"""`python -m audit serve|migrate`."""

import sys

from arrears.service import main
from audit.entrypoints.definition import AUDIT

if __name__ == "__main__":
    sys.exit(main(AUDIT))
