"""What a person was told: bookings, sessions that were cancelled, fees."""
