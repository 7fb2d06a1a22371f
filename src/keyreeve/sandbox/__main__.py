"""`python -m keyreeve.sandbox`."""

from __future__ import annotations

import sys

from keyreeve.sandbox.server import main

sys.exit(main())
