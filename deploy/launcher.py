"""Becomes the program it is given, having asked the kernel to kill it when its parent dies.

Run as a file (`python -S launcher.py PARENT_PID ARGV...`) and free of imports of ours, so that it
costs some 20 ms. exec keeps the process id and the request.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Ask, look whether the parent died before we could ask, and become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    try:
        os.execvp(program[0], program)  # noqa: S606  # to become it, without a shell, is the point
    except OSError as error:
        sys.exit(f"{program[0]} does not start: {error.strerror}")


main()
