"""`python -m scoring serve|migrate`."""

import sys

from arrears.service import main
from scoring.entrypoints.definition import SCORING

sys.exit(main(SCORING))
