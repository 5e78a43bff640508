-- Locks the units in id order and pins the pool's epoch: a rebuild waits for us, or we see its new epoch.
SELECT u.id, u.capacity - u.booked - u.promised AS free, p.epoch
FROM unit u
JOIN pool p ON p.id = u.pool_id
WHERE u.id = ANY (CAST(:unit_ids AS bigint[])) AND u.pool_id = :pool_id
ORDER BY u.id
FOR UPDATE OF u FOR SHARE OF p
