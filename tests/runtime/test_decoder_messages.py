"""Lines of decoders are heard, lines of others arrive."""

import os
import sys

import cv2
import numpy as np

from jaxfake.runtime import decoder_messages

WARNING = b"Corrupt JPEG data: premature end of data segment\n"
FFMPEG = b"[h264 @ 0x55e2aaad6480] error while decoding MB 8 1, bytestream 2239\n"


def test_lines_of_decoders_are_kept_from_the_terminal_and_others_arrive(capfd):
    with decoder_messages.heard() as messages:
        os.write(2, WARNING + b"something else\n" + FFMPEG)
        print("from Python", file=sys.stderr)
    assert messages.lines == [WARNING.decode().strip(), FFMPEG.decode().strip()]
    assert sorted(capfd.readouterr().err.splitlines()) == ["from Python", "something else"]


def test_the_messages_of_one_file_are_not_those_of_the_next():
    with decoder_messages.heard():
        os.write(2, WARNING)
    with decoder_messages.heard() as messages:
        pass
    assert messages.lines == []


def test_fresh_tells_when_a_message_came():
    with decoder_messages.heard() as messages:
        assert messages.fresh() == []
        os.write(2, FFMPEG)
        assert len(messages.fresh()) == 1
        assert messages.fresh() == []
    assert len(messages.lines) == 1


def test_a_real_decoder_is_heard():
    jpeg = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))[1]
    with decoder_messages.heard() as messages:
        cv2.imdecode(np.concatenate([jpeg[: len(jpeg) // 2], jpeg[-2:]]), cv2.IMREAD_COLOR)
    assert messages.lines == ["Corrupt JPEG data: premature end of data segment"]


def test_standard_error_is_back_after_an_error(capfd):
    try:
        with decoder_messages.heard():
            raise ValueError
    except ValueError:
        os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


def test_a_closed_standard_error_stays_closed():
    kept = os.dup(2)
    os.close(2)
    try:
        with decoder_messages.heard() as messages:
            os.write(2, WARNING)
        assert len(messages.lines) == 1
        try:
            os.fstat(2)
            raise AssertionError("it is open")
        except OSError:
            pass
    finally:
        os.dup2(kept, 2)
        os.close(kept)
