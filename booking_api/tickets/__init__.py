"""What a person takes along: the calendar entry of a booking and the code that is read at the door."""
