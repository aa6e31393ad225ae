"""Errors that are messages to the person at the terminal."""

DONE, FAILED, USAGE, PREEMPTED = 0, 1, 2, 75
"""Exit codes: done; anything else; usage or input; stopped with the state saved, run me again."""


class InputError(Exception):
    """Something that the user gave is wrong: the text is one line that says what to do.

    Verbs turn it into that line and exit code 2, without a traceback.
    """


class Preempted(Exception):
    """The machine asked us to stop; the state is saved. Verbs exit with code 75."""
