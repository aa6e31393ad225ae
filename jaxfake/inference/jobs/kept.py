"""Results of single files, kept until all of a job are done: each in a file of OUT/.work.

So a job that was stopped goes on with the files that are left when the same command is given again. What an
earlier job has left in the same folder is used again where the file, the detector, the versions and the
options are the same.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jaxfake.data.preparation import source_content
from jaxfake.inference.asked_files import AskedFile
from jaxfake.inference.results import FileResult
from jaxfake.runtime.errors import InputError
from jaxfake.runtime.files import read_json, write_atomically
from jaxfake.runtime.typed_values import build

WORK, SUFFIX = ".work", ".result.json"

_MOST_BYTES = 1 << 26


@dataclasses.dataclass(frozen=True)
class KeptResults:
    """The results that a job has so far.

    Attributes:
        out: folder of results.
        settings: sha256 of whatever decides about results beside the files.
    """

    out: Path
    settings: str

    @property
    def folder(self) -> Path:
        """Where they are kept."""
        return self.out / WORK

    def file_of(self, asked: AskedFile) -> Path:
        """Where the result of a file is kept."""
        name = hashlib.sha256(asked.path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self.folder / f"{name}{SUFFIX}"

    def count(self) -> int:
        """How many files have one."""
        return len(list(self.folder.glob(f"*{SUFFIX}")))

    def keep(self, asked: AskedFile, result: FileResult) -> None:
        """Keeps the result of a file."""
        content = {"settings": self.settings, "result": dataclasses.asdict(result)}
        write_atomically(self.file_of(asked), json.dumps(content, allow_nan=False))

    def load(self, asked: AskedFile) -> FileResult | None:
        """What is kept of a file; None if there is nothing that can be used."""
        try:
            content = read_json(self.file_of(asked), _MOST_BYTES)
            if content["settings"] != self.settings:
                return None
            found: FileResult = build(FileResult, content["result"], "result")
        except (FileNotFoundError, InputError, KeyError, TypeError):
            return None
        return found

    def take_over(self, files: Sequence[AskedFile], earlier: Iterable[FileResult]) -> None:
        """Keeps what a finished job with the same settings says of files of which nothing is kept."""
        by_path = {asked.path: asked for asked in files}
        for result in earlier:
            asked = by_path.get(result.file.path)
            if asked is not None and self.load(asked) is None:
                self.keep(asked, result)

    def unchanged(self, files: Sequence[AskedFile]) -> set[int]:
        """Which files, by their numbers, have a result and are the same as when it was made."""
        usable = dict(self._usable(files))
        digests = source_content.digests([files[number].source for number in usable], 1)
        return {
            number
            for (number, sha256), digest in zip(usable.items(), digests, strict=True)
            if sha256 == source_content.own_digest(digest)
        }

    def _usable(self, files: Sequence[AskedFile]) -> Iterator[tuple[int, str | None]]:
        """Numbers of files with a result and all its pictures, and the digests that they had."""
        for number, asked in enumerate(files):
            known = self.load(asked)
            if known is not None and known.status != "refused" and self._has_pictures(known):
                yield number, known.file.sha256

    def _has_pictures(self, known: FileResult) -> bool:
        frames = (frame for track in known.tracks for frame in track.frames)
        named = (path for one in frames for path in (one.thumbnail, one.strip, one.heat) if path)
        return all((self.out / path).is_file() for path in named)
