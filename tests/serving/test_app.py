"""What a person meets: from a file to its result, refusals, turns, and what is left afterwards."""

import dataclasses
import json
import re

import pytest

from tests.processes import until
from tests.serving.conftest import PATIENT, PICTURE


def test_a_file_is_scored_and_only_its_result_is_kept(served):
    person = served.person()
    sent = person.send(name="../../etc/a clip.png")
    assert sent.status_code == 201
    job = person.ended(sent.json()["id"])
    assert (job["name"], job["size"], job["state"]) == ("a clip.png", len(PICTURE), "done")
    assert (job["answer"], job["words"]) == ("cannot_tell", "It cannot be told from this file.")
    assert job["notes"] == ["it is not calibrated"]
    at = f"jobs/{job['id']}"
    left = ("job.json", "report.html", "results.json")
    assert served.files() == [f"{at}/{one}" for one in left]
    assert person.client.get(f"/api/{at}/results").json()["schema"] == "jaxfake.results"
    report = person.client.get(f"/api/{at}/report")
    assert "What was found" in report.text
    assert report.headers["content-security-policy"].startswith("sandbox; default-src 'none';")


def test_progress_and_places_in_the_queue_are_told(served):
    one, other = served.person(), served.person()
    served.hold()
    first, second, third = (
        one.send(PICTURE + letter).json()["id"] for letter in (b"1", b"2", b"3")
    )
    fourth = other.send(PICTURE + b"4").json()["id"]
    one.is_running(first)
    assert one.job(first)["progress"] == {
        "stage": "Reading frames and finding faces",
        "done": 3,
        "total": 12,
    }
    assert [one.job(job)["ahead"] for job in (first, second, fourth, third)] == [None, 1, 2, 3]
    served.let_go()
    one.ended(third)
    assert (served.control / "order").read_bytes() == b"1243"
    assert [job["id"] for job in one.client.get("/api/jobs").json()] == [third, second, first]
    assert [job["id"] for job in other.client.get("/api/jobs").json()] == [fourth]


def test_a_file_that_cannot_be_scored_fails_at_once_in_a_sentence(served):
    person = served.person()
    for content, says in [
        (b"Dear reader, this is text.", "text file"),
        (b"PK\x03\x04 and so on", "archive"),
        (b"GIF89a and so on", "picture of a kind"),
        (bytes(range(256)), "neither a picture nor a video"),
        (PICTURE[:-40], "cut short"),
        (b"\x1a\x45\xdf\xa3" + bytes(2000), "does not open as a video"),
    ]:
        job = person.send(content, name="clip.mp4").json()
        assert job["state"] == "failed", says
        assert says in job["message"]
        assert str(served.folder) not in job["message"]
        assert person.job(job["id"]) == job
    assert {name.rpartition("/")[2] for name in served.files()} == {"job.json"}
    nothing = person.send(b"")
    assert (nothing.status_code, nothing.json()["error"]) == (422, "This file is empty.")


def test_limits_are_refused_before_decoding(serving):
    small = dataclasses.replace(PATIENT, upload_bytes=len(PICTURE), picture_pixels=500)
    with serving(small) as served:
        person = served.person()
        assert "24 x 24 pixels are over the limit" in person.send().json()["message"]

        def unannounced():
            yield PICTURE
            yield b"more"

        for content in (PICTURE + b"more", unannounced()):
            answer = person.send(content)
            assert answer.status_code == 413
            assert "the most that is taken" in answer.json()["error"]
        assert {name.rpartition("/")[2] for name in served.files()} == {"job.json"}


def test_a_full_disk_says_so(serving):
    with serving(dataclasses.replace(PATIENT, upload_bytes=1 << 60)) as served:
        answer = served.person().send()
        assert answer.status_code == 507
        assert "no room" in answer.json()["error"]
        assert served.files() == []


def test_an_error_of_the_server_ends_one_job_and_not_the_next(served, capfd):
    person = served.person()
    served.hold()
    lost, next_one = (person.send().json()["id"] for _ in range(2))
    person.is_running(lost)
    publish, served.store.publish = served.store.publish, None  # calling it fails
    served.let_go()
    assert "through no fault of yours" in person.ended(lost)["message"]
    served.store.publish = publish
    assert person.ended(next_one)["state"] in ("done", "failed")
    assert person.ended(person.send().json()["id"])["state"] == "done"
    assert "is left for the next start" in capfd.readouterr().out


def test_a_result_that_somebody_removed_is_said_not_to_be_there(served):
    person = served.person()
    job = person.ended(person.send().json()["id"])["id"]
    (served.folder / "jobs" / job / "report.html").unlink()
    assert person.client.get(f"/api/jobs/{job}/report").status_code == 409


def test_a_full_queue_says_so(serving):
    with serving(dataclasses.replace(PATIENT, waiting=2, waiting_each=1)) as served:
        one, two, three = (served.person() for _ in range(3))
        served.hold()
        one.is_running(one.send().json()["id"])
        assert [one.send().status_code, two.send().status_code] == [201, 201]
        mine, all_of_us = one.send(), three.send()
        assert [mine.status_code, all_of_us.status_code] == [429, 429]
        assert "You have 1 files waiting" in mine.json()["error"]
        assert "Too many files" in all_of_us.json()["error"]
        assert "retry-after" in mine.headers
        served.let_go()


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("refuse", "This file cannot be used: the picture is cut short."),
        ("fail", "ended without a result"),
        ("garbage", "ended without a result"),
        ("link", "ended without a result"),
        ("memory", "ended without a result"),
        ("disk", "ended without a result"),
    ],
)
def test_a_detector_that_gives_nothing_is_told_in_a_sentence(served, capfd, deed, says):
    served.do(deed)
    person = served.person()
    job = person.ended(person.send().json()["id"])
    assert (job["state"], job["answer"], job["words"]) == ("failed", "", "")
    assert says in job["message"]
    assert str(served.control) not in json.dumps(job)
    assert served.files() == [f"jobs/{job['id']}/job.json"]
    assert person.client.get(f"/api/jobs/{job['id']}/report").status_code == 409
    said = capfd.readouterr().out  # to whoever runs the server
    assert ("something broke" in said) == (deed == "fail")
    assert ("the detector ended with" in said) == (deed != "refuse")


def test_a_detector_that_takes_too_long_is_ended(serving):
    with serving(dataclasses.replace(PATIENT, work_seconds=0.3)) as served:
        served.hold()
        person = served.person()
        job = person.ended(person.send().json()["id"])
        assert job["state"] == "failed"
        assert "took longer than" in job["message"]
        served.let_go()


def test_what_a_detector_leaves_running_is_ended(served):
    served.do("child")
    person = served.person()
    assert person.ended(person.send().json()["id"])["state"] == "done"
    child = int((served.control / "child").read_text())
    until(lambda: not is_alive(child))


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_person_removes_their_own_files_in_any_state(served):
    one, other = served.person(), served.person()
    done = one.ended(one.send().json()["id"])["id"]
    served.hold()
    running, queued = (one.send().json()["id"] for _ in range(2))
    one.is_running(running)
    for job in (running, queued, done):
        path = f"/api/jobs/{job}"
        assert other.client.delete(path, headers=other.headers).status_code == 403
        assert one.client.delete(path, headers=one.headers).status_code == 204
        assert one.client.get(path).status_code == 404
        assert one.client.delete(path, headers=one.headers).status_code == 404
    assert served.files() == []
    served.let_go()
    assert other.ended(other.send().json()["id"])["state"] == "done"


def test_the_oldest_of_whoever_has_most_make_room(serving):
    with serving(dataclasses.replace(PATIENT, kept=3)) as served:
        other, person = served.person(), served.person()
        first = other.send(b"text").json()["id"]
        jobs = [person.send(b"text").json()["id"] for _ in range(4)]
        left = [job["id"] for job in person.client.get("/api/jobs").json()]
        assert left == [jobs[3], jobs[2]]
        assert person.client.get(f"/api/jobs/{jobs[0]}").status_code == 404
        assert other.job(first)["state"] == "failed"


def test_a_restart_keeps_results_and_goes_on(serving):
    with serving() as served:
        person = served.person()
        done = person.ended(person.send().json()["id"])
        served.hold()
        running, queued = (person.send().json()["id"] for _ in range(2))
        person.is_running(running)
    (served.folder / "incoming" / "half").write_bytes(b"half of an upload")
    cookies = person.client.cookies
    with serving() as served:  # the detector still holds
        assert "incoming/half" not in served.files()
        person = served.person()
        person.client.cookies = cookies
        assert person.job(done["id"]) == done
        assert person.client.get(f"/api/jobs/{done['id']}/report").status_code == 200
        assert person.client.get("/api/jobs").json()[0]["id"] == queued
        person.is_running(running)
        served.let_go()
        assert person.ended(queued)["state"] == "done"
        assert person.ended(running)["state"] == "done"


def test_a_file_with_which_two_servers_were_killed_is_not_begun_again(serving):
    with serving() as served:
        person = served.person()
        served.hold()
        job = person.send().json()["id"]
        person.is_running(job)
    file = served.folder / "jobs" / job / "job.json"
    stopped = json.loads(file.read_text())
    assert (stopped["state"], stopped["tries"]) == ("queued", 0)  # a stop is not the file's fault
    file.write_text(json.dumps(stopped | {"state": "running", "tries": 2}))
    with serving() as served:
        left = served.person().job(job)
        assert left["state"] == "interrupted"
        assert "send it again" in left["message"]
        assert served.files() == [f"jobs/{job}/job.json"]


def test_a_damaged_job_is_set_aside_and_the_others_stay(serving, capfd):
    with serving() as served:
        person = served.person()
        good, bad = (person.ended(person.send().json()["id"])["id"] for _ in range(2))
    (served.folder / "jobs" / bad / "job.json").write_text("{")
    (served.folder / "jobs" / bad / "work").mkdir()
    (served.folder / "jobs" / bad / "work" / "upload").write_bytes(PICTURE)
    with serving() as served:
        assert served.person().job(good)["state"] == "done"
        assert served.client.get(f"/api/jobs/{bad}").status_code == 404
        assert not any(name.endswith("/upload") for name in served.files())
    assert "a job is left out" in capfd.readouterr().out


def test_the_page_loads_nothing_from_elsewhere(served):
    page = served.client.get("/")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert served.client.get(f"/jobs/{'0' * 32}").text == page.text
    assert served.client.get("/jobs/..%2f..%2fetc").status_code == 404
    names = [one for one in page.text.split('"') if one.startswith("/files/")]
    assert len(names) == 3
    for name in names:
        asset = served.client.get(name)
        assert asset.status_code == 200
        assert "://" not in asset.text.replace("http://www.w3.org/2000/svg", "")
    assert served.client.get("/files/..%2fapp.py").status_code == 404
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page.text)


def test_every_answer_has_the_headers_and_no_refusal_an_address(served):
    for path in ("/", "/nothing", "/api/jobs/0", "/api/session", "/api/openapi.json"):
        headers = served.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "content-security-policy" in headers
    assert served.client.get("/api/nothing").json() == {"error": "There is no such page."}
    assert served.client.get("/api/jobs/x").json() == {
        "error": "The request is not valid: look at id."
    }


def test_the_description_names_every_endpoint(served):
    described = served.client.get("/api/openapi.json").json()
    assert set(described["paths"]) == {
        "/api/session",
        "/api/access",
        "/api/jobs",
        "/api/jobs/{id}",
        "/api/jobs/{id}/results",
        "/api/jobs/{id}/report",
    }
    send = described["paths"]["/api/jobs"]["post"]
    assert {"201", "403", "413", "422", "429"} <= set(send["responses"])
    wrong = served.client.options(f"/api/jobs/{'0' * 32}")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "DELETE, GET")


def test_an_error_of_the_server_is_told_to_the_terminal_alone(serving):
    with serving() as served:
        served.store.of = None  # calling it fails
        answer = served.client.get("/api/jobs")
        assert answer.status_code == 500
        assert answer.json() == {"error": "Something went wrong here, through no fault of yours."}
        assert [type(error) for error in served.failures] == [TypeError]
        served.failures.clear()
