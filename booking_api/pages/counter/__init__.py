"""The counter clerk's pages: verify a person, and book for somebody who has no phone, in the same queue."""
