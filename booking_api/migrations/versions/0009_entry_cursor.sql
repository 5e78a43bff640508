-- How far the log's entries have been told, as first published. Never changed afterwards: a later version alters it.

CREATE TABLE entry_cursor (
    reader TEXT NOT NULL,
    told BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    horizon BIGINT NOT NULL,
    CONSTRAINT entry_cursor_pkey PRIMARY KEY (reader)
);
