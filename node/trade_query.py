"""The query that lists trades: id, position, status.

A trade is called by the half that spoke first, and stands at the position of its first word. One whose sides
took back all they said is gone from the state: it is known from its last result, and stands there.
"""

TRADES = """
    SELECT substr(half.key, 6) AS id,
           json_extract(half.value, '$.opened') AS opened,
           coalesce(json_extract(told.value, '$.status'), 'NMAT') AS status
    FROM state AS half
    LEFT JOIN state AS other ON other.key = 'half/' || json_extract(half.value, '$.other')
    LEFT JOIN state AS told ON told.key = half.key || '/trade'
    WHERE half.key >= 'half/' AND half.key < 'half0' AND half.class = 'Half'
      AND (other.key IS NULL OR (json_extract(half.value, '$.opened'), half.key)
                              < (json_extract(other.value, '$.opened'), other.key))
    UNION ALL
    SELECT trade AS id, MAX(position) AS opened, status
    FROM outcome
    WHERE status IN ('CANC', 'CANA') AND NOT EXISTS (SELECT 1 FROM state WHERE key = 'half/' || trade)
    GROUP BY trade
"""
