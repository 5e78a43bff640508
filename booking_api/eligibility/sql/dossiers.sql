-- What rules ask about these verified accounts, one row each; lists as JSON arrays of arrays.
SELECT a.id,
    (SELECT COALESCE(json_agg(json_build_array(c.vehicle_class, c.issued, c.last_day, c.authority) ORDER BY c.issued DESC), '[]')
     FROM learner_certificate c WHERE c.identity_number = a.identity_number)::text AS certificates,
    (SELECT COALESCE(json_agg(json_build_array(r.subject, r.day, r.outcome, r.vehicle_class)), '[]')
     FROM exam_result r WHERE r.identity_number = a.identity_number)::text AS results,
    (SELECT COALESCE(json_agg(json_build_array(s.subject, t.day, 'no_show', s.vehicle_class)), '[]')
     FROM attendance t JOIN plan_session s ON s.unit_id = t.unit_id
     WHERE t.owner = a.id AND t.state = 'no_show' AND s.subject IS NOT NULL)::text AS missed,
    ARRAY(SELECT f.authority || ' ' || f.subject FROM fee f
          WHERE f.account = a.id AND f.state = 'settled' AND f.used_by IS NULL) AS fees_settled,
    ARRAY(SELECT s.subject FROM booking b JOIN plan_session s ON s.unit_id = b.unit_id
          WHERE b.owner = a.id AND s.quota = 'priority' AND b.ended_by IS DISTINCT FROM 'authority') AS priority_used
FROM account a
WHERE a.id = ANY ($1::text[]) AND a.verified_at IS NOT NULL
