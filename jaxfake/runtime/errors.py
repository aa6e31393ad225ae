"""Exit codes, and errors whose text is a message for the person at the terminal."""

DONE, FAILED, USAGE, PREEMPTED = 0, 1, 2, 75
"""Exit codes: done; any other error; wrong usage or input; preempted with the state saved, run it again."""


class InputError(Exception):
    """Something that the user gave is wrong. The text is one line that says what to do.

    Verbs print that line, without a traceback, and exit with code 2.
    """


class Preempted(Exception):
    """The process was asked to stop and its state is saved. Verbs exit with code 75."""
