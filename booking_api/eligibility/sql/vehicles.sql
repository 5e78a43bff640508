-- What rules ask about these vehicles, one row each; `attended` the newest first. Two kinds of plate with one text are one
-- vehicle here: the later one's inspection counts, and everybody's violations.
SELECT v.plate, max(v.valid_until) AS valid_until,
    (SELECT count(*) FROM violation o WHERE o.plate = v.plate AND NOT o.settled) AS open_violations,
    ARRAY(SELECT t.day FROM attendance t
          WHERE t.claimant = 'vehicle:' || v.plate AND t.state = 'no_show' AND t.day > max(v.valid_until) - 366
          ORDER BY t.day) AS no_shows,
    ARRAY(SELECT t.state FROM attendance t WHERE t.claimant = 'vehicle:' || v.plate ORDER BY t.day DESC, t.at DESC)
        AS attended
FROM vehicle v
WHERE v.plate = ANY ($1::text[])
GROUP BY v.plate
