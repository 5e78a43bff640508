"""The demo's people, the same ones every time: applicants with their vehicles, and somebody for every other role.

Imports msgspec and this room's numbers. Their names are puns or from schoolbooks: nobody is meant.
"""

import msgspec

from booking_api.demo.numbers import identity_number

SCHOOL = "hz-demo-school"
TEST_CENTRE = "hz-demo-test-centre"
INSPECTION_STATION = "hz-demo-inspection"
"""Organisations of the demo city, as `demo.organisations` registers them."""
LEARNERS = 24
"""How many learners have let the demo's school book for them."""
NEWCOMER = "newcomer"
NEWCOMER_NUMBER = 51
STAFF_FIRST_NUMBER = 61


class Applicant(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody a visitor of the demo can be. `stands`: how far they have come, or what they are there for.

    `role` says whose pages are theirs: applicant, school, station, operator, clerk or auditor. `roles`: what their
    account has been given, each a role and what it is for. `number`: which identity number is theirs, see `numbers`.
    """

    account: str
    name: dict[str, str]
    stands: dict[str, str]
    vehicles: tuple[str, ...] = ()
    role: str = "applicant"
    roles: tuple[str, ...] = ()
    verified: bool = True
    number: int


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
_STAFF = (
    (
        "school-agent",
        ("艾学车", "Ai Xueche"),
        f"school:{SCHOOL}",
        f"驾校经办人，{LEARNERS} 名学员已同意代约",
        f"agent of a driving school, {LEARNERS} learners have given consent",
    ),
    (
        "test-site-clerk",
        ("严考场", "Yan Kaochang"),
        f"station:{TEST_CENTRE}",
        "考场工作人员，西湖和萧山考场",
        "clerk of the test sites Xihu and Xiaoshan",
    ),
    (
        "inspection-clerk",
        ("简检车", "Jian Jianche"),
        f"station:{INSPECTION_STATION}",
        "检测站工作人员，拱墅和滨江检测站",
        "clerk of the inspection stations Gongshu and Binjiang",
    ),
    ("operator", ("纪公道", "Ji Gongdao"), "operator:cn-zj-hz", "杭州计划管理员", "operator of Hangzhou"),
    (
        "counter-clerk",
        ("关窗口", "Guan Chuangkou"),
        "clerk:cn-zj-hz",
        "杭州业务窗口人员",
        "counter clerk of Hangzhou",
    ),
    ("auditor", ("查清楚", "Cha Qingchu"), "auditor:cn-zj", "浙江审计员", "auditor of Zhejiang"),
)


def _applicants() -> tuple[Applicant, ...]:
    return tuple(
        Applicant(
            account=f"applicant-{number}",
            name={"zh-CN": chinese, "en": latin},
            stands={"zh-CN": stands, "en": stands_en},
            vehicles=vehicles,
            number=number,
        )
        for number, (chinese, latin, stands, stands_en, vehicles) in enumerate(_PEOPLE, start=1)
    )


def _newcomer() -> Applicant:
    card = identity_number(NEWCOMER_NUMBER)
    return Applicant(
        account=NEWCOMER,
        name={"zh-CN": "辛来客", "en": "Xin Laike"},
        stands={
            "zh-CN": f"尚未核验身份，证件号 {card}",
            "en": f"identity not verified yet, card number {card}",
        },
        verified=False,
        number=NEWCOMER_NUMBER,
    )


def _staff() -> tuple[Applicant, ...]:
    return tuple(
        Applicant(
            account=account,
            name={"zh-CN": chinese, "en": latin},
            stands={"zh-CN": stands, "en": stands_en},
            role=role.partition(":")[0],
            roles=(role,),
            number=number,
        )
        for number, (account, (chinese, latin), role, stands, stands_en) in enumerate(
            _STAFF, start=STAFF_FIRST_NUMBER
        )
    )


APPLICANTS: tuple[Applicant, ...] = (*_applicants(), _newcomer(), *_staff())
"""`applicant-1` to `applicant-12`, the newcomer, and one person for each of the other roles."""


def applicant(account: str) -> Applicant | None:
    """The demo's person with this account id.

    >>> applicant("applicant-1").vehicles
    ('浙A12345',)
    >>> applicant("operator").roles
    ('operator:cn-zj-hz',)
    >>> applicant("somebody-else") is None
    True
    """
    return next((person for person in APPLICANTS if person.account == account), None)
