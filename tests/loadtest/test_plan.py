"""What clients are told before they start, and where they call from."""

import ipaddress
from collections import Counter

import msgspec
import pytest

from loadtest.plan import CLIENTS_LIMIT, Plan, PlanUnusable, read_plan, source_address, write_plan

GOOD = {
    "wave": "first",
    "url": "http://127.0.0.1:8000",
    "key_file": "k",
    "journal": "j",
    "pool": 1,
    "clients": 10,
    "seconds": 30,
}


def test_clients_call_from_loopback_addresses_of_their_own_spread_over_networks():
    addresses = [ipaddress.ip_address(source_address(number)) for number in range(2_000)]
    networks = Counter(ipaddress.ip_network((address, 24), strict=False) for address in addresses)
    assert len(set(addresses)) == 2_000
    assert all(address in ipaddress.ip_network("127.1.0.0/16") for address in addresses)
    assert len(networks) == 250
    assert max(networks.values()) == 8


def test_every_number_a_client_can_have_gives_a_valid_address():
    for number in (0, CLIENTS_LIMIT, 62_499, 62_500, 1_000_000):
        assert ipaddress.ip_address(source_address(number)).is_loopback


def test_a_plan_is_read_as_it_was_written(tmp_path):
    plan = Plan(**GOOD)
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan({"LOADTEST_PLAN": str(tmp_path / "plan.json")}) == plan


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://192.0.2.1:8000"},
        {"url": "https://example.org"},
        {"clients": 0},
        {"clients": CLIENTS_LIMIT + 1},
        {"seconds": 100_000},
        {"surprise": 1},
    ],
)
def test_a_plan_beyond_the_limits_or_off_this_machine_is_refused(tmp_path, wrong):
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(GOOD | wrong))
    with pytest.raises(PlanUnusable):
        read_plan({"LOADTEST_PLAN": str(tmp_path / "plan.json")})


def test_without_a_plan_nothing_starts():
    with pytest.raises(PlanUnusable, match="LOADTEST_PLAN"):
        read_plan({})
