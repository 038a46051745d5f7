"""``python -m pi_agent`` is ``pi-agent``."""

import sys

from pi_agent.cli import main

if __name__ == "__main__":
    sys.exit(main())
