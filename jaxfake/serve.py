"""A local page: drop a picture or a video in a browser and read what the detector says of it.

    python -m jaxfake.serve [--model=MODEL] [--port=8000]
    python -m jaxfake.serve --model=MODEL --host=0.0.0.0

By default only this machine reaches the page. At another --host people need the token that is printed.
Files are scored one after the other by `python -m jaxfake.detect`, in processes with limits of time and
memory, and removed afterwards. Results are kept in --folder; stopped and started again, the server has them
still and goes on with the files that wait. See docs/serve.md.
"""

import importlib.util
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from jaxfake.runtime import cli
from jaxfake.runtime.errors import DONE, InputError, Preempted
from jaxfake.runtime.path_flags import define_path

if TYPE_CHECKING:
    from jaxfake.serving.limits import Limits

_MODEL = define_path(
    "model",
    "starter",
    "The detector: what --model of jaxfake.detect takes, such as the folder of a run; by default the one "
    "that comes with jaxfake.",
)
_HOST = flags.DEFINE_string(
    "host", "127.0.0.1", "Address to listen at; any but this machine's own asks people for a token."
)
_PORT = flags.DEFINE_integer("port", 8000, "Port to listen at; 0 for any free one.", 0, 65535)
_NAMES = flags.DEFINE_list(
    "names", [], "Further host names by which people reach the page, such as that of a proxy."
)
_FOLDER = define_path(
    "folder", "runs/serve", "Folder for results and for what is needed to go on after a restart."
)
_MEGABYTES = flags.DEFINE_integer("max_megabytes", 256, "Largest file that is taken.", 1, 1 << 20)
_VIDEO_MINUTES = flags.DEFINE_float("max_video_minutes", 10, "Longest video that is taken.", 0.01)
_WORK_MINUTES = flags.DEFINE_float(
    "max_work_minutes", 30, "Time after which the scoring of a file is given up.", 0.01
)
_MEMORY = flags.DEFINE_float(
    "max_memory", 4, "Memory, in GiB, of each process that scores a file.", 0.1
)


def main() -> int:
    """Flags in, one call, messages out."""
    for library in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(library) is None:
            raise InputError(
                "this needs FastAPI and uvicorn, which are not installed: pip install -e '.[serve]' -c "
                "constraints.txt"
            )
    from jaxfake.runtime import lease

    folder = Path(_FOLDER.value)
    with lease.holding(folder / "lease", "a server"):
        return _serve(folder.absolute())


def _serve(folder: Path) -> int:
    from jaxfake.runtime.preemption import preemption
    from jaxfake.runtime.progress import say
    from jaxfake.serving import app, server
    from jaxfake.serving.gate.hosts import is_loopback
    from jaxfake.serving.gate.secret import kept_secret
    from jaxfake.serving.jobs import detector_command
    from jaxfake.serving.jobs.job_store import JobStore
    from jaxfake.serving.jobs.trial import try_detector

    limits = _limits()
    command = detector_command.detect_command(_model(), limits)
    token = None if is_loopback(_HOST.value) else kept_secret(folder / "token")
    service = app.Service(
        key=kept_secret(folder / "key"),
        command=command,
        host=_HOST.value,
        token=token,
        names=tuple(_NAMES.value),
        limits=limits,
    )
    store = JobStore(folder, limits.kept)
    with server.listen(_HOST.value, _PORT.value) as listening:
        say("trying the detector")
        try_detector(command, store.incoming / "trial", app.work_limits(limits))
        try:
            with preemption.protecting():
                built = app.build_app(service, store)
                say(f"open {_address(listening.getsockname()[1], token)} (Ctrl-C stops the server)")
                server.serve(built, listening)
        except Preempted:
            pass
    waiting = len(store.unfinished())
    if not waiting:
        say("stopped; every result is kept")
        return DONE
    raise Preempted(f"stopped; not scored yet: {waiting}; the same command goes on with them")


def _limits() -> "Limits":
    from jaxfake.serving.limits import Limits

    return Limits(
        upload_bytes=_MEGABYTES.value << 20,
        video_seconds=60 * _VIDEO_MINUTES.value,
        work_seconds=60 * _WORK_MINUTES.value,
        work_memory=int(_MEMORY.value * (1 << 30)),
    )


def _model() -> str:
    """What --model names: a path, which the detector needs in full, since it runs elsewhere; or a name.

    Raises:
        InputError: it is missing.
    """
    given = _MODEL.value
    if not given:
        raise InputError("--model is missing: give it the folder of a run")
    return os.path.abspath(given) if os.path.exists(given) else given


def _address(port: int, token: str | None) -> str:
    """Where a person opens the page. Browsers do not send what follows '#', so no log holds the token."""
    everywhere = _HOST.value in ("0.0.0.0", "::")
    host = socket.gethostname() if everywhere else _HOST.value
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    return address if token is None else f"{address}#token={token}"


if __name__ == "__main__":
    cli.run(main)
