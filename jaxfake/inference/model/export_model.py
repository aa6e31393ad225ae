"""Writes a model folder from a run: see `model_folder` for what is in it."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jaxfake import config
from jaxfake.checkpoints.checksummed_json import checksummed
from jaxfake.config import Config
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.run_folder import DETECT
from jaxfake.experiment.start.initial_weights import OWN
from jaxfake.inference.model import model_folder, opened_model
from jaxfake.inference.model.card import LIMITS
from jaxfake.inference.model.foundation_part import foundation_of
from jaxfake.inference.model.model_folder import FileEntry
from jaxfake.inference.results import CardEntry, ModelFacts
from jaxfake.models.finetuned.tuning import IMPORTED
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_bounded, read_json, write_atomically

_MOST_RESULT_BYTES = 16 << 20


@dataclasses.dataclass(frozen=True)
class Export:
    """What a person wants to give to others.

    Attributes:
        to: the folder; it must not exist, or be empty.
        name: of the model; '' for the name of the run's folder.
        licence: under which others may use it, such as Apache-2.0.
        trained_on: what the training data are, for the card; '' for the name of their folder.
        without_foundation: whether what did not change of the encoder that jaxfake fetches by name is left
            out, so that the folder is small.
    """

    to: Path
    licence: str
    name: str = ""
    trained_on: str = ""
    without_foundation: bool = False


def export_model(run: LoadedRun, wanted: Export) -> Path:
    """Writes the folder, its description last, so that one that was not finished is none.

    Raises:
        InputError: the run is no detector, the folder holds something already, or there is nothing that
            could be left out.
    """
    if run.stage != DETECT or run.located is None:
        raise InputError("only a detector can be exported, and this is a checkpoint of stage 1")
    if wanted.to.exists() and (not wanted.to.is_dir() or any(wanted.to.iterdir())):
        raise InputError(f"--to={wanted.to} holds something already: name a new folder")
    foundation = foundation_of(run) if wanted.without_foundation else None
    model = opened_model.from_run(run, wanted.name or run.located.name, wanted.trained_on)
    left_out = {IMPORTED} if foundation else set()
    kept = {name: tree for name, tree in run.params.items() if name not in left_out}
    content = {model_folder.WEIGHTS: model_folder.weights_bytes(kept)}
    content |= _files(run, model.facts.calibration_sha256 is not None)
    rows = [*model.facts.card, *_measured(content)]
    facts = dataclasses.replace(model.facts, licence=wanted.licence, card=tuple(rows))
    content[model_folder.CARD] = _card_text(facts).encode()
    wanted.to.mkdir(parents=True, exist_ok=True)
    entries = {name: _write(wanted.to / name, data) for name, data in content.items()}
    manifest = model_folder.Manifest(
        model_folder.FORMAT,
        model_folder.VERSION,
        facts,
        config.to_json(_without_paths(run.config)),
        {name: dataclasses.asdict(entry) for name, entry in sorted(entries.items())},
        foundation,
    )
    text = json.dumps(checksummed(_plain(dataclasses.asdict(manifest))), indent=2)
    write_atomically(wanted.to / model_folder.MANIFEST, text + "\n")
    return wanted.to


def _files(run: LoadedRun, is_calibrated: bool) -> Iterator[tuple[str, bytes]]:
    """Calibration and results."""
    assert run.located is not None
    folder = run.located.run
    if folder is None:
        return
    if is_calibrated:
        yield model_folder.CALIBRATION, read_bounded(folder.calibration, _MOST_RESULT_BYTES)
    for path in sorted(folder.evaluation.glob("**/metrics.json")):
        found = read_json(path, _MOST_RESULT_BYTES)
        if found.get("stage") == DETECT and found.get("step") == run.step:
            name = "-".join(path.parent.relative_to(folder.evaluation).parts)
            text = json.dumps(found, indent=2, allow_nan=False, ensure_ascii=False)
            yield f"{model_folder.RESULTS}/{name}.json", (text + "\n").encode()


def _measured(content: dict[str, bytes]) -> Iterator[CardEntry]:
    """A row of the card for each result."""
    for name, data in content.items():
        if name.startswith(f"{model_folder.RESULTS}/"):
            found = json.loads(data)
            said = f"{_video_auc(found)}{_answered(found.get('calibration') or {})}"
            yield CardEntry(f"measured on {Path(name).stem}", said)


def _video_auc(found: dict[str, Any]) -> str:
    video = found.get("video", {})
    auc, interval = video.get("auc"), video.get("auc_ci95")
    if auc is None:
        return f"no AUC: {video.get('auc_reason', 'not measured')}"
    ends = "" if interval is None else f" (95 % interval {interval[0]:.3f} to {interval[1]:.3f})"
    counts = f"{video.get('n_real')} real and {video.get('n_fake')} fake videos"
    protocol = found.get("protocol")
    rules = "" if not protocol else f", by the protocol {protocol.get('name')}"
    return f"video AUC {auc:.3f}{ends}, {counts}{rules}"


def _answered(calibration: dict[str, Any]) -> str:
    """How often it gives an answer there, and how often a wrong one."""
    found = calibration.get("abstention")
    if found is None:
        return ""
    wrong = [
        f"{found[key]:.1%} of the {name} are called {other}"
        for name, key, other in (("reals", "wrong_reals", "fake"), ("fakes", "wrong_fakes", "real"))
        if found.get(key) is not None
    ]
    return f"; {found['answered']:.1%} of the videos are answered, {' and '.join(wrong)}"


def _without_paths(run: Config) -> Config:
    """The config without paths of the machine that it was trained on; the network is the same."""
    data = dataclasses.replace(run.data, source=Path(run.data.source).name, root="data")
    finetuned = run.finetuned
    if finetuned is not None:
        finetuned = dataclasses.replace(finetuned, weights=Path(finetuned.weights).name)
    return dataclasses.replace(run, data=data, start=OWN, finetuned=finetuned, memory="off")


def _card_text(facts: ModelFacts) -> str:
    rows = [f"**{one.name}**: {one.text}" for one in facts.card]
    paragraphs = [f"# {facts.name}", *rows, f"**licence**: {facts.licence}", *LIMITS]
    return "\n\n".join(paragraphs) + "\n"


def _write(path: Path, content: bytes) -> FileEntry:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return model_folder.file_entry(content)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON has them, so that their digest is that of what is read back."""
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain
