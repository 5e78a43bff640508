"""The live page's sentences in Chinese and English, and how each writes a day. Imports the standard library only."""

from collections.abc import Mapping
from datetime import date
from typing import Literal, NamedTuple

Language = Literal["zh-CN", "en"]
LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")

# key: (Chinese, English). Keys that begin with `problem.` are refusal codes of the API; in English the API's own
# sentence is shown.
_WORDS: dict[str, tuple[str, str]] = {
    "brand": ("公道", "Gongdao"),
    "claim": ("席位不超发，人人可核验。", "Never oversold. Checkable by anyone."),
    "demo": ("演示", "demo"),
    "demo.title": ("演示数据，并非真实预约", "Demo data: nothing here is a real appointment"),
    "skip": ("跳到场次列表", "Skip to the sessions"),
    "language": ("语言", "Language"),
    "authority": ("办理机关", "Authority"),
    "pool": ("业务", "Service"),
    "service.driving_test": ("驾驶人考试", "Driving test"),
    "service.inspection": ("机动车检验", "Vehicle inspection"),
    "class": ("准驾车型", "Class"),
    "class.all": ("全部", "All"),
    "days": ("日期", "Days"),
    "sessions": ("场次", "Sessions"),
    "seats_free": ("余位", "free"),
    "of": ("共", "of"),
    "full": ("约满", "full"),
    "unknown": ("未知", "not known"),
    "hold": ("占位", "Hold"),
    "holding": ("请稍候", "One moment"),
    "held": ("已占位", "Held"),
    "booked": ("已预约", "Booked"),
    "none": ("这里目前没有可预约的场次。", "There is nothing to book here at the moment."),
    "no_pools": ("目前没有开放的预约业务。", "Nothing is given out at the moment."),
    "closed": ("本业务暂停受理。", "This service does not give out places now."),
    "more": ("之后的场次", "Later sessions"),
    "noscript": (
        "余位为打开页面时的数字。占位和确认暂需启用 JavaScript。",
        "The counts are those of the moment this page was opened. Holding and confirming need JavaScript for now.",
    ),
    "live.on": ("实时", "live"),
    "live.off": ("正在重新连接", "reconnecting"),
    "live.wait": ("正在连接", "connecting"),
    "live.total": ("当前共有 {free} 个余位", "{free} places free now"),
    "live.new": ("有新的场次放出。", "New sessions have been published."),
    "live.reload": ("刷新", "Show them"),
    "sign_in": ("以演示申请人身份登录", "Sign in as a demo applicant"),
    "sign_in.choose": ("请选择申请人", "Choose an applicant"),
    "sign_in.first": ("请先选择一位申请人。", "Choose an applicant first."),
    "sign_in.out": ("退出", "Sign out"),
    "sign_in.expired": (
        "登录已过期，请重新选择申请人。",
        "Your sign-in has expired. Choose an applicant again.",
    ),
    "sign_in.none": ("登录功能尚未开放。", "Sign-in is not open yet."),
    "vehicle": ("车辆", "Vehicle"),
    "hold.title": ("您的占位", "Your hold"),
    "priority": ("优先", "priority"),
    "priority.explain": (
        "学习驾驶证明有效期不足六个月的学员可约",
        "for learners whose certificate ends within six months",
    ),
    "hold.left": ("剩余时间", "time left"),
    "hold.explain": (
        "席位在倒计时结束前为您保留，确认后才算预约成功。",
        "The place is yours until the time is over. Only a confirmed place is booked.",
    ),
    "hold.confirm": ("确认预约", "Confirm"),
    "hold.release": ("放弃", "Release"),
    "hold.again": ("正在重试……", "Trying again…"),
    "hold.expired": ("占位已到期，席位已放回。", "The hold has expired; its place went back."),
    "hold.released": ("已放弃占位，席位已放回。", "Released. The place is free for others."),
    "booking.done": ("预约成功。", "Booked."),
    "bookings": ("我的预约", "My bookings"),
    "bookings.none": ("还没有预约。", "No bookings yet."),
    "bookings.signed_out": ("登录后可查看您的预约。", "Sign in to see your bookings."),
    "booking.cancel": ("取消预约", "Cancel"),
    "booking.cancel.sure": ("确定取消", "Really cancel"),
    "booking.cancel.no": ("保留", "Keep it"),
    "booking.cancelled": ("已取消，席位已放回。", "Cancelled. The place is free for others."),
    "state.booked": ("已预约", "booked"),
    "state.cancelled": ("已取消", "cancelled"),
    "state.moved": ("已改期", "moved"),
    "offline": ("网络连接中断，操作未完成，请重试。", "The connection was lost. Repeating is safe."),
    "dismiss": ("关闭", "Dismiss"),
    "foot.api": ("接口参考", "API reference"),
    "reference": ("接口参考", "API reference"),
    "reference.contents": ("目录", "Contents"),
    "reference.machine": ("供程序读取（OpenAPI 3.1）：", "For programs (OpenAPI 3.1):"),
    "reference.who": ("谁可以调用：", "Who may call it:"),
    "reference.parameters": ("参数", "Parameters"),
    "reference.body": ("请求内容", "Body"),
    "reference.answers": ("返回", "Answers"),
    "reference.problems": ("可能的拒绝", "What is refused"),
    "reference.example": ("示例", "Example"),
    "reference.required": ("必填", "required"),
    "access.public": ("任何人", "everybody"),
    "access.unknown": ("任何人，按网络计数", "everybody, counted by network"),
    "access.account": ("已登录的账号", "a signed-in account"),
    "access.verified": ("已登录且身份已核验的账号", "a signed-in account whose person has been verified"),
    "access.clerk": ("服务窗口工作人员", "a counter clerk"),
    "access.operator": ("办理机关的操作员", "an operator of an authority"),
    "access.school": (
        "代表驾校的人，或驾校的接口密钥",
        "somebody who acts for a driving school, or its API key",
    ),
    "access.station": ("考场或检验机构工作人员", "somebody who works at a test site or inspection station"),
    "access.organisation": (
        "代表驾校、考场或检验机构的人，或其接口密钥",
        "somebody who acts for a driving school, a test site or an inspection station, or its API key",
    ),
    "access.signed": ("对方系统，以请求签名为凭", "a peer system, by the signature of its request"),
    "access.auditor": ("审计员", "an auditor"),
    "foot.zone": ("时间均为北京时间。", "Times are China Standard Time (UTC+8)."),
    "rules.opening": ("按规定目前不能办理：", "The rules do not allow it now: "),
    "rules.between": ("；", "; "),
    "rules.end": ("。", ". "),
    "rules.first_day": ("最早可办日期：{day}。", "Possible from {day}."),
    "rules.never": ("等待不能解决。", "Waiting alone will not help."),
    "rule.certificate_missing": ("没有您的学习驾驶证明", "no learner certificate is registered for you"),
    "rule.certificate_class": (
        "您的学习驾驶证明为 {certificate}，本场次为 {session}",
        "your learner certificate is for {certificate}, this session for {session}",
    ),
    "rule.certificate_ended": (
        "学习驾驶证明于 {last_day} 到期",
        "your learner certificate ends on {last_day}",
    ),
    "rule.certificate_wait": (
        "学习驾驶证明 {issued} 签发，须满 {wait_days} 天",
        "your learner certificate is of {issued}; {wait_days} days must pass",
    ),
    "rule.subject_order": ("须先通过科目 {pass_first}", "pass subject {pass_first} first"),
    "rule.passed_already": ("该科目已于 {passed} 通过", "you passed this subject on {passed}"),
    "rule.retry_wait": (
        "{failed} 未通过，须间隔 {wait_days} 天",
        "you did not pass on {failed}; {wait_days} days must pass",
    ),
    "rule.attempts_spent": (
        "已考 {attempts} 次，上限 {limit} 次",
        "you have used {attempts} of {limit} sittings",
    ),
    "rule.fee_due": ("科目 {subject} 的考试费尚未缴纳", "the fee for subject {subject} is not paid"),
    "rule.priority_only": (
        "优先名额仅限学习驾驶证明有效期不足 {priority_months} 个月者（您的至 {last_day}）",
        "priority places are for certificates with under {priority_months} months left; yours ends on {last_day}",
    ),
    "rule.priority_used": ("该科目的优先预约已用过", "your priority booking of this subject is used"),
    "rule.another_centre": (
        "等待满 {after_days} 天（自 {waiting_since} 起）后方可到外地考场",
        "other centres are open to you after {after_days} days of waiting since {waiting_since}",
    ),
    "rule.another_province": ("您的学习驾驶证明属于外省", "your learner certificate is of another province"),
    "rule.vehicle_unknown": ("没有该车辆的登记信息", "this vehicle is not registered"),
    "rule.inspection_too_early": (
        "检验有效期至 {valid_until}，到期前 {window_months} 个月内可约",
        "inspected until {valid_until}; booking opens {window_months} months before",
    ),
    "rule.too_far_ahead": (
        "只能预约 {ahead_working_days} 个工作日内（至 {last_bookable}）",
        "book at most {ahead_working_days} working days ahead, now to {last_bookable}",
    ),
    "rule.violations_open": ("该车有 {open} 起违法未处理", "{open} violations of this vehicle are open"),
    "rule.locked_after_no_shows": (
        "爽约 {no_shows} 次，暂停预约 {lock_months} 个月",
        "{no_shows} missed appointments; booking is locked for {lock_months} months",
    ),
    "rule.missed_in_a_row": (
        "连续爽约 {missed} 次，请到窗口办理",
        "{missed} appointments missed in a row; please come to a counter",
    ),
    "rule.leaving_limit": (
        "取消和改期已用 {left_before} 次，上限 {limit} 次",
        "you have cancelled or moved {left_before} times, the limit is {limit}",
    ),
    "rule.leaving_too_late": (
        "须提前 {notice_hours} 小时取消或改期",
        "cancelling and moving end {notice_hours} hours before the start",
    ),
    "problem.title": ("暂时无法显示", "This cannot be shown"),
    "problem.home": ("返回首页", "Back to the start"),
}

_PROBLEMS: dict[str, str] = {
    "full": "该场次目前没有余位。未确认的占位会放回，请稍后再试或另选场次。",
    "unknown_pool": "没有这项业务。",
    "unknown_unit": "没有这个场次。",
    "pool_closed": "本业务暂停受理。",
    "another_hold": "您在同类业务中已有一个占位，请先确认或放弃。",
    "hold_lost": "占位已失效，未产生预约，可以重新占位。",
    "in_flight": "该占位正在确认中。",
    "already_confirmed": "该占位已经确认过。",
    "already_booked": "您已有一个同类的有效预约，请先取消或改期。",
    "unknown_booking": "没有这个预约。",
    "not_active": "该预约已失效。",
    "rebuilding": "数据正在恢复，几秒后重新开放。",
    "busy": "排队的请求过多，请稍后再试。",
    "unavailable": "部分服务暂无响应，重复提交是安全的。",
    "rate_limited": "操作过于频繁，请稍后再试。",
    "not_your_vehicle": "本业务按车辆办理，请选择您名下的车辆。",
    "not_verified": "您的身份尚未核验。请持本人证件到服务窗口核验一次，然后重新登录。",
    "role_missing": "您的账号没有此项权限。",
    "token_missing": "请先登录。",
    "token_invalid": "登录无效，请重新登录。",
    "token_expired": "登录已过期，请重新登录。",
    "not_eligible": "按规定目前不能办理：",
    "not_open_yet": "预约尚未开始。",
    "booking_closed": "该场次的预约已截止。",
    "internal": "系统出错，已记录。重复提交是安全的。",
}

_WEEKDAYS = {
    "zh-CN": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class DayWords(NamedTuple):
    """A day's parts as a calendar leaf shows them."""

    number: str
    weekday: str
    month: str


def words_in(lang: Language) -> Mapping[str, str]:
    """Every sentence of the page in one language; refusals only where the API's own sentence is another language."""
    return _DICTIONARIES[lang]


def language_of(asked: str | None, accepted: str | None) -> Language:
    """The language asked for by name, else the first accepted one we have, else Chinese.

    >>> language_of("en", None), language_of(None, "fr;q=0.9, en-GB;q=0.8, zh;q=0.5"), language_of("tlh", "*")
    ('en', 'en', 'zh-CN')
    """
    for wanted in (asked or "", *_by_preference(accepted or "")):
        for language in LANGUAGES:
            if wanted and wanted.partition("-")[0].lower() == language.partition("-")[0]:
                return language
    return "zh-CN"


def day_words(day: date, lang: Language) -> DayWords:
    """A day as a calendar leaf.

    >>> day_words(date(2026, 11, 24), "en")
    DayWords(number='24', weekday='Tue', month='Nov')
    """
    month = f"{day.month}月" if lang == "zh-CN" else _MONTHS[day.month - 1]
    return DayWords(str(day.day), _WEEKDAYS[lang][day.weekday()], month)


def in_language(told: Mapping[str, str], lang: Language) -> str:
    """A title or name in this language, else in any it has."""
    return told.get(lang) or next(iter(told.values()), "")


def _by_preference(accepted: str) -> list[str]:
    weighted: list[tuple[float, str]] = []
    for part in accepted.split(",")[:20]:
        name, _, quality = part.strip().partition(";q=")
        try:
            weighted.append((float(quality or 1), name))
        except ValueError:
            continue
    return [name for _, name in sorted(weighted, key=lambda each: -each[0])]


_DICTIONARIES: dict[Language, dict[str, str]] = {
    "zh-CN": {key: pair[0] for key, pair in _WORDS.items()}
    | {f"problem.{code}": sentence for code, sentence in _PROBLEMS.items()},
    "en": {key: pair[1] for key, pair in _WORDS.items()},
}
