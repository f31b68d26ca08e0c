"""`python -m whyshape`."""

import sys

from whyshape.cli import main

sys.exit(main())
