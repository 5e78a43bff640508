-- Takes back the keys that losing orders inserted in this transaction, so a loser leaves nothing behind.
WITH a AS (
    DELETE FROM hold_verdict WHERE hold_id = ANY (CAST(:verdicts AS uuid[]))
),
b AS (
    DELETE FROM idempotency i
    USING unnest(CAST(:owners AS text[]), CAST(:keys AS text[])) AS u (owner, key)
    WHERE i.owner = u.owner AND i.key = u.key
)
DELETE FROM active_claim ac
USING unnest(CAST(:claimants AS text[]), CAST(:claims AS uuid[])) AS u (claimant, claim_id)
WHERE ac.claimant = u.claimant AND ac.claim_id = u.claim_id
