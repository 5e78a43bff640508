"""The pages of test sites and inspection stations: their windows, a day's list, checking in."""
