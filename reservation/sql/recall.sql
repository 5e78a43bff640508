-- What is known of orders that were not booked just now: the verdict on their hold, the booking under their own
-- key, the booking that came of the hold.
SELECT a.n, v.verdict, k.claim_id::text AS key_claim, k.unit_id AS key_unit,
       b.id::text AS id, b.owner, b.pool_id, b.unit_id, b.state, b.created_at
FROM unnest(CAST(:claim_ids AS uuid[]), CAST(:owners AS text[]), CAST(:keys AS text[]))
    WITH ORDINALITY AS a (claim_id, owner, key, n)
LEFT JOIN hold_verdict v ON v.hold_id = a.claim_id
LEFT JOIN idempotency k ON k.owner = a.owner AND k.key = a.key
LEFT JOIN booking b ON b.id = a.claim_id
ORDER BY a.n
