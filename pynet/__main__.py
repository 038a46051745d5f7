"""``python -m pynet``."""

import sys

from pynet.cli import main

if __name__ == "__main__":
    sys.exit(main())
