"""`python -m keyreeve`."""

from __future__ import annotations

import sys

from keyreeve.cli import main

if __name__ == "__main__":
    sys.exit(main())
