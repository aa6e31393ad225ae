"""What a person may ask of the server: every limit, and nothing else. The values are our choices."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """The most of everything. A file over a limit is refused before it is decoded, where its header tells.

    Attributes:
        upload_bytes: of one file.
        upload_seconds: from the first to the last byte of an upload.
        idle_seconds: between two pieces of an upload.
        uploads: that are received at the same time.
        picture_pixels: of a photograph.
        frame_pixels: of a frame of a video; 4K has 8.8 million.
        video_seconds: that a video claims to last.
        check_seconds: for reading the header of a file.
        check_memory: bytes of the data segment of the process that does.
        work_seconds: for scoring a file, by the clock on the wall.
        work_memory: bytes of the data segment of each process that does.
        written_bytes: of any one file that a process writes.
        waiting: files that wait for their turn.
        waiting_each: of them, of one person.
        kept: files that have ended, with or without a result; the oldest make room.
    """

    upload_bytes: int = 256 << 20
    upload_seconds: float = 900.0
    idle_seconds: float = 30.0
    uploads: int = 4
    picture_pixels: int = 50_000_000
    frame_pixels: int = 9_000_000
    video_seconds: float = 600.0
    check_seconds: float = 30.0
    check_memory: int = 1 << 30
    work_seconds: float = 1800.0
    work_memory: int = 4 << 30
    written_bytes: int = 1 << 30
    waiting: int = 48
    waiting_each: int = 12
    kept: int = 200
