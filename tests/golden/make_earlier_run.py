"""Makes tests/golden/earlier_run.tar.xz: a finished and a stopped run of the version before the rooms.

It runs in a checkout of commit 62ea376, and imports the modules under the names that they had there:

    git worktree add /tmp/before 62ea376 && cd /tmp/before
    PYTHONPATH=. python THIS_FILE /tmp/earlier

Both runs are the tiny job of the tests, 6 steps a stage; the second is stopped by SIGTERM after step 4 of
stage 2. Only what is read again is packed: configs, checkpoints, metrics, the scores of the finished run.
"""

import os
import shutil
import signal
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

from absl import flags

WIDTHS = {
    "model__encoder__width": 8,
    "model__decoder__width": 8,
    "recover__steps": 6,
    "recover__batch_size": 8,
    "log_every": 1,
    "checkpoints__keep": 2,
    "evaluation__batch_size": 8,
}
KEPT = ("config.json", "metrics.jsonl", "checkpoints", "DONE", "training_mask.png")
STOPPED_AT = 4


def main(out: Path) -> None:
    """Both runs, and the archive of them, in a folder."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
    from jaxfake.asked_back import asked_back
    from jaxfake.data.features import FILE_FORMAT
    from jaxfake.errors import Preempted
    from jaxfake.train.watch import Watch

    from jaxfake import job
    from tests.tiny import Tiny, tiny_config

    flags.FLAGS.mark_as_parsed()
    out.mkdir()
    os.chdir(out)
    Tiny(data_dir="tiny", file_format=FILE_FORMAT).download_and_prepare()
    run = tiny_config(Path("tiny"), **WIDTHS)
    job.run_job(run, Path("finished"))
    asked_back.listen()
    after = Watch.after

    def stop(self: Any, state: Any, step: int) -> Any:
        if self._plan.name == "detect" and step == STOPPED_AT:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)  # the thread that hears the signal
        return after(self, state, step)

    Watch.after = stop
    try:
        job.run_job(run, Path("stopped"))
    except Preempted:
        _pack(out)


def _pack(out: Path) -> None:
    scores = Path("eval", "tiny", "test", "scores.csv")
    with tarfile.open(out / "earlier_run.tar.xz", "w:xz") as archive:
        for name in ("finished", "stopped"):
            for kept in KEPT:
                if (out / name / kept).exists():
                    archive.add(f"{name}/{kept}")
        archive.add(Path("finished") / scores)
    shutil.rmtree(out / "tiny")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
