"""What a protocol fixes, read from a TOML file of this folder or of a person.

The same detector on the same dataset has other numbers by other protocols: with or without Celeb-DF's
reals from YouTube, with 8 frames or 32, with videos without a face left out. So a number names
its protocol.
"""

import dataclasses
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from jaxfake.config import Aggregation
from jaxfake.data.preparation.source_facts.attributes import CATEGORIES, NUMBERS
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import expand_home, read_bounded
from jaxfake.runtime.typed_values import build

NoFace = Literal["half", "left_out"]
"""What a readable video without a face counts as: P(fake) 0.5 (as Shiohara, 2022), or not at all."""

_FOLDER = Path(__file__).parent
_MOST_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True)
class TestList:
    """The videos of a dataset that are tested.

    Attributes:
        dataset: its name, as in the column `dataset` of a score file.
        videos: which of them, in words.
        manipulations: of the fakes; none for all.
        compression: of these, where the dataset has several; '' for no matter.
        real, fake: how many videos that list has; None if nobody has published it.
    """

    dataset: str
    videos: str
    manipulations: tuple[str, ...] = ()
    compression: str = ""
    real: int | None = None
    fake: int | None = None


@dataclasses.dataclass(frozen=True)
class TrainingSet:
    """What a detector must have been trained on."""

    dataset: str
    compression: str = ""


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How a detector is tested.

    Attributes:
        name, version: by which results name it; another rule is another version.
        title: in words.
        test: the lists; none if the protocol is for any dataset.
        frames: most frames of a video, evenly spaced.
        aggregation: how the scores of a video's faces become one.
        no_face: what a readable video without a face counts as.
        subject: how the person of a clip is chosen. It must not depend on the label.
        attributes: of the source files, whose AUC must be shown beside the detector's.
        train: what the detector is trained on; None for anything.
    """

    name: str
    version: int
    title: str
    test: tuple[TestList, ...]
    frames: int
    aggregation: Aggregation
    no_face: NoFace
    subject: Literal["largest"]
    attributes: tuple[str, ...]
    train: TrainingSet | None = None

    @property
    def sha256(self) -> str:
        """Digest of all that it fixes."""
        return hashlib.sha256(
            json.dumps(dataclasses.asdict(self), sort_keys=True).encode()
        ).hexdigest()

    @property
    def in_words(self) -> str:
        """By which a result names it."""
        return f"{self.name} version {self.version} (sha256 {self.sha256[:12]})"

    def list_of(self, dataset: str) -> TestList | None:
        """The list of a dataset; None if the protocol is for any.

        Raises:
            InputError: the dataset is not among those that the protocol tests.
        """
        if not self.test:
            return None
        for one in self.test:
            if one.dataset == dataset:
                return one
        known = ", ".join(one.dataset for one in self.test)
        raise InputError(f"protocol {self.name} tests {known}, and not {dataset!r}")


def names() -> list[str]:
    """The protocols of this folder."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_protocol(name: str) -> Protocol:
    """The protocol of this name, or in the file NAME.toml of a person.

    Raises:
        InputError: there is none, or the file is not a protocol.
    """
    given = name.endswith(".toml")
    if not given and name not in names():
        raise InputError(
            f"there is no protocol {name!r}: give one of {', '.join(names())}, or the path of a .toml file"
        )
    path = Path(expand_home(name)) if given else _FOLDER / f"{name}.toml"
    try:
        values = tomllib.loads(read_bounded(path, _MOST_BYTES).decode("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is not there: give the path of a protocol") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a protocol: {error}") from error
    return _checked(build(Protocol, values, str(path)), path)


def protocol_json(protocol: Protocol, departures: list[str]) -> dict[str, Any]:
    """As result files name it: all that it fixes, and in what the evaluation departs from it."""
    return {
        **dataclasses.asdict(protocol),
        "sha256": protocol.sha256,
        "departures": departures,
    }


def _checked(protocol: Protocol, path: Path) -> Protocol:
    if not re.fullmatch(r"\w[\w-]{,63}", protocol.name):
        raise InputError(f"{path}: name must be a word, such as my_protocol, not {protocol.name!r}")
    unknown = set(protocol.attributes) - {*NUMBERS, *CATEGORIES}
    if unknown:
        known = ", ".join((*NUMBERS, *CATEGORIES))
        raise InputError(f"{path}: {sorted(unknown)[0]!r} is not an attribute; there are {known}")
    if protocol.frames < 1 or protocol.version < 1:
        raise InputError(f"{path}: frames and version must be at least 1")
    datasets = [one.dataset for one in protocol.test]
    if len(set(datasets)) < len(datasets):
        raise InputError(f"{path}: a dataset is tested by two lists")
    return protocol
