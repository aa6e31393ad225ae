"""A job: one uploaded file, from its arrival to its result."""

import dataclasses
import re
import secrets
from typing import Literal

from jaxfake.runtime.terminal_text import printable_line

State = Literal["queued", "running", "done", "failed", "interrupted"]

UNFINISHED: tuple[State, ...] = ("queued", "running")

JOB_ID = r"^[0-9a-f]{32}$"
"""What the id of a job looks like: nothing else becomes part of a path."""

_LONGEST_NAME = 120


@dataclasses.dataclass(frozen=True)
class Job:
    """What is known of a job.

    Attributes:
        id: random, so that nobody guesses it; also the name of its folder.
        client: who sent it, see `clients`.
        name: what the person calls the file; it is shown and never used as a path.
        size: bytes of the file.
        created: when it arrived, in seconds since 1970.
        state: where it stands.
        tries: how often its scoring was begun.
        finished: when it ended, in seconds since 1970; None before.
        message: a sentence for the person; '' if there is nothing to say.
        answer: of the detector: 'fake', 'real' or 'cannot_tell'; '' before it is done.
        words: its verdict in words; '' before it is done.
        notes: what its answers lack, such as a calibration.
    """

    id: str
    client: str
    name: str
    size: int
    created: float
    state: State = "queued"
    tries: int = 0
    finished: float | None = None
    message: str = ""
    answer: str = ""
    words: str = ""
    notes: tuple[str, ...] = ()


def is_job_id(text: str) -> bool:
    """Whether a text can be the id of a job."""
    return re.fullmatch(JOB_ID, text) is not None and not text.endswith("\n")


def new_id() -> str:
    """A random id."""
    return secrets.token_hex(16)


def shown_name(given: str) -> str:
    """A person's name for a file as it is shown: without folders, control characters and excess length."""
    name = printable_line(re.split(r"[/\\]", given)[-1].strip()) or "unnamed file"
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
