"""The JSON that the server answers with; the OpenAPI description is made from these classes."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jaxfake.serving.jobs.detector_command import Progress
from jaxfake.serving.jobs.job import Job
from jaxfake.serving.limits import Limits


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Refused(_Answer):
    """Why a request is refused."""

    error: str = Field(description="One plain sentence.")


class ProgressAnswer(_Answer):
    """How far the scoring of a file is."""

    stage: str = Field(description="What is being done, in words.")
    done: int = Field(description="Frames read so far.", ge=0)
    total: int = Field(description="Frames in all; 0 if that is not known yet.", ge=0)


class JobAnswer(_Answer):
    """One uploaded file."""

    id: str
    name: str = Field(description="What the person called the file.")
    size: int = Field(description="Bytes of the file, which is removed once it is scored.")
    created: datetime
    finished: datetime | None
    state: Literal["queued", "running", "done", "failed", "interrupted"]
    ahead: int | None = Field(description="How many files come first, while this one is queued.")
    progress: ProgressAnswer | None = Field(description="While it is running.")
    message: str = Field(description="Why there is no result; empty if there is nothing to say.")
    answer: str = Field(description="fake, real or cannot_tell, once it is done.")
    words: str = Field(description="The verdict in words, once it is done.")
    notes: list[str] = Field(description="What the detector's answers lack; read them first.")


class LimitsAnswer(_Answer):
    """What may be sent."""

    upload_bytes: int
    picture_pixels: int
    frame_pixels: int
    video_seconds: float
    work_seconds: float
    waiting_each: int


class SessionAnswer(_Answer):
    """What a page needs to send files."""

    admitted: bool = Field(description="Whether the server's token was sent, or is not asked for.")
    page_token: str = Field(
        description="To be sent as X-Jaxfake-Token with each request that changes something."
    )
    limits: LimitsAnswer


def job_answer(job: Job, ahead: int | None, progress: Progress | None) -> JobAnswer:
    """What is told of a job; nothing of who sent it."""
    return JobAnswer(
        id=job.id,
        name=job.name,
        size=job.size,
        created=_time(job.created),
        finished=None if job.finished is None else _time(job.finished),
        state=job.state,
        ahead=ahead,
        progress=None if progress is None else _progress(progress),
        message=job.message,
        answer=job.answer,
        words=job.words,
        notes=list(job.notes),
    )


def limits_answer(limits: Limits) -> LimitsAnswer:
    """The limits that matter to whoever sends a file."""
    return LimitsAnswer(**{name: getattr(limits, name) for name in LimitsAnswer.model_fields})


def _progress(progress: Progress) -> ProgressAnswer:
    return ProgressAnswer(stage=progress.stage, done=progress.done, total=progress.total)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
