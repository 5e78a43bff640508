"""`python -m booking_api.cli` is `gongdao`."""

from booking_api.cli import main

main()
