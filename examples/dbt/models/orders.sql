select * from (values
    (1, date '2026-11-28', 120.00),
    (2, date '2026-11-28', 80.50),
    (3, date '2026-11-29', 42.00)
) as raw (order_id, ordered_on, amount)
