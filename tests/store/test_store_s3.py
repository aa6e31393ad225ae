"""A store that is S3, on this machine, over a proxy that is cut, frozen and slow."""

import dataclasses
import logging
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from jaxfake.runtime.errors import InputError, Preempted
from jaxfake.store.background_upload import Timing
from jaxfake.store.mirrored_run import mirrored
from jaxfake.store.object_store import ObjectStore
from tests.processes import FOREVER, until
from tests.store.proxy import Proxy
from tests.store.runs import RUN, begin, complete_steps, save, tree, write

PATIENT = Timing(
    poll=0.05,
    files=0.1,
    first_pause=0.05,
    longest_pause=0.2,
    connect=FOREVER,
    stall=FOREVER,
    patience=FOREVER,
)
"""However slow the machine is, the store does not count as silent."""
HASTY = dataclasses.replace(PATIENT, connect=0.5, patience=2.0)
"""Where the store is cut off for good, and being late changes nothing."""
BUCKET = "bucket"
BIG = 2 << 20  # bytes of a checkpoint, enough to be cut in


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """Port of an S3 server with one bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    with pytest.MonkeyPatch.context() as change:
        for name, value in _environment(port).items():
            change.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield port
    server.stop()


@pytest.fixture
def proxy(server: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """What the store is reached by."""
    with Proxy(server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        yield proxy


@pytest.fixture
def url(proxy: Proxy) -> str:
    """Of an empty store."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """A run that has begun."""
    begin(tmp_path / "run")
    return tmp_path / "run"


def _environment(port: int) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "a-key-of-the-tests",
        "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-tests",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }


def test_an_empty_machine_gets_the_run_from_the_store(
    url: str, workdir: Path, tmp_path: Path
) -> None:
    with mirrored(workdir, url, RUN, PATIENT):
        save(workdir, "recover", 5, size=9 << 20)  # in parts
        save(workdir, "detect", 2)
        write(workdir / "report.html", "all")
        write(workdir / "DONE", "all went well")
    with mirrored(tmp_path / "new", url, RUN, PATIENT):
        assert tree(tmp_path / "new") == tree(workdir)


def test_a_claim_is_written_in_one_step(url: str) -> None:
    first, second = (ObjectStore(url, FOREVER) for _ in range(2))
    assert first.read_small("claim", 100) is None
    first.create("claim", b"first")
    second.create("claim", b"second")
    assert second.read_small("claim", 100) == b"first"


def test_a_failure_of_the_store_is_said_once_and_made_up_for(
    proxy: Proxy, url: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ""

    def heard() -> str:
        nonlocal said
        said += capsys.readouterr().out
        return said

    with mirrored(workdir, url, RUN, PATIENT):
        save(workdir, "recover", 5)
        until(lambda: complete_steps(url) == {"recover 5"})
        proxy.broken = True
        save(workdir, "recover", 10)
        until(lambda: "training goes on" in heard())
        for step in (15, 20, 25):  # while it is away, retention goes on too
            save(workdir, "recover", step)
            shutil.rmtree(workdir / "checkpoints" / "recover" / str(step - 10))
            refused = proxy.refused
            until(lambda: proxy.refused > refused)  # noqa: B023
        proxy.broken = False
        until(lambda: "works again" in heard())
        assert complete_steps(url) == {"recover 20", "recover 25"}
    lines = [line for line in heard().splitlines() if url in line]
    assert len(lines) == 2, said
    assert lines[0].startswith(f"{url} fails (")
    assert lines[1].endswith("works again: it has step 25 of recover")


def test_a_connection_lost_during_an_upload_leaves_complete_checkpoints_unchanged(
    proxy: Proxy, url: str, workdir: Path, server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mirrored(workdir, url, RUN, PATIENT):
        save(workdir, "recover", 5, size=BIG)
        until(lambda: complete_steps(url) == {"recover 5"})
        proxy.cut_after = BIG // 2
        save(workdir, "recover", 10, size=BIG)
        until(lambda: proxy.broken)
        monkeypatch.setenv(
            "AWS_ENDPOINT_URL", f"http://127.0.0.1:{server}"
        )  # to look past the proxy
        assert complete_steps(url) == {"recover 5"}
        save(workdir, "recover", 15, size=BIG)
        proxy.cut_after, proxy.broken = None, False
        until(lambda: complete_steps(url) == {"recover 5", "recover 10", "recover 15"})


def test_a_slow_store_gets_complete_checkpoints_however_fast_they_are_saved_and_deleted(
    proxy: Proxy, url: str, workdir: Path
) -> None:
    with mirrored(workdir, url, RUN, PATIENT):
        proxy.frozen = True
        for step in range(5, 30, 5):
            save(workdir, "recover", step, size=BIG // 2)
            shutil.rmtree(workdir / "checkpoints" / "recover" / str(step - 10), ignore_errors=True)
            proxy.let_through(1)
        proxy.frozen = False
    assert complete_steps(url) == {"recover 20", "recover 25"}


def test_a_hanging_store_delays_nothing_and_the_end_says_what_was_not_uploaded(
    proxy: Proxy, url: str, workdir: Path
) -> None:
    def job() -> None:
        save(workdir, "recover", 5)
        until(lambda: complete_steps(url) == {"recover 5"})
        proxy.frozen = True
        for step in (10, 15):
            save(workdir, "recover", step)
        raise Preempted("stopped at step 15")

    with pytest.raises(Preempted) as stop, mirrored(workdir, url, RUN, HASTY):
        job()
    message = str(stop.value)
    assert message.startswith(
        "stopped at step 15; but only the disk of this machine has step 15 of rec"
    )
    assert f"{url} has step 5 of recover" in message
    proxy.frozen = False
    with mirrored(workdir, url, RUN, PATIENT):
        write(workdir / "DONE", "all went well")
    assert complete_steps(url) == {"recover 5", "recover 10", "recover 15"}


def test_a_run_that_is_done_but_not_uploaded_has_to_be_run_again(
    proxy: Proxy, url: str, workdir: Path
) -> None:
    def job() -> None:
        proxy.broken = True
        save(workdir, "recover", 5)
        write(workdir / "DONE", "all went well")

    said = "the run is done, but only the disk of this machine has step 5 of recover"
    with pytest.raises(Preempted, match=said), mirrored(workdir, url, RUN, HASTY):
        job()
    proxy.broken = False
    with mirrored(workdir, url, RUN, PATIENT):
        pass
    assert complete_steps(url) == {"recover 5"}
    assert "DONE" in ObjectStore(url, FOREVER).names()


def test_without_the_store_only_a_run_with_local_checkpoints_goes_on(
    proxy: Proxy, url: str, workdir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy.broken = True
    with (
        pytest.raises(InputError, match="would start anew"),
        mirrored(tmp_path / "new", url, RUN, HASTY),
    ):
        raise AssertionError("it started")
    assert not (tmp_path / "new").exists()
    heard: list[str] = []

    def has_said(words: str) -> bool:
        heard.extend(line for line in capsys.readouterr().out.splitlines() if url in line)
        return any(words in line for line in heard)

    with mirrored(workdir, url, RUN, dataclasses.replace(PATIENT, connect=0.5)):
        save(workdir, "recover", 5)
        proxy.broken = False
        until(lambda: has_said("works again"))
    said = heard
    assert len(said) == 2
    assert "going on from what" in said[0]
    assert "works again: it has step 5 of recover" in said[1]
    assert "secret" not in "".join(said)
