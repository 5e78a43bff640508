"""Plate numbers: grammar, ranges, choosing, keeping, quota lotteries. May import `reservation` and `fairness`."""
