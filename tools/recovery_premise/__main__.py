"""Is a real face recovered better than a fake of the same frame? In several forms of 'better'.

    python -m tools.recovery_premise --workdir=RUN --data=PREPARED --pairs=TABLE.tsv [--out=FILE.json]

Stage 1 of a run masks each part of each face of a split, fakes exactly where their originals are masked.
Prints a row for each form of the error (`forms`): AUC of fakes against all real faces, with its 95 %
interval over people, and in how many pairs the fake has the larger number. The last row is a logistic
regression on all forms of all parts (but smoothness, which recovers nothing), fitted to the split train,
whose people the others do not show.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from jaxfake import schema
from jaxfake.data.dataset import FaceDataset, open_split
from jaxfake.evaluation.evenly_spaced import evenly_spaced_rows
from jaxfake.evaluation.metrics.auc_interval import Auc, measure_auc
from jaxfake.evaluation.metrics.intervals import Bootstrap, Interval, mean_interval
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.evaluation.predict import evaluation_keys
from jaxfake.experiment import build_method
from jaxfake.experiment.load_run import load_stage
from jaxfake.experiment.locate_run import locate
from jaxfake.experiment.run_folder import RECOVER
from jaxfake.experiment.start.imported_network import load_imported
from jaxfake.faces.parts import FACE_PARTS, PART_NAMES
from jaxfake.models.method import Params
from jaxfake.runtime import cli
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.path_flags import define_path
from jaxfake.runtime.progress import Progress
from tools.recovery_premise import forms
from tools.recovery_premise.forms import FORMS, Networks
from tools.recovery_premise.pairs import FaceBatch, batches, read_originals

_WORKDIR = define_path("workdir", None, "Folder of a run.")
_DATA = define_path("data", None, "Folder of a prepared dataset with the splits train and --split.")
_PAIRS = define_path("pairs", None, "Table (.tsv) with the columns path and pair.")
_OUT = define_path("out", None, "Where the numbers go as JSON, if anywhere.")
_SPLIT = flags.DEFINE_string("split", "test", "Split that is measured.")
_MASKED = flags.DEFINE_integer("masked", 0, "Masked patches of each part; 0 for the run's own.", 0)
_DRAWS = flags.DEFINE_integer("draws", 2, "Masks of each part that are averaged.", 1)
_FIT = flags.DEFINE_integer("fit", 1000, "Faces of each class for the regression; 0 for none.", 0)

_BATCH, _CONTEXTS, _SEED = 32, 2, 0
_WHITENED_BY = 512
"""Real faces of the split train whose residuals say what is usual."""


class Measured(NamedTuple):
    """Every form of every part of some faces."""

    values: dict[str, np.ndarray]  # float64 [n, K]
    rows: np.ndarray  # int64 [n]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One form, over all parts or one of them."""

    auc: Auc
    fake_larger: float  # share of the pairs
    fake_larger_ci95: Interval | Undefined
    pairs: int


def main() -> None:
    """Restores the run, measures the split and prints the table."""
    if not (_WORKDIR.value and _DATA.value and _PAIRS.value):
        raise InputError("--workdir, --data and --pairs are needed")
    located = locate(Path(_WORKDIR.value), None, (RECOVER,))
    config = build_method.computable_here(located.config)
    run = load_stage(located, config, build_method.recovery(config), None)
    recover = build_method.recovery(config)
    if _MASKED.value:
        mask = dataclasses.replace(recover.mask, count=_MASKED.value)
        recover = dataclasses.replace(recover, mask=mask)
    imported = load_imported(config)
    networks = Networks(recover, build_method.imported_network(config) if imported else None)
    train, split = (open_split(Path(_DATA.value), name, None) for name in ("train", _SPLIT.value))
    study = _Study(networks, run.params, imported.params if imported else None)
    study.learn_usual(train)
    rows = np.flatnonzero(split.index.label != schema.UNKNOWN)
    originals = read_originals(Path(_PAIRS.value), split)
    measured = study.measure(split, rows, originals)
    table = _compare(measured, split, originals)
    if _FIT.value:
        table["all, fitted"] = {"all parts": _fitted(study, train, measured, split, originals)}
    _show(table, split)
    if _OUT.value:
        Path(_OUT.value).write_text(json.dumps(_plain(table, networks), indent=1) + "\n")


class _Study:
    """The networks with what is usual for real faces."""

    def __init__(self, networks: Networks, params: Params, weights: Params | None) -> None:
        self._networks, self._params, self._weights = networks, params, weights
        self._whiten = jnp.eye(networks.recover.mae.pixels)
        self._residuals = jax.jit(
            lambda p, b, k: forms.residuals(networks, p, _faces(networks, b), k)
        )
        self._forms = jax.jit(self._measure)

    def learn_usual(self, train: FaceDataset) -> None:
        """Sets the whitening by real faces of the training split."""
        rows = evenly_spaced_rows(np.flatnonzero(train.index.label == schema.REAL), _WHITENED_BY)
        found = []
        for batch in batches(train, rows, np.arange(len(train)), 0, _BATCH):
            residuals = self._residuals(self._params, _inputs(batch.image, batch), _keys(batch, 0))
            found.append(np.asarray(residuals))
        self._whiten = jnp.asarray(
            forms.whitening(np.concatenate(found).reshape(-1, found[0].shape[-1]))
        )

    def measure(self, faces: FaceDataset, rows: np.ndarray, originals: np.ndarray) -> Measured:
        """Every form of every part, mean over the draws of masks."""
        found: list[dict[str, np.ndarray]] = []
        with Progress("measuring", len(rows), "faces") as progress:
            for batch in batches(faces, rows, originals, _CONTEXTS, _BATCH):
                drawn = [
                    jax.device_get(
                        self._forms(self._params, self._weights, self._whiten, batch, draw)
                    )
                    for draw in range(_DRAWS.value)
                ]
                found.append(
                    {
                        name: np.mean([one[name] for one in drawn], axis=0).T[: batch.faces]
                        for name in drawn[0]
                    }
                )
                progress.advance(batch.faces)
        return Measured(
            {name: np.concatenate([one[name] for one in found]) for name in found[0]}, rows
        )

    def _measure(
        self, params: Params, weights: Params | None, whiten: jax.Array, batch: FaceBatch, draw: int
    ) -> dict[str, jax.Array]:
        faces, *others = (
            _faces(self._networks, _inputs(image, batch)) for image in (batch.image, *batch.others)
        )
        keys = _keys(batch, draw)
        return forms.measure(self._networks, params, weights, whiten, faces, others, keys)


def _inputs(image: Any, batch: FaceBatch) -> dict[str, Any]:
    return {schema.IMAGE: image, schema.LANDMARKS: batch.landmarks}


def _faces(networks: Networks, inputs: dict[str, Any]) -> Any:
    return networks.recover.faces(inputs)


def _keys(batch: FaceBatch, draw: Any) -> jax.Array:
    keys = evaluation_keys(_SEED, {schema.MASK_SEED: jnp.asarray(batch.mask_seed)})
    return jax.vmap(lambda key: jax.random.fold_in(key, draw))(keys)


def _compare(
    measured: Measured, faces: FaceDataset, originals: np.ndarray
) -> dict[str, dict[str, Comparison]]:
    names = ("all parts", *(PART_NAMES[part] for part in FACE_PARTS))
    table = {}
    for form, values in measured.values.items():
        columns = np.concatenate([values.mean(1, keepdims=True), values], axis=1).T
        table[form] = {
            name: _comparison(column, measured.rows, faces, originals)
            for name, column in zip(names, columns, strict=True)
        }
    return table


def _comparison(
    scores: np.ndarray, rows: np.ndarray, faces: FaceDataset, originals: np.ndarray
) -> Comparison:
    labels, people = faces.index.label[rows], faces.index.identity[rows]
    place = {int(row): at for at, row in enumerate(rows)}
    fakes = [at for at in np.flatnonzero(labels == schema.FAKE) if originals[rows[at]] in place]
    reals = [place[int(originals[rows[at]])] for at in fakes]
    larger = (scores[fakes] > scores[reals]).astype(float)
    interval = mean_interval(larger, people[fakes], Bootstrap(2000, _SEED))
    return Comparison(
        measure_auc(labels, scores, people), float(larger.mean()), interval, len(fakes)
    )


def _fitted(
    study: _Study,
    train: FaceDataset,
    measured: Measured,
    faces: FaceDataset,
    originals: np.ndarray,
) -> Comparison:
    """A logistic regression on the logs of all forms and parts, fitted to the training split."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    chosen = np.concatenate(
        [
            evenly_spaced_rows(np.flatnonzero(train.index.label == label), _FIT.value)
            for label in (schema.REAL, schema.FAKE)
        ]
    )
    known = study.measure(train, chosen, read_originals(Path(_PAIRS.value), train))
    model = make_pipeline(
        StandardScaler(), LogisticRegressionCV(cv=5, scoring="roc_auc", max_iter=2000)
    )
    model.fit(_numbers(known), train.index.label[chosen])
    scores = model.decision_function(_numbers(measured))
    return _comparison(scores, measured.rows, faces, originals)


def _numbers(measured: Measured) -> np.ndarray:
    columns = [
        values if form in forms.LOGS else np.log(values + 1e-6)
        for form, values in measured.values.items()
        if form != forms.CONTROL
    ]
    return np.concatenate(columns, axis=1)


def _show(table: dict[str, dict[str, Comparison]], faces: FaceDataset) -> None:
    first = next(iter(table.values()))["all parts"]
    print(
        f"{faces.split}: {first.auc.n_real} real faces of {first.auc.people_real} people, "
        f"{first.auc.n_fake} fakes, {first.pairs} pairs\n"
    )
    print("| form | part | AUC | 95 % | fake larger in | 95 % |\n" + "| --- " * 6 + "|")
    for form, by_part in table.items():
        for part, one in by_part.items():
            print(
                f"| {form} | {part} | {_number(one.auc.value)} | {_interval(one.auc.ci95)} | "
                f"{_number(one.fake_larger)} | {_interval(one.fake_larger_ci95)} |"
            )


def _number(value: float | Undefined) -> str:
    return str(value) if isinstance(value, Undefined) else f"{value:.3f}"


def _interval(interval: Interval | Undefined) -> str:
    if isinstance(interval, Undefined):
        return str(interval)
    return f"{interval.low:.3f} to {interval.high:.3f}"


def _plain(table: dict[str, dict[str, Comparison]], networks: Networks) -> dict[str, Any]:
    rows = {
        form: {part: dataclasses.asdict(one) for part, one in by_part.items()}
        for form, by_part in table.items()
    }
    return {"masked": networks.recover.mask.count, "forms": FORMS, "rows": rows}


if __name__ == "__main__":
    cli.run(main)
