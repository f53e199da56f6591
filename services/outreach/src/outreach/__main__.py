"""`python -m outreach serve|migrate`."""

import sys

from arrears.service import main
from outreach.entrypoints.definition import OUTREACH

sys.exit(main(OUTREACH))
