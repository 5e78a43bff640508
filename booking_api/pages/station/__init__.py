"""The pages of test sites and inspection stations: their windows, a day's list, checking in."""

from booking_api.pages.station import checking_in, days, entering

STATION_PAGES = [
    entering.get_stations,
    days.get_day,
    days.get_counts,
    days.get_session,
    days.get_by_card,
    days.post_by_card,
    days.get_windows,
    checking_in.get_check_in,
    checking_in.post_check_in,
    checking_in.post_photo,
]
