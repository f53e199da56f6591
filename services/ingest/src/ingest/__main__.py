"""`python -m ingest serve|migrate`."""

import sys

from arrears.service import main
from ingest.entrypoints.definition import INGEST

sys.exit(main(INGEST))
