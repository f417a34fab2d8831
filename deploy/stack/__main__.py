"""python -m deploy.stack up|down|status|logs|clean [--name NAME]."""

import sys

from deploy.stack.command import main

sys.exit(main(sys.argv[1:]))
