"""Who is let through: names of the server, pages of other sites, and the token for access."""

import pytest

from jaxfake.serving.gate.hosts import KnownHosts, is_loopback
from jaxfake.serving.refusal import Refusal
from tests.serving.conftest import PICTURE


def status(served, host):
    return served.client.get("/api/session", headers={"Host": host}).status_code


def test_another_name_for_this_machine_is_refused(served):
    for host in ("localhost:8000", "127.0.0.1:9", "[::1]:8000", "LOCALHOST"):
        assert status(served, host) == 200, host
    for host in (
        "evil.example",
        "localhost.evil.example:8000",
        "evil@localhost",
        "192.168.1.7:8000",
        "localhost:x",
        "",
        "[::1",
    ):
        assert status(served, host) == 421, host


def test_at_another_address_its_own_name_and_addresses_are_known(serving):
    with serving(host="lab.example", names=("proxy.example",)) as served:
        for host in ("lab.example:8000", "PROXY.example", "192.168.1.7:8000", "localhost"):
            assert status(served, host) == 200, host
        assert status(served, "evil.example") == 421


def test_which_hosts_are_of_this_machine_alone():
    assert [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1")] == [True] * 3
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "lab")] == [False] * 4


def test_two_host_headers_are_refused():
    class Two:
        class headers:
            @staticmethod
            def getlist(_):
                return ["localhost", "evil.example"]

    with pytest.raises(Refusal):
        KnownHosts("127.0.0.1").check(Two)


CROSS_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # another port of this machine
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "null"},  # a sandboxed frame
]


def test_other_sites_can_neither_send_nor_remove_nor_read(served):
    person = served.person()
    job = person.ended(person.send().json()["id"])["id"]
    path = f"/api/jobs/{job}"
    for headers in CROSS_SITE:
        assert person.send(**headers).status_code == 403, headers
        assert person.client.delete(path, headers=person.headers | headers).status_code == 403
        assert person.client.get(path, headers=headers).status_code == 403
        assert person.client.get("/api/session", headers=headers).status_code == 403
    assert [job["state"] for job in person.client.get("/api/jobs").json()] == ["done"]


def test_the_page_itself_may_send(served):
    person = served.person()
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8000"}
    assert person.send(**own).status_code == 201
    assert person.client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_without_the_token_of_the_page_nothing_is_changed(served):
    person, other = served.person(), served.person()
    for token in ("", "wrong", other.headers["X-Jaxfake-Token"]):
        person.headers = {"X-Jaxfake-Token": token}
        assert person.send().status_code == 403
    assert served.files() == []


TOKEN = "a token of sixteen letters or more"


@pytest.fixture
def guarded(serving):
    """A server that asks for a token."""
    with serving(token=TOKEN, host="0.0.0.0") as running:
        yield running


def test_without_the_token_only_the_empty_page_is_shown(guarded):
    client = guarded.client
    assert client.get("/").status_code == 200
    assert client.get("/api/openapi.json").status_code == 200
    job = f"/api/jobs/{'0' * 32}"
    session = client.get("/api/session").json()
    assert (session["admitted"], session["page_token"]) == (False, "")
    for path in ("/api/jobs", job, f"{job}/report", f"{job}/results"):
        answer = client.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        sent = client.post("/api/jobs", content=PICTURE, headers=headers)
        assert sent.status_code == 401
    assert guarded.files() == []


def test_a_browser_is_let_in_once_it_knows_the_token(guarded):
    client = guarded.client
    for body in ({"token": "wrong"}, {"token": TOKEN[:-1]}):
        assert client.post("/api/access", json=body).status_code == 403
    for content in (b"", b"{", b"[]", b'{"token": 1}', b"[" * 4000):
        assert client.post("/api/access", content=content).status_code == 422
    assert client.post("/api/access", content=b" " * 70_000).status_code == 413
    assert client.get("/api/jobs").status_code == 401
    cross = {"Origin": "https://evil.example"}
    assert client.post("/api/access", json={"token": TOKEN}, headers=cross).status_code == 403
    granted = client.post("/api/access", json={"token": TOKEN})
    assert granted.status_code == 204
    assert TOKEN not in granted.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict"} <= set(granted.headers["set-cookie"].split("; "))
    assert client.get("/api/jobs").json() == []


def test_a_program_sends_the_token_alone(guarded):
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    sent = guarded.client.post("/api/jobs", content=PICTURE, headers=bearer)
    assert sent.status_code == 201
    path = f"/api/jobs/{sent.json()['id']}"
    assert guarded.client.get("/api/jobs", headers=bearer).json()[0]["id"] == sent.json()["id"]
    assert guarded.client.delete(path, headers=bearer).status_code == 204
