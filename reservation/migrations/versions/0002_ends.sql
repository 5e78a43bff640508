-- Never changed afterwards: a later version alters it.

ALTER TABLE booking ADD COLUMN ended_by TEXT;

ALTER TABLE booking ADD COLUMN concluded_at TIMESTAMP WITH TIME ZONE;

UPDATE booking SET ended_by = 'owner' WHERE ended_at IS NOT NULL;

ALTER TABLE booking ADD CONSTRAINT booking_ended_by_check
    CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND ended_by IN ('owner', 'authority'));

ALTER TABLE booking ADD CONSTRAINT booking_concluded_check CHECK (concluded_at IS NULL OR state = 'booked');
