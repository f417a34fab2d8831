"""What can go wrong with the local stack, each as one line for the person at the terminal."""


class StackError(Exception):
    """The stack cannot do what was asked; the message is one line that says why and what to do."""
