"""``python -m tokenseam``: the command line."""

import sys

from tokenseam.cli import main

if __name__ == "__main__":
    sys.exit(main())
