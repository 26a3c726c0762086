-- What was accepted and is on its way: lanes, pending deliveries, dead letters, and the keys by which a repeated request is known.
--
-- A lane is the work of one connection in order. Processes lease whole lanes; rows are not claimed one by one, but deleted when they are
-- done, in statements that change nothing once the lane has another owner. So a delivery costs one insert and one delete.

-- Updated many times a second: half of each page stays free, so that new versions of a row stay on its page.
CREATE TABLE crm.delivery_lanes (
    merchant_id    uuid        NOT NULL,
    -- The integration's own id for shard 0, so that accepting needs no look-up.
    lane_id        uuid        NOT NULL,
    integration_id uuid        NOT NULL,
    crm_type       text        NOT NULL,
    shard          smallint    NOT NULL DEFAULT 0,
    owner          uuid,
    fence          bigint      NOT NULL DEFAULT 0,
    lease_until    timestamptz NOT NULL DEFAULT '-infinity',
    unclean_count  integer     NOT NULL DEFAULT 0,
    last_served_at timestamptz NOT NULL DEFAULT '-infinity',
    not_before     timestamptz,
    waits          jsonb       NOT NULL DEFAULT '[]',
    unnamed_waits  smallint    NOT NULL DEFAULT 0,
    breaker        jsonb,
    CONSTRAINT delivery_lanes_pkey PRIMARY KEY (merchant_id, lane_id),
    CONSTRAINT delivery_lanes_one_per_shard UNIQUE (merchant_id, integration_id, shard),
    CONSTRAINT delivery_lanes_known_shard CHECK (shard BETWEEN 0 AND 15),
    CONSTRAINT delivery_lanes_lease_has_owner CHECK (owner IS NOT NULL OR lease_until = '-infinity'),
    CONSTRAINT delivery_lanes_counts CHECK (fence >= 0 AND unclean_count >= 0 AND unnamed_waits >= 0),
    CONSTRAINT delivery_lanes_waits_is_list CHECK (jsonb_typeof(waits) = 'array'),
    CONSTRAINT delivery_lanes_breaker_is_object CHECK (jsonb_typeof(breaker) = 'object')
) WITH (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0
);

-- Only pending work. No foreign key to the lane: its check would lock the lane's row for each accepted row, while its owner updates it
-- ten times a second; lanes are never deleted.
CREATE TABLE crm.deliveries (
    merchant_id       uuid        NOT NULL,
    lane_id           uuid        NOT NULL,
    -- Orders a lane. CACHE 1: sessions must not hold ranges of their own.
    id                bigint      NOT NULL GENERATED ALWAYS AS IDENTITY (CACHE 1),
    delivery_id       uuid        NOT NULL,
    request_id        text        NOT NULL,
    -- Keyed hash of the contact's identity: no personal data in an index.
    contact_key       bytea       NOT NULL,
    kind              text        NOT NULL,
    idem_key          uuid        NOT NULL,
    -- Not jsonb: numbers reach the CRM as they were written.
    payload           json        NOT NULL,
    attempt           smallint    NOT NULL DEFAULT 0,
    backoff_ms        bigint      NOT NULL DEFAULT 0,
    crash_marks       smallint    NOT NULL DEFAULT 0,
    ambiguous         boolean     NOT NULL DEFAULT false,
    not_before        timestamptz,
    first_seen_at     timestamptz NOT NULL,
    last_error_code   text,
    last_error_detail text,
    CONSTRAINT deliveries_pkey PRIMARY KEY (merchant_id, lane_id, id),
    CONSTRAINT deliveries_shown_once UNIQUE (merchant_id, delivery_id),
    CONSTRAINT deliveries_known_kind CHECK (kind IN ('contact', 'event')),
    CONSTRAINT deliveries_contact_key_is_hash CHECK (octet_length(contact_key) = 16),
    CONSTRAINT deliveries_payload_is_object CHECK (json_typeof(payload) = 'object'),
    CONSTRAINT deliveries_counts CHECK (attempt >= 0 AND backoff_ms >= 0 AND crash_marks >= 0),
    CONSTRAINT deliveries_failure_has_code CHECK (attempt = 0 OR last_error_code IS NOT NULL)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

-- Given up, with the reason; sending one again is an insert back.
CREATE TABLE crm.delivery_dead (
    merchant_id       uuid        NOT NULL,
    lane_id           uuid        NOT NULL,
    id                bigint      NOT NULL,
    delivery_id       uuid        NOT NULL,
    request_id        text        NOT NULL,
    contact_key       bytea       NOT NULL,
    kind              text        NOT NULL,
    idem_key          uuid        NOT NULL,
    payload           json        NOT NULL,
    attempt           smallint    NOT NULL,
    ambiguous         boolean     NOT NULL,
    first_seen_at     timestamptz NOT NULL,
    last_error_code   text        NOT NULL,
    last_error_detail text        NOT NULL,
    reason            text        NOT NULL,
    died_at           timestamptz NOT NULL,
    CONSTRAINT delivery_dead_pkey PRIMARY KEY (merchant_id, lane_id, id),
    CONSTRAINT delivery_dead_shown_once UNIQUE (merchant_id, delivery_id),
    CONSTRAINT delivery_dead_known_kind CHECK (kind IN ('contact', 'event')),
    CONSTRAINT delivery_dead_known_reason CHECK (reason IN (
        'unsupported', 'invalid_argument', 'not_found', 'conflict', 'blocked_by_policy', 'exhausted', 'expired', 'crash_suspect'))
);

-- What makes a repetition: an event's unique id, or a request's Idempotency-Key. Not partitioned by time: the day would have to be in
-- the key, and a repetition after midnight would be none.
CREATE TABLE crm.accept_keys (
    merchant_id  uuid        NOT NULL,
    key          uuid        NOT NULL,
    request_hash bytea       NOT NULL,
    first_id     uuid        NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT accept_keys_pkey PRIMARY KEY (merchant_id, key),
    CONSTRAINT accept_keys_request_hash_is_hash CHECK (octet_length(request_hash) = 32)
);
CREATE INDEX accept_keys_age ON crm.accept_keys USING brin (created_at);

-- What a request with an Idempotency-Key was answered.
CREATE TABLE crm.accept_answers (
    merchant_id uuid        NOT NULL,
    key         uuid        NOT NULL,
    request_id  text        NOT NULL,
    deliveries  jsonb       NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT accept_answers_pkey PRIMARY KEY (merchant_id, key),
    CONSTRAINT accept_answers_deliveries_is_list CHECK (jsonb_typeof(deliveries) = 'array')
);
CREATE INDEX accept_answers_age ON crm.accept_answers USING brin (created_at);

-- Who may what ------------------------------------------------------------------------------------------------------------------

ALTER TABLE crm.delivery_lanes ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.delivery_dead ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.accept_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.accept_answers ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_rows ON crm.delivery_lanes TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY own_rows ON crm.deliveries TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY own_rows ON crm.delivery_dead TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY own_rows ON crm.accept_keys TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY own_rows ON crm.accept_answers TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY all_rows ON crm.delivery_lanes TO crm_worker USING (true);
CREATE POLICY all_rows ON crm.deliveries TO crm_worker USING (true);
CREATE POLICY all_rows ON crm.delivery_dead TO crm_worker USING (true);
CREATE POLICY all_rows ON crm.accept_keys TO crm_worker USING (true);
CREATE POLICY all_rows ON crm.accept_answers TO crm_worker USING (true);

-- Accepting inserts, disconnecting deletes what is pending and resets the lanes.
GRANT SELECT, INSERT, UPDATE ON crm.delivery_lanes TO crm_app;
GRANT SELECT, INSERT, DELETE ON crm.deliveries TO crm_app;
GRANT SELECT ON crm.delivery_dead TO crm_app;
GRANT SELECT, INSERT, UPDATE (created_at) ON crm.accept_keys TO crm_app;
GRANT SELECT, INSERT ON crm.accept_answers TO crm_app;

GRANT SELECT, UPDATE ON crm.delivery_lanes TO crm_worker;
GRANT SELECT, UPDATE, DELETE ON crm.deliveries TO crm_worker;
GRANT SELECT, INSERT ON crm.delivery_dead TO crm_worker;
-- Those too old to matter go.
GRANT SELECT, DELETE ON crm.accept_keys, crm.accept_answers TO crm_worker;
