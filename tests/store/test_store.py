"""A run's folder and its store, as files and objects: what is uploaded, in which order, and believed."""

import hashlib
import json
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from jaxfake.runtime.errors import InputError
from jaxfake.store import layout
from jaxfake.store.around import mirrored
from jaxfake.store.claims import read_marker
from jaxfake.store.layout import Step
from jaxfake.store.pull import pull
from jaxfake.store.push import Push
from jaxfake.store.remote import Remote, StoreError

CONFIG = "c0ffee"


class Unsteady(Remote):
    """A store that writes down what is changed in it, and fails at the call that it is told to."""

    def __init__(self, url: str, fail_at: int | None = None) -> None:
        super().__init__(url, silence=5.0)
        self.changed: list[str] = []
        self.calls, self.fail_at = 0, fail_at
        self.before: Callable[[str], object] = lambda name: None

    def _call(self, method: str, *args: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls - 1 == self.fail_at:
            raise StoreError("the wire was cut")
        if method in ("put_file", "pipe_file", "rm_file"):
            name = args[1 if method == "put_file" else 0].removeprefix(self._root + "/")
            self.before(name)
            self.changed.append(f"-{name}" if method == "rm_file" else name)
        return super()._call(method, *args, **options)


@pytest.fixture
def url() -> Iterator[str]:
    """Of an empty store in memory."""
    url = f"memory://{uuid.uuid4().hex}"
    yield url
    memory = fsspec.filesystem("memory")
    if memory.exists(url):
        memory.rm(url, recursive=True)


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """Two stages, three checkpoints, some results."""
    workdir = tmp_path / "run"
    save(workdir, "recover", 5)
    save(workdir, "recover", 10)
    save(workdir, "detect", 3)
    begin(workdir)
    write(workdir / "eval" / "tiny" / "scores.csv", "0.5")
    write(workdir / "DONE", "all went well")
    return workdir


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def begin(workdir: Path, config: str = CONFIG) -> None:
    """What every run has."""
    write(workdir / "config.json", json.dumps({"sha256": config}))
    write(workdir / "metrics.jsonl", "{}\n")


def save(workdir: Path, stage: str, number: int, what: str = "", size: int = 100) -> None:
    """A checkpoint as it is committed: all at once."""
    making = workdir / "checkpoints" / stage / f"{number}.orbax-checkpoint-tmp"
    write(making / "state" / "d" / "arrays", f"{stage} {number} {what} " + "x" * size)
    write(making / "meta" / "metadata", f"notes of {number} {what}")
    write(making / "state" / "empty", "")
    making.rename(making.with_name(str(number)))


def whole_steps(url: str) -> set[str]:
    """Names of the checkpoints that have a marker; fails if one of them is not whole."""
    remote = Remote(url, 5.0)
    names = remote.names()
    found = {step for name in names if (step := layout.marker_step(name))}
    for step in found:
        files = read_marker(remote, step, names)
        assert files is not None, step
        for name, facts in files.items():
            target = Path(shutil.os.devnull)
            assert remote.get(f"{step.name}/{name}", facts.size, target) == facts.sha256, step
    return {f"{step.stage} {step.number}" for step in found}


def tree(workdir: Path) -> dict[str, str]:
    """All that a run consists of."""
    found = {str(p.relative_to(workdir)): p for p in workdir.rglob("*") if p.is_file()}
    return {name: path.read_text() for name, path in found.items()}


def uploaded(url: str, workdir: Path) -> Push:
    push = Push(workdir, Remote(url, 5.0), CONFIG, frozenset())
    push.catch_up(records_too=True)
    assert not push.lacking()
    return push


def test_the_newest_goes_first_its_marker_after_it_and_done_last(url: str, workdir: Path) -> None:
    write(workdir / ".scratch", "")
    write(workdir / "prepared" / "faces", "")
    write(workdir / "checkpoints" / "damaged" / "recover-7" / "file", "")
    save(workdir, "recover", 11)
    (workdir / "checkpoints/recover/11").rename(
        workdir / "checkpoints/recover/11.orbax-checkpoint-tmp"
    )
    remote = Unsteady(url)
    Push(workdir, remote, CONFIG, frozenset()).catch_up(records_too=True)
    folders = [name.rpartition("/state")[0] for name in remote.changed if name.endswith("/empty")]
    assert folders == [f"checkpoints/{one}" for one in ("detect/3", "recover/10", "recover/5")]
    for folder in folders:
        marker = remote.changed.index(f"{folder}.complete.json")
        files = [i for i, name in enumerate(remote.changed) if name.startswith(f"{folder}/")]
        assert len(files) == 3
        assert max(files) < marker
        assert remote.changed.index("metrics.jsonl") < marker  # what was measured up to there
    assert remote.changed[-1] == "DONE"
    assert not any(
        word in name for name in remote.changed for word in ("tmp", "scratch", "damaged")
    )
    assert not any("prepared" in name for name in remote.changed)


def test_dying_at_any_call_a_marker_never_lies_and_the_next_try_catches_up(
    url: str, workdir: Path, tmp_path: Path
) -> None:
    uploaded(url, workdir)
    begun = shutil.copytree(workdir, tmp_path / "begun")
    for retired in ("recover/5", "recover/10"):
        shutil.rmtree(workdir / "checkpoints" / retired)
    save(workdir, "recover", 10, "trained again, with another content")
    save(workdir, "recover", 15)
    died = 0
    while True:
        fresh = f"{url}/{died}"
        uploaded(fresh, begun)
        remote = Unsteady(fresh, fail_at=died)
        push = Push(workdir, remote, CONFIG, frozenset())
        try:
            push.catch_up(records_too=True)
            break
        except StoreError:
            died += 1
        assert {"recover 10", "recover 15"} & whole_steps(fresh)
        push.catch_up(records_too=True)
        assert whole_steps(fresh) == {"detect 3", "recover 10", "recover 15"}
    assert died > 20


def test_what_retention_deleted_here_stays_until_the_newest_is_there(
    url: str, workdir: Path
) -> None:
    uploaded(url, workdir)
    shutil.rmtree(workdir / "checkpoints/recover/5")
    shutil.rmtree(workdir / "checkpoints/recover/10")
    save(workdir, "recover", 15)
    remote = Unsteady(url)
    remote.before = lambda name: "recover/15" in name and whole_steps(url)
    Push(workdir, remote, CONFIG, frozenset()).catch_up(records_too=False)
    arrived = remote.changed.index("checkpoints/recover/15.complete.json")
    deleted = [i for i, name in enumerate(remote.changed) if name.startswith("-")]
    assert len(deleted) == 8
    assert min(deleted) > arrived
    assert whole_steps(url) == {"detect 3", "recover 15"}
    assert not any("recover/10" in name for name in remote.names())


def test_the_last_one_there_stays_though_a_newer_one_just_came_here(
    url: str, workdir: Path
) -> None:
    remote = Unsteady(url)

    def retire(name: str) -> None:
        if name == "DONE":  # the last to be uploaded
            shutil.rmtree(workdir / "checkpoints/recover/10")
            save(workdir, "recover", 15)

    remote.before = retire
    push = Push(workdir, remote, CONFIG, frozenset())
    push.catch_up(records_too=True)
    assert "recover 10" in whole_steps(url)
    push.catch_up(records_too=False)
    assert whole_steps(url) == {"detect 3", "recover 5", "recover 15"}


def test_a_checkpoint_that_retention_deletes_meanwhile_arrives_whole(
    url: str, workdir: Path
) -> None:
    remote = Unsteady(url)

    def retire(name: str) -> None:
        if "recover/10/" in name:
            shutil.rmtree(workdir / "checkpoints/recover/10", ignore_errors=True)
            if not (workdir / "checkpoints/recover/12").exists():
                save(workdir, "recover", 12)

    remote.before = retire
    Push(workdir, remote, CONFIG, frozenset()).catch_up(records_too=True)
    markers = [name for name in remote.changed if name.endswith("complete.json")]
    assert markers == [
        "checkpoints/detect/3.complete.json",
        "checkpoints/recover/10.complete.json",
        "checkpoints/recover/12.complete.json",
        "checkpoints/recover/5.complete.json",
        "-checkpoints/recover/10.complete.json",
    ]
    assert whole_steps(url) == {"detect 3", "recover 5", "recover 12"}
    assert not (workdir / ".mirror").exists()


def test_a_score_that_is_added_later_comes_too_and_nothing_else(url: str, workdir: Path) -> None:
    uploaded(url, workdir)
    write(workdir / "checkpoints/recover/10/score.json", "0.9")
    remote = Unsteady(url)
    push = Push(workdir, remote, CONFIG, frozenset())
    push.catch_up(records_too=False)
    there = [name for name in remote.changed if name.startswith("checkpoints")]
    assert there == ["checkpoints/recover/10/score.json", "checkpoints/recover/10.complete.json"]
    assert "recover 10" in whole_steps(url)


def test_an_empty_machine_gets_all_of_it_back(url: str, workdir: Path, tmp_path: Path) -> None:
    uploaded(url, workdir)
    pulled = pull(Remote(url, 5.0), tmp_path / "new", CONFIG)
    assert len(pulled.fetched) == 3
    assert tree(tmp_path / "new") == tree(workdir)


def test_a_damaged_checkpoint_is_named_left_out_and_replaced(
    url: str, workdir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uploaded(url, workdir)
    Remote(url, 5.0).put_bytes(b"notes of 11 ", "checkpoints/recover/10/meta/metadata")  # as long
    new = tmp_path / "new"
    pulled = pull(Remote(url, 5.0), new, CONFIG)
    assert "recover/10 is damaged (meta/metadata differs" in capsys.readouterr().out
    assert Step("recover", 5) in pulled.fetched
    assert not (new / "checkpoints/recover/10").exists()
    save(new, "recover", 10)
    push = Push(new, Remote(url, 5.0), CONFIG, pulled.damaged)
    push.catch_up(records_too=False)
    assert whole_steps(url) == {"detect 3", "recover 5", "recover 10"}


def test_half_a_checkpoint_is_none(url: str, workdir: Path, tmp_path: Path) -> None:
    uploaded(url, workdir)
    for name in ("recover/10/state/d/arrays", "recover/5/meta/metadata", "detect/3.complete.json"):
        Remote(url, 5.0).delete(f"checkpoints/{name}")
    with pytest.raises(InputError, match="every checkpoint of recover in memory:"):
        pull(Remote(url, 5.0), tmp_path / "new", CONFIG)
    assert not list((tmp_path / "new" / "checkpoints").rglob("[0-9]*"))


@pytest.mark.parametrize("name", ["../../../evil", "/evil", "a/../../evil", "..\\evil", "C:evil"])
def test_names_that_lead_elsewhere_are_refused(
    name: str, url: str, workdir: Path, tmp_path: Path
) -> None:
    uploaded(url, workdir)
    remote = Remote(url, 5.0)
    evil = layout.to_json({name: layout.Facts(1, hashlib.sha256(b"x").hexdigest())})
    remote.put_bytes(evil, "checkpoints/recover/10.complete.json")
    remote.put_bytes(b"x", f"checkpoints/recover/10/{name}")
    remote.put_bytes(b"x", "eval\\..\\..\\evil")
    new = tmp_path / "below" / "new"
    assert Step("recover", 10) in pull(remote, new, CONFIG).damaged
    assert not list(tmp_path.rglob("*evil*"))


def test_a_store_that_is_ahead_is_caught_up_with(url: str, workdir: Path, tmp_path: Path) -> None:
    behind = shutil.copytree(workdir, tmp_path / "behind")
    (behind / "DONE").unlink()
    write(workdir / "metrics.jsonl", "{}\n{}\n")
    save(workdir, "detect", 6)
    uploaded(url, workdir)
    assert pull(Remote(url, 5.0), behind, CONFIG).fetched == [Step("detect", 6)]
    assert tree(behind) == tree(workdir)
    save(behind, "detect", 9)
    (behind / "DONE").unlink()
    assert pull(Remote(url, 5.0), behind, CONFIG).fetched == []
    assert not (behind / "DONE").exists()


def test_stopped_while_catching_up_it_catches_up_next_time(
    url: str, workdir: Path, tmp_path: Path
) -> None:
    behind = shutil.copytree(workdir, tmp_path / "behind")
    (behind / "DONE").unlink()
    write(workdir / "metrics.jsonl", "{}\n{}\n")
    for stage, step in (("recover", 8), ("recover", 20), ("detect", 6)):
        save(workdir, stage, step)
    uploaded(url, workdir)
    calls, stopped = 0, 0
    while True:
        machine = shutil.copytree(behind, tmp_path / f"machine{calls}")
        try:
            pull(Unsteady(url, fail_at=calls), machine, CONFIG)
            break
        except StoreError:
            stopped += 1
        pull(Remote(url, 5.0), machine, CONFIG)
        expected = tree(workdir) if (machine / "DONE").exists() else tree(workdir).keys() - {"DONE"}
        assert set(tree(machine)) == set(expected)
        assert (machine / "metrics.jsonl").read_text() == "{}\n{}\n"
        calls += 1
    assert stopped > 10


def test_a_store_of_another_run_is_refused(url: str, workdir: Path, tmp_path: Path) -> None:
    uploaded(url, workdir)
    with pytest.raises(InputError, match="holds another run"):
        pull(Remote(url, 5.0), tmp_path / "new", "decaf")
    assert not (tmp_path / "new").exists()
    begin(tmp_path / "other", "decaf")  # begun while the store was away
    with pytest.raises(InputError, match="holds another run"):
        Push(tmp_path / "other", Remote(url, 5.0), "decaf", frozenset()).catch_up(True)


def test_a_workdir_of_another_run_does_not_get_into_the_store(url: str, workdir: Path) -> None:
    with mirrored(workdir, url, "decaf"):
        pass  # the job refuses it
    assert Remote(url, 5.0).names() == {}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("runs/mover", "is no URL"),
        ("s3://", "is no URL"),
        ("s4://bucket/run", "s4"),
        ("s3://key:secret@bucket/run", "leave credentials to the environment"),
    ],
)
def test_a_url_that_cannot_be_is_one_line(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        Remote(url, 5.0)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_package_is_named_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(InputError, match=r"pip install -e '\.\[gcs\]' -c constraints\.txt"):
        Remote("gs://bucket/run", 5.0)
