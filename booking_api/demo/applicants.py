"""The demo's people: the same dozen every time, with vehicles for the pools that count vehicles.

Imports msgspec only.
"""

import msgspec


class Applicant(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody a visitor of the demo can be. `stands`: how far they have come, as `demo.people` has it."""

    account: str
    name: dict[str, str]
    stands: dict[str, str]
    vehicles: tuple[str, ...]


_PEOPLE = (
    ("李雷", "Li Lei", "C1，可约科目一", "C1, subject 1 is next", ("浙A12345",)),
    ("韩梅梅", "Han Meimei", "C1，可约科目二", "C1, subject 2 is next", ("浙A7K208",)),
    ("陈思远", "Chen Siyuan", "C1，可约科目三", "C1, subject 3 is next", ("浙A3M516", "浙AD08271")),
    ("王雨桐", "Wang Yutong", "C1，可约科目四", "C1, subject 4 is next", ("浙A9Q640",)),
    ("赵明轩", "Zhao Mingxuan", "C2，可约科目二", "C2, subject 2 is next", ("浙B61T03",)),
    ("林晓雯", "Lin Xiaowen", "C1，科目二五天前未通过", "C1, failed subject 2 five days ago", ("浙B2H975",)),
    ("周子涵", "Zhou Zihan", "C1，四天前取得学习证明", "C1, certificate of four days ago", ("浙BF53610",)),
    ("吴佳怡", "Wu Jiayi", "C1，学习证明四个月后到期", "C1, certificate ends in four months", ("浙F4R182",)),
    ("徐浩然", "Xu Haoran", "C1，科目二已考五次", "C1, failed subject 2 five times", ("浙F80L27",)),
    ("孙若曦", "Sun Ruoxi", "没有学习证明", "no learner certificate", ("浙FD26059",)),
    ("马天宇", "Ma Tianyu", "C1，可约科目三", "C1, subject 3 is next", ("浙A5C731",)),
    ("朱静姝", "Zhu Jingshu", "B2，可约科目一", "B2, subject 1 is next", ("浙B0W398",)),
)

APPLICANTS: tuple[Applicant, ...] = tuple(
    Applicant(
        account=f"applicant-{number}",
        name={"zh-CN": chinese, "en": latin},
        stands={"zh-CN": stands, "en": stands_en},
        vehicles=vehicles,
    )
    for number, (chinese, latin, stands, stands_en, vehicles) in enumerate(_PEOPLE, start=1)
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
