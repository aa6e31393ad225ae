"""Tasks by Apache Beam: each is done or has a named failure, whatever happens to a worker.

Beam has an environment of its own, so most tests wait for `make test-beam`.
"""

import threading
from pathlib import Path

import pytest

from jaxfake.beam import launch, tasks
from jaxfake.beam.runner import Runner, runner_of
from jaxfake.beam.tasks import Common, Task, Work
from jaxfake.runtime.errors import InputError
from tests.beam.cluster import Cluster, needs_beam, needs_dask
from tests.beam.work import GuardedWork, RefusingWork
from tests.processes import FOREVER

DIRECT = Runner("DirectRunner")


def asked(names: list[str], folder: Path) -> list[Task]:
    gate = str(folder / "gate")
    return [Task({"name": name, "gate": gate}, folder / f"{name}.done") for name in names]


def outcomes(
    names: list[str], folder: Path, runner: Runner = DIRECT, work: Work | None = None
) -> dict[str, str]:
    ends = launch.run(asked(names, folder), work or GuardedWork(), runner, 2)
    return {names[end.number]: end.failure for end in ends}


@pytest.fixture
def cluster(tmp_path, processes) -> Cluster:
    folder = tmp_path / "cluster"
    folder.mkdir()
    return Cluster(folder, processes)


@needs_beam
@pytest.mark.slow
def test_a_death_and_a_hang_cost_their_own_task_only(tmp_path):
    ends = outcomes(["a", "die", "b", "hang", "c"], tmp_path)
    assert ends == {
        "a": "",
        "b": "",
        "c": "",
        "die": "the process that worked on it died twice",
        "hang": "it took longer than 30 s",
    }


@needs_beam
@pytest.mark.slow
def test_an_error_of_the_program_is_one_line_and_the_log_has_the_rest(tmp_path):
    with pytest.raises(RuntimeError, match=r"pipeline failed .*KeyError: 'of this task'") as error:
        outcomes(["fail"], tmp_path)
    assert "\n" not in str(error.value)
    assert "Traceback" in (tmp_path / launch.LOG).read_text()


@needs_beam
@pytest.mark.slow
def test_workers_that_write_elsewhere_are_noticed(tmp_path):
    with pytest.raises(InputError, match="1 of 2 files are not in"):
        outcomes(["a", "forget"], tmp_path)


@needs_dask
@pytest.mark.slow
def test_on_a_cluster_every_task_is_shared_out_and_has_its_own_end(tmp_path, cluster):
    ends = outcomes(["a", "die", "b"], tmp_path, cluster.runner)
    assert ends == {"a": "", "b": "", "die": "the process that worked on it died twice"}
    with pytest.raises(RuntimeError, match=r"worker here has \{'opencv': '1'\}, and not"):
        outcomes(["a"], tmp_path, cluster.runner, RefusingWork())


@needs_dask
@pytest.mark.slow
def test_a_killed_worker_of_a_cluster_loses_nothing(tmp_path, cluster):
    """Both workers are in the middle of a task when one is killed: the engine gives its task to another."""
    names = ["wait1", "wait2", "a", "b"]
    found: dict[str, str] = {}

    def follow() -> None:
        found.update(outcomes(names, tmp_path, cluster.runner, GuardedWork(FOREVER)))

    job = threading.Thread(target=follow)
    job.start()
    killed = cluster.kill_one_at_work()
    (tmp_path / "gate").touch()
    job.join()
    assert found == dict.fromkeys(names, "")
    assert killed not in cluster.workers()


@pytest.mark.parametrize("count", [1, 3, 2500])
def test_the_parts_of_a_file_of_tasks_hold_each_task_once(tmp_path, count):
    many = asked([f"Bjørn\n{n}\udcff" for n in range(count)], tmp_path)
    parts = launch._write_tasks(many, tmp_path / "tasks")
    read = [[*tasks.read(tmp_path / "tasks", part)] for part in parts]
    assert len(parts) == min(count, 1000)
    assert max(map(len, read)) - min(map(len, read)) <= 1
    assert [tasks.from_line(line) for lines in read for line in lines] == many


def test_a_machine_with_other_versions_or_without_the_source_is_named(tmp_path):
    common = Common({"opencv": "2"}, tmp_path)
    common.check({"opencv": "2"})
    with pytest.raises(RuntimeError, match=r"has \{'opencv': '1'\}, and not \{'opencv': '2'\}"):
        common.check({"opencv": "1"})
    with pytest.raises(RuntimeError, match="does not see"):
        Common({}, tmp_path / "nothing").check({})


def test_a_runner_needs_what_it_runs_on(monkeypatch):
    there = {"apache_beam", "distributed"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in there or None)
    assert runner_of(None, []) is None
    assert runner_of("DaskRunner", ["a=b"]) == Runner("DaskRunner", ("a=b",))
    there.remove("distributed")
    with pytest.raises(InputError, match=r"distributed, which is not installed.*\[beam,dask\]"):
        runner_of("DaskRunner", [])
    assert runner_of("DirectRunner", []) == DIRECT
    there.remove("apache_beam")
    with pytest.raises(InputError, match=r"apache_beam, which is not installed.*\[beam\]"):
        runner_of("DaskRunner", [])
    with pytest.raises(InputError, match="name its --beam_runner"):
        runner_of(None, ["a=b"])
