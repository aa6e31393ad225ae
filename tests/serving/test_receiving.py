"""Bodies that come slowly, stop, or go on after a refusal."""

import asyncio

import pytest
from starlette.requests import Request

from jaxfake.serving import receiving
from jaxfake.serving.limits import Limits
from jaxfake.serving.refusal import Refusal
from tests.processes import FOREVER


def receive_from(messages):
    """A source of messages, after which nothing comes."""
    left = iter(messages)

    async def receive():
        message = next(left, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    return receive


def part(content, more=True):
    return {"type": "http.request", "body": content, "more_body": more}


def received(messages, path, **limits):
    request = Request({"type": "http", "headers": []}, receive_from(messages))
    return asyncio.run(receiving.receive_file(request, path, Limits(**limits)))


def test_a_body_in_pieces_is_written_whole(tmp_path):
    path = tmp_path / "file"
    pieces = [part(b"a" * 700_000), part(b"b" * 700_000), part(b"c", more=False)]
    assert received(pieces, path, idle_seconds=FOREVER, upload_seconds=FOREVER) == 1_400_001
    assert path.read_bytes() == b"a" * 700_000 + b"b" * 700_000 + b"c"


def test_a_length_of_thousands_of_digits_is_too_large(tmp_path):
    headers = [(b"content-length", b"9" * 5000)]
    request = Request({"type": "http", "headers": headers}, receive_from([]))
    with pytest.raises(Refusal, match="the most that is taken"):
        asyncio.run(receiving.receive_file(request, tmp_path / "file", Limits()))


@pytest.mark.parametrize("limits", [{"idle_seconds": 0.01}, {"upload_seconds": 0.01}])
def test_a_body_that_stops_is_given_up(tmp_path, limits):
    with pytest.raises(Refusal, match="too slowly") as refused:
        received([part(b"a")], tmp_path / "file", **limits)
    assert refused.value.status == 408


def test_a_sender_who_goes_away_is_no_error(tmp_path):
    with pytest.raises(Refusal, match="cut short"):
        received([part(b"a"), {"type": "http.disconnect"}], tmp_path / "file")


def test_what_is_left_of_a_refused_body_is_read_up_to_a_bound():
    taken = []

    async def receive():
        taken.append(1)
        return part(bytes(1 << 20))

    asyncio.run(receiving.Body(receive).drain())
    assert len(taken) == 9


def test_a_body_that_is_over_is_not_waited_for():
    async def scenario():
        body = receiving.Body(receive_from([part(b"a", more=False)]))
        await body.receive()
        await body.drain()

    asyncio.run(scenario())
