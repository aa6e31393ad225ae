"""What the baselines of an evaluation are made of: stage 1, frozen networks, and linear probes on them."""

import dataclasses
from collections.abc import Mapping

from jaxfake.checkpoints.run_identity import RunIdentity
from jaxfake.evaluation.evidence.baselines.frozen_features import (
    FrozenNetwork,
    ImportedFeatures,
    StageOneFeatures,
)
from jaxfake.evaluation.evidence.baselines.linear_probe import LinearProbe, read_probes
from jaxfake.evaluation.evidence.baselines.measured import PROBE_IMPORTED, PROBE_STAGE_1
from jaxfake.evaluation.evidence.baselines.probe_splits import probe_splits
from jaxfake.evaluation.metrics.undefined import Undefined
from jaxfake.experiment import build_method
from jaxfake.experiment.load_run import LoadedRun
from jaxfake.experiment.open_data import TrainingSplits, with_fakes
from jaxfake.experiment.results.frozen_params import FrozenParams, frozen_params
from jaxfake.experiment.run_folder import RECOVER, RunFolder
from jaxfake.models.method import Params


@dataclasses.dataclass(frozen=True, eq=False)
class Probed:
    """A frozen network and the probe on its features."""

    network: FrozenNetwork
    probe: LinearProbe


@dataclasses.dataclass(frozen=True, eq=False)
class BaselineSources:
    """What the baselines are made of.

    Attributes:
        stage_one: encoder and decoder of stage 1; undefined with the reason if they are not at hand, or if
            what is evaluated is stage 1 itself.
        probed: by the name of the baseline; undefined with the reason where there is no probe.
    """

    stage_one: Params | Undefined
    probed: Mapping[str, Probed | Undefined]


NO_BASELINES = BaselineSources(Undefined("no baseline was asked for"), {})


Networks = Mapping[str, FrozenNetwork | Undefined]
"""By the name of the baseline."""


def networks_of(run: LoadedRun, params: FrozenParams) -> Networks:
    """The networks whose features are probed."""
    recover, name = build_method.recovery(run.config), _name(run.metadata.identity, run.step)
    found: dict[str, FrozenNetwork | Undefined] = {}
    one, imported = params.stage_one, params.imported
    found[PROBE_STAGE_1] = one
    if not isinstance(one, Undefined):
        found[PROBE_STAGE_1] = FrozenNetwork(StageOneFeatures(recover), one, name)
    network = build_method.imported_network(run.config)
    if network is not None and imported is not None:
        found[PROBE_IMPORTED] = imported
        if not isinstance(imported, Undefined):
            features = ImportedFeatures(recover, network)
            found[PROBE_IMPORTED] = FrozenNetwork(features, imported, name)
    return found


def fit_probes(
    run: LoadedRun, networks: Networks, splits: TrainingSplits
) -> dict[str, LinearProbe | Undefined]:
    """A probe on each network, fitted on what the run was trained on."""
    if all(isinstance(one, Undefined) for one in networks.values()):
        return {name: one for name, one in networks.items() if isinstance(one, Undefined)}
    scoring, train = build_method.scoring(run.config), with_fakes(splits.train, run.config)
    return {
        name: one if isinstance(one, Undefined) else probe_splits(one, train, splits.val, scoring)
        for name, one in networks.items()
    }


def joined(
    networks: Networks, probes: Mapping[str, LinearProbe | Undefined]
) -> dict[str, Probed | Undefined]:
    """Each network with its probe."""
    found: dict[str, Probed | Undefined] = {}
    for name, network in networks.items():
        probe = probes[name]
        if isinstance(network, Undefined):
            found[name] = network
        else:
            found[name] = probe if isinstance(probe, Undefined) else Probed(network, probe)
    return found


def sources_of_loaded(
    run: LoadedRun, folder: RunFolder | None, splits: TrainingSplits | None
) -> BaselineSources:
    """The sources for a run that was loaded from disk.

    Args:
        run: stage 1 or a detector.
        folder: of the run, with the probes that it keeps; None if it is not at hand.
        splits: what it was trained on, to fit a probe that it does not keep; None if that is not at hand.

    Raises:
        InputError: the kept probes are damaged.
    """
    params = frozen_params(run, folder)
    networks = networks_of(run, params)
    probes = _kept(networks, folder)
    missing = {
        name: one
        for name, one in networks.items()
        if name not in probes and isinstance(one, FrozenNetwork)
    }
    if missing and splits is not None:
        probes |= fit_probes(run, missing, splits)
    why = Undefined("the run keeps no probe, and the faces that it was trained on are not at hand")
    probes = {name: probes.get(name, why) for name in networks}
    alone = params.stage_one
    if run.stage == RECOVER:
        alone = Undefined("this is stage 1 itself")
    return BaselineSources(alone, joined(networks, probes))


def _name(identity: RunIdentity, step: int) -> str:
    """By what a probe knows its network: what stage 2 began with, or a state of stage 1."""
    at = f"step {step}" if identity.stage == RECOVER else f"detector from {identity.start}"
    return f"config {identity.config}, {at}"


def _kept(networks: Networks, folder: RunFolder | None) -> dict[str, LinearProbe | Undefined]:
    """The probes that the run keeps for these very networks."""
    try:
        kept = {} if folder is None else read_probes(folder.probes)
    except FileNotFoundError:
        return {}
    found: dict[str, LinearProbe | Undefined] = {}
    for name, network in networks.items():
        probe = kept.get(name)
        of_it = isinstance(probe, Undefined) or (
            isinstance(probe, LinearProbe)
            and isinstance(network, FrozenNetwork)
            and probe.fitted_on.network == network.name
        )
        if probe is not None and of_it:
            found[name] = probe
    return found
