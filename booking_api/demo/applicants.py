"""The demo's people: the same dozen every time, with vehicles for the pools that count vehicles.

Imports msgspec only.
"""

import msgspec


class Applicant(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody a visitor of the demo can be."""

    account: str
    name: dict[str, str]
    vehicles: tuple[str, ...]


_PEOPLE = (
    ("李雷", "Li Lei", ("浙A12345",)),
    ("韩梅梅", "Han Meimei", ("浙A7K208",)),
    ("陈思远", "Chen Siyuan", ("浙A3M516", "浙AD08271")),
    ("王雨桐", "Wang Yutong", ("浙A9Q640",)),
    ("赵明轩", "Zhao Mingxuan", ("浙B61T03",)),
    ("林晓雯", "Lin Xiaowen", ("浙B2H975",)),
    ("周子涵", "Zhou Zihan", ("浙BF53610",)),
    ("吴佳怡", "Wu Jiayi", ("浙F4R182",)),
    ("徐浩然", "Xu Haoran", ("浙F80L27",)),
    ("孙若曦", "Sun Ruoxi", ("浙FD26059",)),
    ("马天宇", "Ma Tianyu", ("浙A5C731",)),
    ("朱静姝", "Zhu Jingshu", ("浙B0W398",)),
)

APPLICANTS: tuple[Applicant, ...] = tuple(
    Applicant(account=f"applicant-{number}", name={"zh-CN": chinese, "en": latin}, vehicles=vehicles)
    for number, (chinese, latin, vehicles) in enumerate(_PEOPLE, start=1)
)
"""`applicant-1` to `applicant-12`."""


def applicant(account: str) -> Applicant | None:
    """The demo applicant with this account id.

    >>> applicant("applicant-1").vehicles
    ('浙A12345',)
    >>> applicant("somebody-else") is None
    True
    """
    return next((person for person in APPLICANTS if person.account == account), None)
