"""Whether a process has ended."""

import psutil


def has_ended(process: psutil.Process) -> bool:
    """Whether it is gone; without an init to collect it, it stays a zombie."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
