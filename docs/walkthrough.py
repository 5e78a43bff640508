"""The whole way, for real: `make run` in one terminal, `.venv/bin/python docs/walkthrough.py` in another.

Registers people, verifies them at a counter, publishes a plan, books, checks in, sends a school's batch of 200 rows of
which seven are bad, and asks for what the rules forbid to see the reasons. It only uses the public API and the command
line, as an installation's owner would; what it adds to the demo is its own (an authority, a school, a station).
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import httpx

API = f"http://127.0.0.1:{os.environ.get('GONGDAO_PORT', '8000')}"
GONGDAO = [sys.executable, "-m", "booking_api.cli"]
CHINA = timezone(timedelta(hours=8))
TODAY = datetime.now(CHINA).date()
PASSWORD = "four horses, one cart"
TAG = secrets.token_hex(3)
CITY, SCHOOL, STATION, SITE = "cn-zj-wz", f"s-{TAG}", f"st-{TAG}", f"wz-{TAG}"
http = httpx.Client(base_url=API, timeout=30)


def main() -> None:
    """Everything in order; ends with the audit."""
    found_the_office()
    who = open_accounts()
    refuse_the_unverified(who)
    verify_at_the_counter(who)
    unit = publish_a_plan(who)
    booking = book(who["learner"], unit)
    check_in(who, booking)
    ask_what_the_rules_forbid()
    send_a_batch(who)
    say("the audit", gongdao("audit").strip().splitlines()[-1])


def found_the_office() -> None:
    """A city office below the demo's province. Its door opens a day before a session, so that we need not wait."""
    gongdao(
        "authority",
        "add",
        CITY,
        "--level",
        "city",
        "--parent",
        "cn-zj",
        "--name",
        "温州",
        "--name-en",
        "Wenzhou",
    )
    say("an authority", CITY)


def open_accounts() -> dict[str, dict[str, str]]:
    """A learner, a clerk, an operator, a school's manager and a station's examiner: registered, signed in."""
    roles = {
        "learner": [],
        "clerk": [f"clerk:{CITY}"],
        "operator": [f"operator:{CITY}"],
        "manager": [f"school:{SCHOOL}"],
        "examiner": [f"station:{STATION}"],
    }
    people: dict[str, dict[str, str]] = {}
    for name, mine in roles.items():
        login, number = f"{name}.{TAG}", identity_number()
        body = {
            "login": login,
            "identity_number": number,
            "name": "张伟",
            "phone": "13800138000",
            "password": PASSWORD,
        }
        told(http.post("/api/v1/accounts", json=body), 201)
        if mine:
            gongdao("account", "roles", login, *mine)
        people[name] = {"login": login, "number": number, **sign_in(login)}
    say("five accounts", ", ".join(person["login"] for person in people.values()))
    return people


def refuse_the_unverified(who: dict[str, dict[str, str]]) -> None:
    """A check digit proves nothing: until somebody has seen the card, an account can look and hold nothing."""
    answer = http.post("/api/v1/holds", json={"pool": 1, "units": [1]}, headers=bearer(who["learner"]))
    say("before verification", told(answer, 403)["detail"])


def verify_at_the_counter(who: dict[str, dict[str, str]]) -> None:
    """The clerk types the number from the card. The learner signs in again, for a token that says so."""
    card = {"login": who["learner"]["login"], "identity_number": who["learner"]["number"]}
    told(http.post("/api/v1/verifications", json=card, headers=bearer(who["clerk"])), 200)
    who["learner"] |= sign_in(who["learner"]["login"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "certificates.csv"
        issued, last_day = TODAY - timedelta(days=90), TODAY + timedelta(days=1_000)
        file.write_text(
            "number,identity_number,vehicle_class,issued,last_day,authority\n"
            f"walk-{TAG},{who['learner']['number']},C1,{issued},{last_day},{CITY}\n"
        )
        imported = gongdao("register", "import", "learner_certificate", str(file), "--source", "walkthrough")
    say("verified, and a learner certificate imported", imported.strip())


def publish_a_plan(who: dict[str, dict[str, str]]) -> int:
    """The operator sets the office's figures, drafts a plan and publishes it: from then on it is not changed."""
    operator = bearer(who["operator"])
    figures = {
        "settings": {
            "plans": {"publish_ahead_days": 0, "closes_days_before": 0, "check_in_opens_min": 1_440},
            "schools": {"batches": True, "session_share": 0.9, "rows_per_s": 50},
        },
        "reason": "walkthrough",
    }
    told(http.put(f"/api/v1/authorities/{CITY}/settings/driving_test", json=figures, headers=operator), 200)
    for kind, name in (("school", SCHOOL), ("station", STATION)):
        new = {"id": name, "kind": kind, "authority": CITY, "name": {"zh-CN": name, "en": name}}
        told(
            http.post(
                "/api/v1/organisations",
                json=new | ({"sites": [SITE]} if kind == "station" else {}),
                headers=operator,
            ),
            201,
        )
    draft = {
        "authority": CITY,
        "service": "driving_test",
        "title": {"zh-CN": "示例", "en": "Walkthrough"},
        "source": TAG,
    }
    plan = told(http.post("/api/v1/plans", json=draft, headers=operator), 201)["id"]
    about = {
        "site": SITE,
        "title": "温州考场",
        "title_en": "Wenzhou site",
        "subject": 1,
        "vehicle_class": "C1",
    }
    sessions = [
        about
        | {"day": (TODAY + timedelta(days=1)).isoformat(), "start": "00:01", "end": "23:59", "capacity": 5},
        about
        | {"day": (TODAY + timedelta(days=9)).isoformat(), "start": "09:00", "end": "11:00", "capacity": 220},
    ]
    told(http.post(f"/api/v1/plans/{plan}/sessions", json={"sessions": sessions}, headers=operator), 200)
    done = told(http.post(f"/api/v1/plans/{plan}/publish", headers=operator), 200)
    say("a published plan", f"{done['sessions']} sessions, {done['places']} places")
    return find_unit(day=TODAY + timedelta(days=1))


def find_unit(*, day: date) -> int:
    """Finding is open to everybody, signed in or not."""
    pools = told(http.get("/api/v1/pools", params={"authority": CITY}), 200)["pools"]
    query = {"from": day.isoformat(), "until": day.isoformat(), "class": "C1", "free": "true"}
    for _ in range(50):
        found = told(http.get(f"/api/v1/pools/{pools[0]['id']}/units", params=query), 200)["units"]
        mine = [unit for unit in found if unit["site"] == SITE and unit["free"]]
        if mine:
            say("found", f"unit {mine[0]['id']} of pool {mine[0]['pool']}, {mine[0]['free']} free")
            return mine[0]["id"]
        time.sleep(0.2)
    raise SystemExit("the session does not appear")


def book(learner: dict[str, str], unit: int) -> str:
    """Hold, then confirm with a key of one's own: repeated, it is the same booking. Then the calendar entry."""
    pool = told(http.get(f"/api/v1/units/{unit}"), 200)["pool"]
    held = told(
        http.post("/api/v1/holds", json={"pool": pool, "units": [unit]}, headers=bearer(learner)), 201
    )
    key = bearer(learner) | {"Idempotency-Key": f"walk-{TAG}"}
    booking = told(http.post(f"/api/v1/holds/{held['id']}/confirm", headers=key), 201)["id"]
    again = told(http.post(f"/api/v1/holds/{held['id']}/confirm", headers=key), 201)["id"]
    calendar = http.get(f"/api/v1/bookings/{booking}/ticket.ics", headers=bearer(learner)).text
    start = next(line for line in calendar.splitlines() if line.startswith("DTSTART"))
    say("booked", f"{booking}, the same when repeated: {again == booking}; calendar entry {start}")
    return booking


def check_in(who: dict[str, dict[str, str]], booking: str) -> None:
    """The station reads the code that the learner shows, and compares the answer with the card."""
    code = told(http.get(f"/api/v1/bookings/{booking}", headers=bearer(who["learner"])), 200)["check_in_code"]
    at_door = told(http.post("/api/v1/check-ins", json={"code": code}, headers=bearer(who["examiner"])), 200)
    say("checked in", f"{at_door['name']} {at_door['identity_number']}")


def ask_what_the_rules_forbid() -> None:
    """People of the demo at other points of the way: each refusal has its rule, the facts, and the first day."""
    wishes = {
        "applicant-6": ("driving_test", "subject-2", "C1"),
        "applicant-7": ("driving_test", "subject-2", "C1"),
        "applicant-9": ("driving_test", "subject-2", "C1"),
        "applicant-10": ("driving_test", "subject-1", "C1"),
        "applicant-1": ("driving_test", "subject-4", "C1"),
        "applicant-12": ("driving_test", "subject-1", "C1"),
    }
    for account, (service, rule, vehicle_class) in wishes.items():
        token = told(http.post("/demo/sign-in", json={"account": account}), 200)["token"]
        query = {"authority": "cn-zj-hz", "service": service, "rule": rule}
        pool = told(http.get("/api/v1/pools", params=query), 200)["pools"][0]["id"]
        units = told(http.get(f"/api/v1/pools/{pool}/units", params={"class": vehicle_class}), 200)["units"]
        ordinary = next(unit for unit in units if "quota" not in unit["attributes"])
        wish = {"pool": pool, "units": [ordinary["id"]]}
        answer = told(
            http.post("/api/v1/holds", json=wish, headers={"Authorization": f"Bearer {token}"}), 403
        )
        rules = "; ".join(f"{each['rule']} {each['facts']}" for each in answer["rules"])
        say(f"{account}, {rule}", f"{rules} -> first day {answer['first_day']}")


def send_a_batch(who: dict[str, dict[str, str]]) -> None:
    """A school books for 193 learners who let it, and is told what is wrong with the seven other rows."""
    manager = bearer(who["manager"])
    *learners, astray, far = json.loads(
        gongdao("demo", "learners", "--count", "195", "--school", SCHOOL, "--json")
    )
    consent = {"school": SCHOOL, "subjects": [1], "until": (TODAY + timedelta(days=200)).isoformat()}
    told(http.post("/api/v1/consents", json=consent, headers=bearer(who["learner"])), 201)
    unit = find_unit(day=TODAY + timedelta(days=9))
    elsewhere = told(http.get("/api/v1/pools/1/units", params={"class": "C1", "limit": 1}), 200)["units"][0][
        "id"
    ]
    bad = [
        {"learner": learners[0], "units": [unit]},  # twice in one batch
        {
            "learner": who["learner"]["number"],
            "units": [unit],
        },  # has consented, and booked this subject herself
        {"learner": "applicant-1", "units": [unit]},  # has not consented
        {"learner": identity_number(), "units": [unit]},  # nobody we know of; it is not told which
        {"learner": "12345", "units": [unit]},
        {"learner": astray, "units": [999_999_999]},
        {"learner": far, "units": [elsewhere]},  # another office's session
    ]
    rows = [{"learner": account, "units": [unit]} for account in learners] + bad
    key = manager | {"Idempotency-Key": f"batch-{TAG}"}
    batch = told(
        http.post(
            f"/api/v1/schools/{SCHOOL}/batches", json={"mode": "best_effort", "rows": rows}, headers=key
        ),
        202,
    )
    path = f"/api/v1/schools/{SCHOOL}/batches/{batch['id']}"
    while (at := told(http.get(path, headers=manager), 200)["batch"])["ended_at"] is None:
        say("the batch, on its way", f"{at['rows']}")
        time.sleep(2)
    say("the batch", f"{at['state']}: {at['rows']}")
    for row in told(http.get(path, headers=manager), 200)["rows"][len(learners) :]:
        rules = [each for refusal in row["refusals"] for each in refusal.get("rules", [])]
        say(f"row {row['number']}", f"{row['code']} {rules or ''}")


def sign_in(login: str) -> dict[str, str]:
    """Tokens for a login."""
    answer = http.post("/api/v1/sign-in", json={"login": login, "password": PASSWORD})
    return {"token": told(answer, 200)["access_token"]}


def bearer(person: dict[str, str]) -> dict[str, str]:
    """The header of a person's token."""
    return {"Authorization": f"Bearer {person['token']}"}


def told(answer: httpx.Response, status: int) -> dict:
    """The answer's JSON, if it has this status."""
    if answer.status_code != status:
        raise SystemExit(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
    return answer.json()


def gongdao(*words: str) -> str:
    """Runs a command beside the running server; gives what it prints."""
    done = subprocess.run([*GONGDAO, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"gongdao {' '.join(words)}: {done.stderr}")
    return done.stdout


def identity_number() -> str:
    """A well-formed number (GB 11643-1999) that this script made up."""
    born = date(1960, 1, 1) + timedelta(days=secrets.randbelow(14_000))
    digits = f"3303{secrets.randbelow(100):02d}{born:%Y%m%d}{secrets.randbelow(1000):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return digits + "10X98765432"[sum(w * int(d) for w, d in zip(weights, digits, strict=True)) % 11]


def say(what: str, seen: str) -> None:
    """One line of the walk."""
    print(f"{datetime.now(UTC):%H:%M:%S}  {what}: {seen}", flush=True)


if __name__ == "__main__":
    main()
