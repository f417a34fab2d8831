-- duckdb -c ".read examples/analytics/queries.sql", beside the folder `lake/`

-- Each change once, whatever the topic held: a change is its message and its number.
CREATE OR REPLACE VIEW changes AS
SELECT * FROM read_parquet('lake/status_changes/day=*/*.parquet', hive_partitioning = true)
QUALIFY row_number() OVER (PARTITION BY message_id, sequence ORDER BY recorded_at) = 1;

-- Where messages are now, by day and channel.
SELECT day, channel, to_status, count(*) AS messages
FROM (
    SELECT * FROM changes
    QUALIFY row_number() OVER (PARTITION BY message_id ORDER BY sequence DESC) = 1
)
GROUP BY ALL ORDER BY ALL;

-- How long delivery takes.
SELECT channel,
       quantile_cont(epoch_ms(delivered_at) - epoch_ms(sent_at), [0.5, 0.95, 0.99]) AS ms
FROM changes WHERE to_status = 'delivered' GROUP BY channel;

-- What fails, and by whose number.
SELECT sender_id, error_code, count(*) AS failures
FROM changes WHERE to_status = 'failed' GROUP BY ALL ORDER BY failures DESC;

-- message_status_update (AN-01): every change, and how long it took to be known.
SELECT message_id AS "messageId", from_status AS "fromStatus", to_status AS "toStatus",
       update_ms AS "updateTime"
FROM changes ORDER BY recorded_at;
