-- One group commit. Called with the units locked and `room` counted under that lock; gives one row: when
-- and under which effect the winners were booked, and for each loser (1-based, in arrival order) which of its keys were
-- inserted. An order wins when all three of its keys were really inserted and its place fits the room.
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(
        CAST(:claim_ids AS uuid[]), CAST(:unit_ids AS bigint[]), CAST(:claimants AS text[]), CAST(:owners AS text[]),
        CAST(:keys AS text[]), CAST(:salts AS bytea[]), CAST(:commitments AS bytea[])
    ) WITH ORDINALITY AS a (claim_id, unit_id, claimant, owner, key, salt, commitment, n)
),
room AS (
    SELECT * FROM unnest(CAST(:room_units AS bigint[]), CAST(:room_free AS integer[])) AS r (unit_id, free)
),
verdict AS (
    -- First commit wins: the sweeper inserts the same key when it gives up on a hold.
    INSERT INTO hold_verdict (hold_id, verdict)
    SELECT claim_id, 'confirmed' FROM asked ORDER BY claim_id
    ON CONFLICT DO NOTHING RETURNING hold_id
),
kept AS (
    INSERT INTO idempotency (owner, key, claim_id, unit_id)
    SELECT owner, key, claim_id, unit_id FROM asked ORDER BY owner, key
    ON CONFLICT DO NOTHING RETURNING claim_id
),
active AS (
    INSERT INTO active_claim (claimant, service, rule, claim_id)
    SELECT claimant, :service, :rule, claim_id FROM asked ORDER BY claimant
    ON CONFLICT DO NOTHING RETURNING claim_id
),
inserted AS (
    SELECT a.*, row_number() OVER (PARTITION BY a.unit_id ORDER BY a.n) AS place
    FROM asked a
    JOIN verdict v ON v.hold_id = a.claim_id
    JOIN kept k ON k.claim_id = a.claim_id
    JOIN active c ON c.claim_id = a.claim_id
),
won AS MATERIALIZED (
    SELECT i.* FROM inserted i JOIN room r ON r.unit_id = i.unit_id WHERE i.place <= r.free
),
booked AS (
    INSERT INTO booking (id, pool_id, unit_id, claimant, owner, service, rule, source, state, salt)
    SELECT claim_id, CAST(:pool_id AS bigint), unit_id, claimant, owner, :service, :rule, 'hold', 'booked', salt
    FROM won ORDER BY claimant
    RETURNING id, created_at
),
logged AS (
    INSERT INTO entry (kind, pool_id, unit_id, delta, operator, commitment, claim_id)
    SELECT 'confirm', CAST(:pool_id AS bigint), unit_id, -1, :operator, commitment, claim_id FROM won ORDER BY n
),
counted AS (
    UPDATE unit SET booked = unit.booked + w.seats
    FROM (SELECT unit_id, count(*) AS seats FROM won GROUP BY unit_id) w
    WHERE unit.id = w.unit_id
),
settled AS (
    -- Effects that Valkey has acknowledged since the last batch. Lost with this batch, they are only replayed.
    DELETE FROM effect WHERE id = ANY (CAST(:settled AS bigint[]))
),
noted AS (
    INSERT INTO effect (pool_id, epoch, changes)
    SELECT CAST(:pool_id AS bigint), CAST(:epoch AS bigint), array_agg(x.word ORDER BY w.n, x.m)
    FROM won w, LATERAL (VALUES (1, 'take'), (2, w.claim_id::text), (3, w.unit_id::text)) AS x (m, word)
    HAVING count(*) > 0
    RETURNING id
)
SELECT (SELECT min(created_at) FROM booked) AS created_at, (SELECT id FROM noted) AS effect_id,
       array_agg(a.n ORDER BY a.n) FILTER (WHERE b.id IS NULL) AS lost,
       array_agg(v.hold_id IS NOT NULL ORDER BY a.n) FILTER (WHERE b.id IS NULL) AS verdict_new,
       array_agg(k.claim_id IS NOT NULL ORDER BY a.n) FILTER (WHERE b.id IS NULL) AS key_new,
       array_agg(c.claim_id IS NOT NULL ORDER BY a.n) FILTER (WHERE b.id IS NULL) AS claim_new
FROM asked a
LEFT JOIN verdict v ON v.hold_id = a.claim_id
LEFT JOIN kept k ON k.claim_id = a.claim_id
LEFT JOIN active c ON c.claim_id = a.claim_id
LEFT JOIN booked b ON b.id = a.claim_id
