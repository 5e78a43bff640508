"""Granian with the real application and the floor beside it; the settings of `booking_api.server`."""

from booking_api import server

if __name__ == "__main__":
    server.main("benchmarks.bare:create")
