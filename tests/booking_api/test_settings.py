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
        }
    )
    assert settings.database_url == "postgresql+asyncpg://u@h/d"
    assert settings.account_rate == Rate(0.5, 3)
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1/128")
    assert settings.key_file == Path("/etc/key")
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
        ("DEMO_SIGN_INS", "yes"),
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
