"""`python -m legal serve|migrate`."""

import sys

from arrears.service import main
from legal.entrypoints.definition import LEGAL

sys.exit(main(LEGAL))
