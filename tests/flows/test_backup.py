"""A backup of a platform that goes on taking confirms, and the platform it becomes elsewhere: real servers, real HTTP."""

import asyncio
import json
import threading
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.identity.tokens import issue_token, load_key
from reservation import Kernel
from reservation.database import create_engine
from tests.conftest import make_city
from tests.serving import Serving, gongdao

pytestmark = pytest.mark.slow
SITE, STATION = "hz-xihu", "st-xihu"
PASSWORD = "four horses, one cart"
PERSON = {
    "login": "zhang.wei",
    "identity_number": "11010519491231002X",
    "name": "张伟",
    "phone": "13800138000",
    "password": PASSWORD,
}
BEFORE = 20


class Platform:
    """A running installation on its own data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.serving = Serving(data, GONGDAO_WORKERS="1")
        self.serving.wait_ready()
        self.http = httpx.Client(base_url=self.serving.url, timeout=20)

    def headers(self, account: str, *roles: str) -> dict[str, str]:
        key = load_key(self.data / "keys" / "token.jwk")
        made = issue_token(key, account=account, now_s=clock.now_s(), life_s=900, verified=True, roles=roles)
        return {"Authorization": f"Bearer {made}"}

    def sign_in(self) -> dict[str, str]:
        answer = self.http.post("/api/v1/sign-in", json={"login": PERSON["login"], "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def book(self, headers: dict[str, str], pool: int, unit: int, *, key: str) -> str:
        held = self.http.post("/api/v1/holds", json={"pool": pool, "units": [unit]}, headers=headers)
        assert held.status_code == 201, held.text
        path = f"/api/v1/holds/{held.json()['id']}/confirm"
        done = self.http.post(path, headers=headers | {"Idempotency-Key": key})
        assert done.status_code == 201, done.text
        return done.json()["id"]

    def stop(self) -> None:
        self.http.close()
        self.serving.stop()


def on_kernel(platform: Platform, work):
    """Work on the platform's servers, beside it."""
    told = json.loads((platform.data / "addresses.json").read_text())

    async def whole():
        engine = create_engine(told["database_url"], connections=4)
        kernel = Kernel(engine, told["valkey_url"], clock=clock.now_ms)
        await kernel.open()
        try:
            return await work(kernel)
        finally:
            await kernel.close()

    return asyncio.run(whole())


async def plan_session(kernel: Kernel, unit: int) -> None:
    """The session as an operator's plan would have it, on in ten minutes; rules are asked from then on."""
    starts = clock.now() + timedelta(minutes=10)
    statement = text(
        """
        WITH p AS (
            INSERT INTO plan (authority, service, title, source, state, created_by, published_by, published_at)
            VALUES ('cn-hz', 'driving_test', '{}', 's', 'published', 'op', 'op', now()) RETURNING id
        )
        INSERT INTO plan_session (plan_id, unit_id, site, title, subject, vehicle_class, quota, starts_at, ends_at, capacity)
        SELECT id, :unit, :site, '{}', 2, 'C1', 'ordinary', :starts, :ends, 5 FROM p
        """
    )
    async with kernel.engine.begin() as connection:
        values = {"unit": unit, "site": SITE, "starts": starts, "ends": starts + timedelta(hours=2)}
        await connection.execute(statement, values)


class Crowd:
    """People who hold and confirm, one after the other, until told to stop."""

    def __init__(self, platform: Platform, pool: int, unit: int) -> None:
        self.acknowledged: list[str] = []
        self.failure: BaseException | None = None
        self._told = (platform, pool, unit)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        platform, pool, unit = self._told
        try:
            while not self._stop.is_set():
                person = f"person-{len(self.acknowledged)}"
                self.acknowledged.append(platform.book(platform.headers(person), pool, unit, key=person))
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            self.failure = error

    def wait_for(self, count: int) -> None:
        while len(self.acknowledged) < count and self.failure is None:
            self._stop.wait(0.01)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        assert self.failure is None, self.failure


def test_a_backup_taken_under_load_becomes_the_same_platform_elsewhere(tmp_path):
    archive = tmp_path / "archive.tar"
    first = Platform(tmp_path / "first")
    try:
        pool, [unit, planned] = on_kernel(first, lambda kernel: make_city(kernel, capacities=(2_000, 5)))
        found_people_and_a_station(first)
        old_token = first.sign_in()
        booking = first.book(old_token, pool, planned, key="mine")
        on_kernel(first, lambda kernel: plan_session(kernel, planned))
        code = first.http.get(f"/api/v1/bookings/{booking}", headers=old_token).json()["check_in_code"]
        crowd = Crowd(first, pool, unit)
        crowd.wait_for(BEFORE)
        before = [booking, *crowd.acknowledged]
        taken = first.serving.run("backup", "--out", str(archive), "--json")
        assert taken.returncode == 0, taken.stderr
        during = len(crowd.acknowledged) - len(before)
        crowd.stop()
        assert during > 0
        refused = gongdao(first.serving.env, "restore", str(archive), "--replace", "gongdao")
        assert (refused.returncode, str(first.serving.process.pid) in refused.stderr) == (2, True)
    finally:
        first.stop()

    elsewhere = first.serving.env | {"GONGDAO_DATA": str(tmp_path / "second")}
    restored = gongdao(elsewhere, "restore", str(archive), "--json")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert json.loads(restored.stdout)["clean"] is True

    second = Platform(tmp_path / "second")
    try:
        there = on_kernel(second, all_bookings)
        assert set(before) <= there
        assert there <= {booking, *crowd.acknowledged}
        assert len(there) == json.loads(taken.stdout)["manifest"]["database"]["rows"]["booking"]
        assert second.http.get("/api/v1/accounts/me", headers=old_token).json()["login"] == PERSON["login"]
        new_token = second.sign_in()
        assert (
            second.http.get(f"/api/v1/bookings/{booking}", headers=new_token).json()["check_in_code"] == code
        )
        examiner = second.headers("an-examiner", f"station:{STATION}")
        at_door = second.http.post("/api/v1/check-ins", json={"code": code}, headers=examiner)
        assert at_door.status_code == 200, at_door.text
        second.book(second.headers("a-late-comer"), pool, unit, key="late")
        assert second.serving.run("audit").returncode == 0
    finally:
        second.stop()


def found_people_and_a_station(platform: Platform) -> None:
    """A verified person with a password, and a station that may check people in at the site."""
    assert platform.http.post("/api/v1/accounts", json=PERSON).status_code == 201
    card = {name: PERSON[name] for name in ("login", "identity_number")}
    clerk, operator = (platform.headers(f"a-{role}", f"{role}:cn-hz") for role in ("clerk", "operator"))
    assert platform.http.post("/api/v1/verifications", json=card, headers=clerk).status_code == 200
    station = {
        "id": STATION,
        "kind": "station",
        "authority": "cn-hz",
        "name": {"en": "Xihu"},
        "sites": [SITE],
    }
    assert platform.http.post("/api/v1/organisations", json=station, headers=operator).status_code == 201


async def all_bookings(kernel: Kernel) -> set[str]:
    async with kernel.engine.connect() as connection:
        return {row.id for row in await connection.execute(text("SELECT id::text FROM booking"))}
