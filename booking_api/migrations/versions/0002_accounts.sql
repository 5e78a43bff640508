-- Accounts as first published. Never changed afterwards: a later version alters it.

CREATE TABLE account (
    id TEXT NOT NULL,
    login TEXT NOT NULL,
    identity_number TEXT NOT NULL,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    roles TEXT[] DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    verified_at TIMESTAMP WITH TIME ZONE,
    verified_by TEXT,
    CONSTRAINT account_pkey PRIMARY KEY (id),
    CONSTRAINT account_verified_check CHECK ((verified_at IS NULL) = (verified_by IS NULL)),
    CONSTRAINT account_login_key UNIQUE (login)
);

CREATE UNIQUE INDEX account_person_idx ON account (identity_number) WHERE verified_at IS NOT NULL;

CREATE TABLE refresh_token (
    digest BYTEA NOT NULL,
    family UUID NOT NULL,
    account TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT refresh_token_pkey PRIMARY KEY (digest),
    CONSTRAINT refresh_token_account_fkey FOREIGN KEY(account) REFERENCES account (id)
);

CREATE INDEX refresh_token_account_idx ON refresh_token (account);

CREATE INDEX refresh_token_expires_at_idx ON refresh_token (expires_at);

CREATE INDEX refresh_token_family_idx ON refresh_token (family);

