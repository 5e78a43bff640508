"""One URL for one server, a replicated set or a cluster."""

import pytest

from reservation.valkey import ValkeyConfigurationError, split_addresses


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("unix:///run/valkey.sock", ["unix:///run/valkey.sock"]),
        ("redis://a:6379", ["redis://a:6379"]),
        ("valkey://a:6379/2", ["redis://a:6379/2"]),
        ("rediss://a:6379,b:6380", ["rediss://a:6379", "rediss://b:6380"]),
        ("valkeys://u:p@a:1,b:2,c:3/0", ["rediss://u:p@a:1/0", "rediss://u:p@b:2/0", "rediss://u:p@c:3/0"]),
        ("redis://:p%40ss@a:1,b:2", ["redis://:p%40ss@a:1", "redis://:p%40ss@b:2"]),
        ("redis://[::1]:6379,[::1]:6380", ["redis://[::1]:6379", "redis://[::1]:6380"]),
    ],
)
def test_each_address_is_a_url_of_its_own(url, addresses):
    assert split_addresses(url) == addresses


@pytest.mark.parametrize("url", ["http://a:1", "postgresql://a", "a:6379", "", "memcached://a"])
def test_another_scheme_is_refused_by_name(url):
    with pytest.raises(ValkeyConfigurationError, match="GONGDAO_VALKEY_URL"):
        split_addresses(url)


@pytest.mark.parametrize(
    "url", ["redis://", "redis://a:1,", "redis://,a:1", "redis://u:p@", "redis://a:1,,b:2"]
)
def test_a_missing_host_is_refused(url):
    with pytest.raises(ValkeyConfigurationError, match="host"):
        split_addresses(url)


def test_the_refusal_does_not_show_the_password():
    with pytest.raises(ValkeyConfigurationError) as refused:
        split_addresses("amqp://user:secret@a:1")
    assert "secret" not in str(refused.value)
