"""`python -m cli`, or `sendtrail` once it is installed."""

import sys

from cli.app import main

if __name__ == "__main__":
    sys.exit(main())
