"""`gongdao demo` as a user runs it, against a real server process."""

import json

import httpx
import pytest


def test_a_demo_token_is_accepted_by_the_api(demo):
    done = demo.run("demo", "token", "--account", "applicant-1", "--vehicle", "浙A12345")
    assert (done.returncode, done.stderr) == (0, "")
    headers = {"Authorization": f"Bearer {done.stdout.strip()}"}
    assert httpx.get(f"{demo.url}/api/v1/bookings", headers=headers).status_code == 200
    pools = httpx.get(f"{demo.url}/api/v1/pools").json()["pools"]
    inspection = next(pool["id"] for pool in pools if pool["claimant_kind"] == "vehicle")
    unit = httpx.get(f"{demo.url}/api/v1/pools/{inspection}/units?limit=1").json()["units"][0]["id"]
    body = {"pool": inspection, "units": [unit], "vehicle": "浙A12345"}
    held = httpx.post(f"{demo.url}/api/v1/holds", json=body, headers=headers)
    assert held.status_code == 201
    assert httpx.delete(f"{demo.url}/api/v1/holds/{held.json()['id']}", headers=headers).status_code == 204


@pytest.mark.parametrize("words", [("token", "--account", "a"), ("rush", "--clients", "1")])
def test_what_is_not_a_demo_gets_no_token_and_no_rush(plain, words):
    done = plain.run("demo", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "is not a demo" in done.stderr


def test_without_a_running_server_there_is_no_token(demo, tmp_path):
    done = demo.run("demo", "token", "--account", "a", GONGDAO_DATA=str(tmp_path))
    assert done.returncode == 2
    assert "gongdao serve" in done.stderr


def test_an_account_name_that_is_too_long_is_one_line(demo):
    done = demo.run("demo", "token", "--account", "a" * 101)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_founding_a_city_that_is_there_adds_nothing(demo):
    done = demo.run("demo", "city")
    assert (done.returncode, done.stdout) == (0, "demo city: it is there, nothing added\n")


def test_the_demo_city_is_not_founded_beside_real_pools(demo):
    servers = {"GONGDAO_DATABASE_URL": "postgresql://db/x", "GONGDAO_VALKEY_URL": "redis://kv"}
    done = demo.run("demo", "city", **servers)
    assert done.returncode == 2
    assert "embedded servers only" in done.stderr


def test_a_rush_sells_every_seat_once_and_proves_it(demo):
    done = demo.run("demo", "rush", "--clients", "200", "--seats", "50", "--seed", "7", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["wrong"], told["audit"]) == ([], [])
    assert told["outcomes"]["booked"] == told["stored"] == told["capacity"] == 50
    assert sum(told["outcomes"].values()) == 200
    assert told["outcomes"]["gave_up"] == told["outcomes"]["failed"] == 0
    assert told["latencies"]["confirm"]["requests"] >= 50
    assert httpx.get(f"{demo.url}/api/v1/units/{told['unit']}").json()["booked"] == 50


def test_a_rush_can_be_played_for_a_session_that_is_there(demo):
    """The second rush finds the seats the first one left, and nobody in it has booked before."""
    pools = httpx.get(f"{demo.url}/api/v1/pools").json()["pools"]
    pool = next(pool["id"] for pool in pools if pool["rule"] == "subject-1")
    unit = httpx.get(f"{demo.url}/api/v1/pools/{pool}/units?limit=1").json()["units"][0]
    options = ("--unit", str(unit["id"]), "--json")
    first = json.loads(demo.run("demo", "rush", "--clients", "5", *options).stdout)
    second = json.loads(demo.run("demo", "rush", "--clients", "60", *options).stdout)
    assert first["stored"] + second["stored"] == unit["capacity"]
    assert (first["wrong"], second["wrong"]) == ([], [])


def test_without_a_terminal_a_rush_prints_plain_lines_and_the_tables(demo):
    done = demo.run("demo", "rush", "--clients", "20", "--seats", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert "every one of 5 acknowledged bookings is stored" in done.stdout
    assert "p99 ms" in done.stdout


def test_a_unit_that_is_not_there_is_unusable(demo):
    done = demo.run("demo", "rush", "--unit", "999999")
    assert (done.returncode, done.stderr) == (
        2,
        "gongdao: there is no session of a plan with the unit 999999\n",
    )
