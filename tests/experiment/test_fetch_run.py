"""A run from a folder, an archive or a server, and what is not taken from one."""

import http.server
import io
import shutil
import threading
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from urllib.request import Request

import pytest

from jaxfake.experiment import fetch_run as fetching
from jaxfake.experiment.fetch_run import fetch_run
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.fetching import download as downloading
from tests.runtime.test_archives import FILES, zipped


class _Server(http.server.BaseHTTPRequestHandler):
    """Gives `content`; /short promises more of it, /endless promises nothing, /away leads elsewhere.

    /slow sends a byte, and no more before the test ends.
    """

    content = b""
    asked = 0
    ended = threading.Event()

    def do_GET(self) -> None:
        _Server.asked += 1
        if self.path.startswith("/none.zip"):
            self.send_error(404)
            return
        if self.path == "/slow.zip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nP")
            _Server.ended.wait()
            return
        self.send_response(302 if self.path == "/away.zip" else 200)
        if self.path == "/away.zip":
            self.send_header("Location", "http://elsewhere.invalid/run.zip")
        if self.path != "/endless.zip":
            extra = 7 if self.path == "/short.zip" else 0
            self.send_header("Content-Length", str(len(self.content) + extra))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Nothing: the terminal is the tests'."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a server on this machine that gives the archive of a run."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    _Server.content = zipped(tmp_path / "served.zip", FILES).read_bytes()
    _Server.asked = 0
    _Server.ended.clear()
    with http.server.HTTPServer(("127.0.0.1", 0), _Server) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}"
        _Server.ended.set()
        web.shutdown()
        thread.join()


def _is_the_run(folder: Path) -> bool:
    return (folder / "checkpoints/detect/4/d/0").read_bytes() == FILES[
        "run/checkpoints/detect/4/d/0"
    ]


def test_a_folder_is_used_where_it_is(tmp_path: Path) -> None:
    run = tmp_path / "my runs" / "run"
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    assert fetch_run(str(run), tmp_path / "into") == run
    assert fetch_run(str(run.parent), tmp_path / "into") == run
    assert fetch_run(run.as_uri(), tmp_path / "into") == run
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize(
    ("saved", "left"),
    [
        (["detect/20", "detect/40"], "detect"),
        (["run/checkpoints/detect/40", "run/checkpoints/recover/60"], "run/checkpoints"),
        (["epoch200"], "epoch200"),
    ],
)
def test_checkpoints_alone_are_what_is_left_of_a_run(
    tmp_path: Path, saved: list[str], left: str
) -> None:
    files = {f"{step}/meta/metadata": b"{}" for step in saved}
    found = fetch_run(str(zipped(tmp_path / "left.zip", files)), tmp_path / "into")
    assert found.relative_to(next((tmp_path / "into").iterdir())) == Path(left)


def test_an_archive_is_unpacked_once_and_again_when_it_changes(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "run.zip", FILES)
    first = fetch_run(str(archive), tmp_path / "into")
    assert _is_the_run(first)
    assert fetch_run(archive.as_uri(), tmp_path / "into") == first
    zipped(archive, FILES | {"run/DONE": b"now it is"})
    second = fetch_run(str(archive), tmp_path / "into")
    assert (second / "DONE").exists()
    assert len(list((tmp_path / "into").iterdir())) == 2  # and nothing of the fetching is left


def test_an_archive_behind_a_url_is_fetched_once(server: str, tmp_path: Path) -> None:
    for _ in range(2):
        assert _is_the_run(fetch_run(f"{server}/run.zip", tmp_path / "into"))
    assert _Server.asked == 1
    fetch_run(f"{server}/run.zip?version=2", tmp_path / "into")
    assert _Server.asked == 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/none.zip", "404"),
        ("/short.zip", "ended after .* bytes: try again"),
        ("/away.zip", "http://elsewhere.invalid is refused"),
    ],
)
def test_a_download_that_fails_leaves_nothing(
    server: str, path: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        fetch_run(server + path, tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


@pytest.mark.parametrize("path", ["/run.zip", "/endless.zip"])
def test_a_download_is_bounded_whatever_the_server_says(
    server: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 100)
    with pytest.raises(InputError, match="more than 100 bytes"):
        fetch_run(server + path, tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


@pytest.mark.parametrize(
    "where", ["http://example.org/run.zip", "ftp://example.org/run.zip", "file://other/run.zip"]
)
def test_only_servers_that_can_be_trusted_to_be_themselves(where: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is refused: give an https: URL"):
        fetch_run(where, tmp_path / "into")


def test_no_run_and_several_runs_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no run .*nowhere"):
        fetch_run(str(tmp_path / "nowhere"), tmp_path / "into")
    with pytest.raises(InputError, match="it holds none"):
        fetch_run(str(zipped(tmp_path / "empty.zip", {})), tmp_path / "into")
    two = zipped(tmp_path / "two.zip", {"a/config.json": b"", "b/config.json": b""})
    with pytest.raises(InputError, match="it holds a, b"):
        fetch_run(str(two), tmp_path / "into")


def test_a_server_that_sends_almost_nothing_is_not_waited_for(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "_PATIENCE", 0.0)
    monkeypatch.setattr(downloading, "_LEAST_BYTES_PER_SECOND", 1e9)
    with pytest.raises(InputError, match=r"/slow.zip sent [01] bytes in .* too slow: try again"):
        fetch_run(f"{server}/slow.zip", tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


@pytest.mark.parametrize("target", ["http://localhost/run.zip", "http://127.0.0.1:80/run.zip"])
def test_https_never_leads_to_http(target: str) -> None:
    request = Request("https://example.org/run.zip")
    with pytest.raises(InputError, match="leads to an http: URL, which is refused"):
        downloading._Redirects().redirect_request(
            request, io.BytesIO(), 302, "Found", Message(), target
        )
    other = downloading._Redirects().redirect_request(
        request, io.BytesIO(), 302, "Found", Message(), "https://example.com/run.zip"
    )
    assert other is not None


def test_a_long_url_is_one_short_line_or_a_folder(server: str, tmp_path: Path) -> None:
    long = "x" * 3000
    assert _is_the_run(fetch_run(f"{server}/run.zip?signature={long}", tmp_path / "into"))
    assert _is_the_run(fetch_run(f"{server}/{long}.zip", tmp_path / "into"))
    for where in (
        f"{tmp_path}/{long}.zip",
        f"{server}/none.zip?{long}",
        f"http://example.org/{long}",
    ):
        with pytest.raises(InputError) as error:
            fetch_run(where, tmp_path / "into")
        assert len(str(error.value)) < 400


def test_an_archive_leaves_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = fetching._KEPT_FREE + 10
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(InputError, match="and 10 bytes are allowed"):
        fetch_run(str(zipped(tmp_path / "run.zip", FILES)), tmp_path / "into")
