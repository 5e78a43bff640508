"""Settings from the environment."""

from pathlib import Path

import pytest

from booking_api.settings import Rate, Settings, SettingsError, read_settings


def test_an_empty_environment_gives_the_defaults():
    assert read_settings({"PATH": "/bin"}) == Settings()


def test_every_variable_is_read():
    settings = read_settings(
        {
            "GONGDAO_DATA": "/srv/gongdao",
            "GONGDAO_DATABASE_URL": "postgresql://u@h/d",
            "GONGDAO_VALKEY_URL": "redis://a:1,b:2",
            "GONGDAO_PORT": "80",
            "GONGDAO_WORKERS": "4",
            "GONGDAO_ACCOUNT_RATE": "0.5/3",
            "GONGDAO_TRUSTED_PROXIES": "10.0.0.0/8, ::1/128",
            "GONGDAO_TOKEN_KEY_FILE": "/etc/key",
            "GONGDAO_PUBLIC_URL": "https://Booking.example.cn:443/",
        }
    )
    assert settings.database_url == "postgresql+asyncpg://u@h/d"
    assert settings.account_rate == Rate(0.5, 3)
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1/128")
    assert settings.key_file == Path("/etc/key")
    assert settings.origin == "https://booking.example.cn"
    assert settings.own_origins == {"https://booking.example.cn"}
    assert not settings.embedded


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "0"),
        ("PORT", "８０"),
        ("PORT", "http"),
        ("WORKERS", "-1"),
        ("ACCOUNT_RATE", "5"),
        ("ACCOUNT_RATE", "nan/5"),
        ("NETWORK_RATE", "5/0"),
        ("DATABASE_URL", "mysql://x"),
        ("VALKEY_URL", "http://x"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("LOG_FORMAT", "xml"),
        ("LOG_REQUESTS", "some"),
        ("DEMO_SIGN_INS", "yes"),
        ("WEBHOOKS_LOOPBACK", "yes"),
        ("PAYMENTS_URL", "http://pay.example.com"),
        ("PAYMENTS_URL", "https://"),
        ("PAYMENTS_URL", "https://pay.example.com/?x=1"),
        ("PAYMENTS_URL", "https://pay.example.com"),
        ("PAYMENTS_KEY_FILE", "/etc/payment.key"),
        ("PAYMENTS_MERCHANT", "杭州"),
        ("PUBLIC_URL", "booking.example.cn"),
        ("PUBLIC_URL", "ftp://booking.example.cn"),
        ("PUBLIC_URL", "http://booking.example.cn"),
        ("PUBLIC_URL", "https://booking.example.cn/app"),
        ("PUBLIC_URL", "https://booking.example.cn?a"),
        ("PUBLIC_URL", "https://u@booking.example.cn"),
        ("PUBLIC_URL", "https://booking.example.cn:99999"),
        ("PUBLIC_URL", "https://[::1"),
        ("PUBLIC_URL", "https://驾考.cn"),
        ("PUBLIC_URL", "https://a b"),
        ("PUBLIC_URL", "https://"),
        ("VERIFICATION_SOURCES", "register,sms"),
        ("VERIFICATION_SOURCES", "register,register"),
        ("VERIFICATION_SOURCES", "http"),
        ("VERIFICATION_URL", "http://identity.example.cn/match"),
        ("VERIFICATION_URL", "https://identity.example.cn/match"),
        ("SMS_URL", "https://user:word@sms.example.cn"),
        ("SMS_KEY_FILE", "/etc/key"),
        ("OIDC_ISSUER", "https://"),
        ("OIDC_CLIENT_ID", "gongdao"),
        ("OIDC_CLIENT_ID", "a\nb"),
        ("PROT", "80"),
    ],
)
def test_an_unusable_variable_is_named(variable, value):
    with pytest.raises(SettingsError, match=f"GONGDAO_{variable}"):
        read_settings({f"GONGDAO_{variable}": value})


def test_all_problems_are_told_at_once():
    with pytest.raises(SettingsError) as told:
        read_settings({"GONGDAO_PORT": "x", "GONGDAO_WORKERS": "x", "GONGDAO_DATABASE_URL": "postgresql://h"})
    assert len(str(told.value).splitlines()) == 3


def test_demo_sign_ins_need_loopback():
    with pytest.raises(SettingsError, match="anybody could be anybody"):
        read_settings({"GONGDAO_DEMO_SIGN_INS": "on", "GONGDAO_HOST": "0.0.0.0"})


def test_webhooks_to_this_machine_need_loopback():
    with pytest.raises(SettingsError, match="GONGDAO_WEBHOOKS_LOOPBACK"):
        read_settings({"GONGDAO_WEBHOOKS_LOOPBACK": "on", "GONGDAO_HOST": "0.0.0.0"})
    assert read_settings({"GONGDAO_WEBHOOKS_LOOPBACK": "on"}).webhooks_loopback


def test_a_payment_provider_is_an_address_and_a_key():
    environment = {
        "GONGDAO_PAYMENTS_URL": "https://pay.example.com/v1",
        "GONGDAO_PAYMENTS_KEY_FILE": "/etc/payment.key",
    }
    settings = read_settings(environment)
    assert (settings.payments_url, settings.payments_merchant) == ("https://pay.example.com/v1", "gongdao")
    assert settings.payments_key_file == Path("/etc/payment.key")


def test_without_a_public_url_a_loopback_server_is_reached_by_every_loopback_name():
    assert Settings().origin == "http://127.0.0.1:8000"
    assert Settings().own_origins == {
        "http://127.0.0.1:8000",
        "http://localhost:8000",
        "http://[::1]:8000",
    }
    assert Settings(host="10.0.0.5", port=80).own_origins == {"http://10.0.0.5"}


@pytest.mark.parametrize(
    ("settings", "safe"),
    [
        (Settings(), True),
        (Settings(host="0.0.0.0"), False),
        (Settings(host="0.0.0.0", public_url="https://booking.example.cn"), True),
        (Settings(public_url="http://localhost:8000"), True),
    ],
)
def test_cookies_are_safe_where_no_network_can_read_them(settings, safe):
    assert settings.keeps_cookies_safe is safe


def test_other_systems_are_told_of_with_what_it_takes_to_speak_with_them():
    settings = read_settings(
        {
            "GONGDAO_VERIFICATION_SOURCES": "http, register",
            "GONGDAO_VERIFICATION_URL": "https://identity.example.cn/match",
            "GONGDAO_VERIFICATION_KEY_FILE": "/etc/identity.key",
            "GONGDAO_SMS_URL": "http://127.0.0.1:8080/send",
            "GONGDAO_SMS_KEY_FILE": "/etc/sms.key",
            "GONGDAO_OIDC_ISSUER": "https://login.example.cn/realm",
            "GONGDAO_OIDC_CLIENT_ID": "gongdao",
            "GONGDAO_OIDC_CLIENT_SECRET_FILE": "/etc/oidc.secret",
        }
    )
    assert settings.verification_sources == ("http", "register")
    assert settings.oidc_issuer == "https://login.example.cn/realm"
    assert read_settings({"GONGDAO_VERIFICATION_SOURCES": "none"}).verification_sources == ()
