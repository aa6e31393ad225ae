"""The main job: stage after stage, each picked up where an earlier call left it.

recover (stage 1, real faces only) > the masked error as a zero-shot detector > report
"""

import json
from pathlib import Path
from typing import Any


from jaxfake import schema
from jaxfake.config import Config, fingerprint, results_values, to_json
#from jaxfake.data.builders import toyfaces
from jaxfake.data.dataset import FaceDataset, open_split
from jaxfake.errors import InputError
from jaxfake.files import write_atomically
from jaxfake.models.mae import MaskedAutoencoder
from jaxfake.models.recover import Recover
from jaxfake.models.vit import Compute
from jaxfake.train.loop import run_stage
from jaxfake.train.progress import say
from jaxfake.train.stage import StagePlan

TOYFACES = "toyfaces"


def run_job(config: Config, workdir: Path) -> None:
    """Runs everything that is not done yet, and says where the results are.

    Raises:
        InputError: config, data or workdir do not fit together.
        Preempted: stopped on request, with the state saved.
    """
    done = workdir / "DONE"
    _claim(config, workdir)
    if done.exists():
        say(done.read_text().rstrip())
        say(f"already done: {workdir / 'report.html'}")
        return
    data = _data(config)
    train, val, test = (
        open_split(data, name, config.data.size) for name in ("train", "val", "test")
    )
    method = recovery(config)
    plan = StagePlan("recover", method, config.recover, (schema.REAL,), train, val)
    trained = run_stage(plan, config, workdir)
    say(f"{len(train)} {trained.step} {method} {test}")


def recovery(config: Config) -> Recover:
    """Stage 1 as configured."""
    model = config.model
    compute = Compute(model.dtype, model.attend)
    mae = MaskedAutoencoder(model.encoder, model.decoder, config.data.size, model.patch, compute)
    return Recover(mae, config.mask)


def _data(config: Config) -> Path:
    """Folder of the dataset; the embedded one is built on first use."""
    if config.data.source == TOYFACES:
        return toyfaces.build(Path(config.data.root), config.data.size)
    return Path(config.data.source)


def _claim(config: Config, workdir: Path) -> None:
    """Writes `config.json`, or checks that the workdir belongs to this config."""
    path = workdir / "config.json"
    if path.exists():
        _refuse_other(json.loads(path.read_text())["results_depend_on"], config, workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    content = {
        "sha256": fingerprint(config),
        "results_depend_on": results_values(config),
        "config": to_json(config),
    }
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def _refuse_other(saved: dict[str, Any], config: Config, workdir: Path) -> None:
    now = results_values(config)
    for key in sorted(saved.keys() | now.keys()):
        if saved.get(key) != now.get(key):
            raise InputError(
                f"{workdir} holds a run with {key}={saved.get(key)}, not {now.get(key)}: "
                "use that value or another --workdir"
            )
