-- Who vouches for a person. Never changed afterwards: a later version alters it.

CREATE TABLE person (
    identity_number TEXT NOT NULL,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    import_id BIGINT NOT NULL,
    CONSTRAINT person_pkey PRIMARY KEY (identity_number),
    CONSTRAINT person_import_id_fkey FOREIGN KEY(import_id) REFERENCES register_import (id)
);

CREATE TABLE verification_code (
    account TEXT NOT NULL,
    digest BYTEA NOT NULL,
    source TEXT NOT NULL,
    tries_left INTEGER NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT verification_code_pkey PRIMARY KEY (account),
    CONSTRAINT verification_code_tries_left_check CHECK (tries_left >= 0),
    CONSTRAINT verification_code_account_fkey FOREIGN KEY(account) REFERENCES account (id)
);

CREATE INDEX verification_code_expires_at_idx ON verification_code (expires_at);

CREATE TABLE external_identity (
    id UUID NOT NULL,
    account TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    linked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT external_identity_pkey PRIMARY KEY (id),
    CONSTRAINT external_identity_issuer_key UNIQUE (issuer, subject),
    CONSTRAINT external_identity_account_key UNIQUE (account, issuer),
    CONSTRAINT external_identity_account_fkey FOREIGN KEY(account) REFERENCES account (id)
);

CREATE TABLE authorization_attempt (
    state_digest BYTEA NOT NULL,
    browser_digest BYTEA NOT NULL,
    account TEXT,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT authorization_attempt_pkey PRIMARY KEY (state_digest),
    CONSTRAINT authorization_attempt_account_fkey FOREIGN KEY(account) REFERENCES account (id)
);

CREATE INDEX authorization_attempt_account_idx ON authorization_attempt (account);

CREATE INDEX authorization_attempt_expires_at_idx ON authorization_attempt (expires_at);

CREATE TABLE resting_number (
    digest BYTEA NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT resting_number_pkey PRIMARY KEY (digest)
);

CREATE INDEX resting_number_until_idx ON resting_number (until);

