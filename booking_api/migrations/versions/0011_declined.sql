-- A declined request stays as it is for the school that asked. Never changed afterwards: a later version alters it.

ALTER TABLE consent_request ADD COLUMN declined_at TIMESTAMP WITH TIME ZONE;
