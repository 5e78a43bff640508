-- Second factors and sessions as first published. Never changed afterwards: a later version alters it.

CREATE TABLE totp (
    account TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    activated_at TIMESTAMP WITH TIME ZONE,
    last_step BIGINT,
    failures INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT totp_pkey PRIMARY KEY (account),
    CONSTRAINT totp_account_fkey FOREIGN KEY(account) REFERENCES account (id)
);

CREATE TABLE security_key (
    credential BYTEA NOT NULL,
    account TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    sign_count BIGINT NOT NULL,
    transports TEXT[] NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT security_key_pkey PRIMARY KEY (credential),
    CONSTRAINT security_key_account_fkey FOREIGN KEY(account) REFERENCES account (id)
);

CREATE INDEX security_key_account_idx ON security_key (account);

CREATE TABLE recovery_code (
    digest BYTEA NOT NULL,
    account TEXT NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT recovery_code_pkey PRIMARY KEY (digest),
    CONSTRAINT recovery_code_account_fkey FOREIGN KEY(account) REFERENCES account (id)
);

CREATE INDEX recovery_code_account_idx ON recovery_code (account);

CREATE TABLE sign_in_ticket (
    digest BYTEA NOT NULL,
    account TEXT NOT NULL,
    tries SMALLINT DEFAULT 0 NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT sign_in_ticket_pkey PRIMARY KEY (digest),
    CONSTRAINT sign_in_ticket_account_fkey FOREIGN KEY(account) REFERENCES account (id)
);

CREATE INDEX sign_in_ticket_account_idx ON sign_in_ticket (account);

CREATE INDEX sign_in_ticket_expires_at_idx ON sign_in_ticket (expires_at);

CREATE TABLE key_challenge (
    challenge BYTEA NOT NULL,
    account TEXT NOT NULL,
    ticket BYTEA,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT key_challenge_pkey PRIMARY KEY (challenge),
    CONSTRAINT key_challenge_account_fkey FOREIGN KEY(account) REFERENCES account (id),
    CONSTRAINT key_challenge_ticket_fkey FOREIGN KEY(ticket) REFERENCES sign_in_ticket (digest) ON DELETE CASCADE
);

CREATE INDEX key_challenge_account_idx ON key_challenge (account);

CREATE INDEX key_challenge_expires_at_idx ON key_challenge (expires_at);

CREATE INDEX key_challenge_ticket_idx ON key_challenge (ticket);

CREATE TABLE account_event (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT account_event_pkey PRIMARY KEY (id)
);

CREATE INDEX account_event_account_id_idx ON account_event (account, id);

CREATE TABLE session (
    id UUID NOT NULL,
    account TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    offered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT session_pkey PRIMARY KEY (id),
    CONSTRAINT session_account_fkey FOREIGN KEY(account) REFERENCES account (id)
);

CREATE INDEX session_account_idx ON session (account);

CREATE INDEX session_expires_at_idx ON session (expires_at);

CREATE INDEX session_used_at_idx ON session (used_at);

CREATE TABLE session_cookie (
    digest BYTEA NOT NULL,
    session UUID NOT NULL,
    first_used_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT session_cookie_pkey PRIMARY KEY (digest),
    CONSTRAINT session_cookie_session_fkey FOREIGN KEY(session) REFERENCES session (id) ON DELETE CASCADE
);

CREATE INDEX session_cookie_session_idx ON session_cookie (session);

CREATE FUNCTION account_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'account_event is append-only'; END $$;

CREATE TRIGGER account_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_event
    FOR EACH STATEMENT EXECUTE FUNCTION account_event_stays();
