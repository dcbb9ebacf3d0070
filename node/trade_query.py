"""The queries that list trades: id, position, status.

A trade is called by the half that spoke first, and stands at the position of its first word. One whose sides
took back all they said is gone from the state: it is known from its last result, and stands there.
"""

TRADES = """
    SELECT substr(half.key, 6) AS id,
           json_extract(half.value, '$.opened') AS opened,
           coalesce(json_extract(told.value, '$.status'), 'NMAT') AS status
    FROM state AS half
    LEFT JOIN state AS other ON other.key = 'half/' || json_extract(half.value, '$.other')
    LEFT JOIN state AS told ON told.key = 'trade/' || substr(half.key, 6)
    WHERE half.key >= 'half/' AND half.key < 'half0'
      AND (other.key IS NULL OR (json_extract(half.value, '$.opened'), half.key)
                              < (json_extract(other.value, '$.opened'), other.key))
    UNION ALL
    SELECT trade AS id, MAX(position) AS opened, status
    FROM outcome
    WHERE status IN ('CANC', 'CANA') AND NOT EXISTS (SELECT 1 FROM state WHERE key = 'half/' || trade)
    GROUP BY trade
"""

RELEASED_TRADES = """
    SELECT id, opened, coalesce(told, 'NMAT') AS status FROM (
        SELECT substr(half.key, 6) AS id,
               json_extract(half.value, '$.opened') AS opened,
               json_extract(half.value, '$.broker') AS broker,
               json_extract(half.value, '$.investor') AS investor,
               json_extract(half.value, '$.terms.trade_date') AS trade_date,
               (SELECT status FROM outcome JOIN decided USING (position)
                WHERE trade = substr(half.key, 6) AND kind = 'result' AND finality IN ('final', 'provisional')
                ORDER BY position DESC LIMIT 1) AS told
        FROM state AS half
        LEFT JOIN state AS other ON other.key = 'half/' || json_extract(half.value, '$.other')
        WHERE half.key >= 'half/' AND half.key < 'half0'
          AND (other.key IS NULL OR (json_extract(half.value, '$.opened'), half.key)
                                  < (json_extract(other.value, '$.opened'), other.key))
        UNION ALL
        SELECT trade AS id, MAX(position) AS opened,
               json_extract(outcome, '$.broker') AS broker,
               json_extract(outcome, '$.investor') AS investor,
               json_extract(outcome, '$.terms.trade_date') AS trade_date,
               status AS told
        FROM outcome JOIN decided USING (position)
        WHERE status IN ('CANC', 'CANA') AND finality IN ('final', 'provisional')
          AND NOT EXISTS (SELECT 1 FROM state WHERE key = 'half/' || trade)
        GROUP BY trade
    )
    WHERE :institution IN (broker, investor)
      AND (:counterparty IS NULL OR :counterparty IN (broker, investor))
      AND (:trade_date IS NULL OR trade_date = :trade_date)
      AND (:status IS NULL OR coalesce(told, 'NMAT') = :status)
      AND (:opened IS NULL OR (opened, id) < (:opened, :name))
    ORDER BY opened DESC, id DESC LIMIT :limit
"""
"""Those of one institution, each with the status last released. Parameters without a value ask nothing."""
