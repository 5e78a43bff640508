"""The disclosure page's sentences in Chinese and English. Imports the pages' languages."""

from collections.abc import Mapping

from booking_api.pages.words import LANGUAGES, Language

_WORDS: dict[str, tuple[str, str]] = {
    "disclosure.title": ("考试公开", "Open data on tests"),
    "disclosure.lead": (
        "各场次的计划名额和预约情况，以及各考场每月考试结果，任何人均可查看和下载。",
        "Every planned session and how far it is booked, and each site's monthly results: for everybody to see and download.",
    ),
    "disclosure.plot": ("每日名额（未来有计划的日期）", "Places by day, on the coming days that have any"),
    "disclosure.day": ("日期", "Day"),
    "disclosure.booked": ("已预约", "booked"),
    "disclosure.free": ("未预约", "not booked"),
    "disclosure.sessions": ("考试计划", "Planned sessions"),
    "disclosure.results": ("上月结果", "Results of last month"),
    "disclosure.authority": ("办理机关", "Authority"),
    "disclosure.every": ("全部", "All"),
    "disclosure.show": ("查看", "Show"),
    "disclosure.site": ("考场", "Site"),
    "disclosure.subject": ("科目", "Subject"),
    "disclosure.class": ("车型", "Class"),
    "disclosure.time": ("时间", "Time"),
    "disclosure.capacity": ("名额", "Places"),
    "disclosure.month": ("月份", "Month"),
    "disclosure.sat": ("参考", "Sat"),
    "disclosure.passed": ("合格", "Passed"),
    "disclosure.rate": ("合格率", "Pass rate"),
    "disclosure.no_shows": ("缺考", "No-shows"),
    "disclosure.hidden": (
        "“–”表示人数不足 5 人，为保护个人信息不予公布。",  # noqa: RUF001 - as the table shows it
        "“–” stands for counts under 5, which are not told lest they point at people.",  # noqa: RUF001
    ),
    "disclosure.cancelled": ("已取消", "cancelled"),
    "disclosure.none": ("没有符合条件的记录。", "There is nothing to show."),
    "disclosure.more": ("下一页", "Next page"),
    "disclosure.data": ("数据下载：", "The same as data:"),
}


def service_words(lang: Language) -> Mapping[str, str]:
    """Every sentence in one language."""
    place = LANGUAGES.index(lang)
    return {key: pair[place] for key, pair in _WORDS.items()}
