-- Merchants, their connections to CRMs with encrypted credentials, and the logs of what happened.
--
-- Every table with rows per merchant has merchant_id first in its keys, so that merchants can be spread over several nodes, and has
-- row-level security. The owner is exempt: migrations and the SECURITY DEFINER functions below need to see all. The API connects as
-- crm_app, which sees the merchant named in crm.merchant and nobody else; background work connects as crm_worker, which sees all
-- merchants in the tables it is granted.

CREATE SCHEMA IF NOT EXISTS crm;
GRANT USAGE ON SCHEMA crm TO crm_app, crm_worker;

-- The merchant that a session of crm_app acts for. The setting reads back as '' after a transaction that had set it.
CREATE FUNCTION crm.current_merchant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('crm.merchant', true), '')::uuid;

-- Merchants ---------------------------------------------------------------------------------------------------------------------

CREATE TABLE crm.merchants (
    merchant_id    uuid        NOT NULL,
    display_name   text,
    company_name   text,
    phone          text,
    website        text,
    timezone       text,
    locale         text,
    email          text,
    email_verified boolean     NOT NULL DEFAULT false,
    is_disabled    boolean     NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    last_login_at  timestamptz,
    CONSTRAINT merchants_pkey PRIMARY KEY (merchant_id)
);

-- What is unique over all merchants has a table of its own. Nobody reads it but through the two functions below.
CREATE TABLE crm.merchant_users (
    firebase_uid text        NOT NULL,
    merchant_id  uuid        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT merchant_users_pkey PRIMARY KEY (firebase_uid)
);

-- A user's sign-ins that are in login_logs already.
CREATE TABLE crm.login_sessions (
    merchant_id      uuid        NOT NULL,
    firebase_uid     text        NOT NULL,
    authenticated_at timestamptz NOT NULL,
    first_seen_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT login_sessions_pkey PRIMARY KEY (merchant_id, firebase_uid, authenticated_at)
);

-- Two statements rather than a join: the tables are spread by different columns.
CREATE FUNCTION crm.merchant_of_user(uid text) RETURNS SETOF crm.merchants
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_merchant uuid;
BEGIN
    SELECT u.merchant_id INTO found_merchant FROM crm.merchant_users u WHERE u.firebase_uid = uid;
    RETURN QUERY SELECT m.* FROM crm.merchants m WHERE m.merchant_id = found_merchant;
END
$$;

-- Gives a user a merchant unless there is one. Returns the one that is valid; a second caller waits for the first one's commit.
CREATE FUNCTION crm.claim_user(uid text, candidate uuid) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO crm.merchant_users AS u (firebase_uid, merchant_id) VALUES (uid, candidate)
    ON CONFLICT (firebase_uid) DO UPDATE SET merchant_id = u.merchant_id
    RETURNING merchant_id
$$;

-- Keys --------------------------------------------------------------------------------------------------------------------------

-- The encryption keys that hosts know by number. The keys themselves never come here.
CREATE TABLE crm.key_ring (
    kid         integer     NOT NULL,
    check_value bytea       NOT NULL,
    state       text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT key_ring_pkey PRIMARY KEY (kid),
    CONSTRAINT key_ring_kid_positive CHECK (kid > 0),
    CONSTRAINT key_ring_check_value_length CHECK (octet_length(check_value) = 32),
    CONSTRAINT key_ring_state_known CHECK (state IN ('active', 'known', 'decrypt_disabled'))
);

CREATE UNIQUE INDEX key_ring_one_active ON crm.key_ring (state) WHERE state = 'active';

-- Whether a value is a message of the one form we write: OpenPGP, AES-256, salted SHA-256, integrity-protected. pgcrypto would
-- also decrypt messages without integrity protection.
CREATE FUNCTION crm.is_sealed(message bytea) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN substring(message FROM 1 FOR 6) = '\xc30c04090108'::bytea AND substring(message FROM 15 FOR 1) = '\xd2'::bytea;

-- Random keys of ours, each encrypted under a key of the ring: of contacts' hashes, of cursors.
CREATE TABLE crm.service_keys (
    name       text        NOT NULL,
    ct         bytea       NOT NULL,
    kid        integer     NOT NULL,
    salt       bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT service_keys_pkey PRIMARY KEY (name),
    CONSTRAINT service_keys_kid_known FOREIGN KEY (kid) REFERENCES crm.key_ring (kid),
    CONSTRAINT service_keys_ct_sealed CHECK (crm.is_sealed(ct)),
    CONSTRAINT service_keys_salt_length CHECK (octet_length(salt) = 16)
);

-- Connections -------------------------------------------------------------------------------------------------------------------

CREATE TABLE crm.crm_integrations (
    merchant_id            uuid        NOT NULL,
    integration_id         uuid        NOT NULL,
    crm_type               text        NOT NULL,
    label                  text,
    state                  text        NOT NULL DEFAULT 'active',
    state_reason           text,
    account                jsonb       NOT NULL DEFAULT '{}',
    settings               jsonb       NOT NULL DEFAULT '{}',
    credential_fingerprint text        NOT NULL,
    cred_ct                bytea       NOT NULL,
    cred_kid               integer     NOT NULL,
    cred_salt              bytea       NOT NULL,
    -- Grows with every write of the credentials; part of what the row's key is derived from.
    cred_ver               bigint      NOT NULL,
    connected_at           timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    last_validated_at      timestamptz,
    CONSTRAINT crm_integrations_pkey PRIMARY KEY (merchant_id, integration_id),
    CONSTRAINT crm_integrations_one_per_crm UNIQUE (merchant_id, crm_type),
    CONSTRAINT crm_integrations_merchant_known FOREIGN KEY (merchant_id) REFERENCES crm.merchants (merchant_id),
    CONSTRAINT crm_integrations_crm_type_form CHECK (crm_type ~ '^[a-z][a-z0-9_-]{1,31}$'),
    CONSTRAINT crm_integrations_state_known CHECK (state IN ('active', 'degraded', 'reauth_required', 'paused')),
    CONSTRAINT crm_integrations_fingerprint_form CHECK (credential_fingerprint ~ '^[0-9a-f]{16}$'),
    CONSTRAINT crm_integrations_cred_sealed CHECK (crm.is_sealed(cred_ct)),
    CONSTRAINT crm_integrations_cred_salt_length CHECK (octet_length(cred_salt) = 16),
    CONSTRAINT crm_integrations_cred_ver_positive CHECK (cred_ver > 0)
);

-- Logs --------------------------------------------------------------------------------------------------------------------------
-- Partitioned by time: a month of rows goes with one DROP. The DEFAULT partitions catch what no other takes and should stay empty.

CREATE TABLE crm.crm_sync_logs (
    merchant_id      uuid        NOT NULL,
    at               timestamptz NOT NULL,
    log_id           uuid        NOT NULL,
    crm_type         text        NOT NULL,
    integration_id   uuid,
    operation        text        NOT NULL,
    outcome          text        NOT NULL,
    -- The provider's status by name.
    status           text        NOT NULL,
    code             text        NOT NULL DEFAULT '',
    detail           text        NOT NULL DEFAULT '',
    duration_ms      integer     NOT NULL DEFAULT 0,
    attempt          integer     NOT NULL DEFAULT 1,
    delivery_id      uuid,
    request_id       text        NOT NULL,
    provider_version text        NOT NULL DEFAULT '',
    -- Keyed hash of the contact's identity.
    contact          text,
    remote_id        text,
    http_status      integer,
    warnings         jsonb       NOT NULL DEFAULT '[]',
    CONSTRAINT crm_sync_logs_pkey PRIMARY KEY (merchant_id, at, log_id),
    CONSTRAINT crm_sync_logs_operation_known CHECK (operation IN ('validate', 'contact', 'event', 'batch', 'read', 'delete')),
    CONSTRAINT crm_sync_logs_outcome_known
        CHECK (outcome IN ('success', 'failed', 'retrying', 'dead', 'cancelled', 'merged', 'skipped')),
    CONSTRAINT crm_sync_logs_contact_is_hash CHECK (contact ~ '^[0-9a-f]{32}$')
) PARTITION BY RANGE (at);

CREATE INDEX crm_sync_logs_delivery ON crm.crm_sync_logs (merchant_id, delivery_id) WHERE delivery_id IS NOT NULL;
-- A connection's last success and failure, and lists of one CRM.
CREATE INDEX crm_sync_logs_crm ON crm.crm_sync_logs (merchant_id, crm_type, at);
CREATE TABLE crm.crm_sync_logs_default PARTITION OF crm.crm_sync_logs DEFAULT;

CREATE TABLE crm.login_logs (
    merchant_id      uuid        NOT NULL,
    at               timestamptz NOT NULL DEFAULT now(),
    login_id         uuid        NOT NULL,
    firebase_uid     text        NOT NULL,
    sign_in_provider text        NOT NULL,
    authenticated_at timestamptz,
    outcome          text        NOT NULL,
    reason           text,
    ip               text,
    user_agent       text,
    request_id       text        NOT NULL,
    CONSTRAINT login_logs_pkey PRIMARY KEY (merchant_id, at, login_id),
    CONSTRAINT login_logs_outcome_known CHECK (outcome IN ('success', 'refused'))
) PARTITION BY RANGE (at);

CREATE TABLE crm.login_logs_default PARTITION OF crm.login_logs DEFAULT;

CREATE TABLE crm.audit_logs (
    merchant_id uuid        NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    audit_id    uuid        NOT NULL,
    actor_kind  text        NOT NULL,
    actor_id    text,
    action      text        NOT NULL,
    target      text        NOT NULL,
    outcome     text        NOT NULL DEFAULT 'success',
    ip          text,
    user_agent  text,
    request_id  text        NOT NULL,
    -- Names of what changed, never values of secrets.
    changes     jsonb       NOT NULL DEFAULT '{}',
    CONSTRAINT audit_logs_pkey PRIMARY KEY (merchant_id, at, audit_id),
    CONSTRAINT audit_logs_actor_kind_known CHECK (actor_kind IN ('user', 'server_key', 'platform_key', 'operator', 'system')),
    CONSTRAINT audit_logs_outcome_known CHECK (outcome IN ('success', 'failure'))
) PARTITION BY RANGE (at);

CREATE TABLE crm.audit_logs_default PARTITION OF crm.audit_logs DEFAULT;

-- Makes the partitions of the coming days and months, drops those whose rows are all older than they are kept. Returns what it did, and
-- lines that begin with 'failed' for what it could not do this time.
CREATE FUNCTION crm.maintain_partitions(
    keep_sync_logs interval DEFAULT '90 days', keep_audit interval DEFAULT '2 years'
) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET timezone = 'UTC'
AS $$
DECLARE
    log record;
    first_start timestamptz;
    part_start timestamptz;
    part text;
    fallback text;
    is_late boolean;
    expired record;
BEGIN
    FOR log IN
        SELECT * FROM (VALUES
            ('crm_sync_logs', 'day', interval '1 day', 8, greatest(keep_sync_logs, interval '1 day')),
            ('login_logs', 'month', interval '1 month', 3, greatest(keep_audit, interval '1 month')),
            ('audit_logs', 'month', interval '1 month', 3, greatest(keep_audit, interval '1 month'))
        ) AS logs (name, unit, step, ahead, keep)
    LOOP
        -- From one unit before: another host's clock may be behind.
        first_start := date_trunc(log.unit, now()) - log.step;
        FOR ordinal IN 0..log.ahead LOOP
            part_start := first_start + ordinal * log.step;
            part := log.name || to_char(part_start, CASE log.unit WHEN 'day' THEN '_YYYYMMDD' ELSE '_YYYYMM' END);
            CONTINUE WHEN to_regclass(format('crm.%I', part)) IS NOT NULL;
            -- One that fails keeps no other from being made.
            BEGIN
                -- Attaching, unlike CREATE ... PARTITION OF, lets others go on reading and writing the log.
                EXECUTE format('CREATE TABLE crm.%I (LIKE crm.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, log.name);
                fallback := log.name || '_default';
                EXECUTE format('SELECT EXISTS (SELECT FROM crm.%I WHERE at >= $1 AND at < $2)', fallback)
                    INTO is_late USING part_start, part_start + log.step;
                IF is_late THEN
                    -- Nothing of this time may be left there, and nothing may be added, until the new one is attached.
                    EXECUTE format('LOCK TABLE crm.%I IN ACCESS EXCLUSIVE MODE', fallback);
                    EXECUTE format(
                        'WITH moved AS (DELETE FROM crm.%I WHERE at >= $1 AND at < $2 RETURNING *) INSERT INTO crm.%I SELECT * FROM moved',
                        fallback, part) USING part_start, part_start + log.step;
                END IF;
                EXECUTE format(
                    'ALTER TABLE crm.%I ATTACH PARTITION crm.%I FOR VALUES FROM (%L) TO (%L)',
                    log.name, part, part_start, part_start + log.step);
                RETURN NEXT 'created ' || part;
            EXCEPTION WHEN OTHERS THEN
                RETURN NEXT 'failed ' || part || ' (SQLSTATE ' || SQLSTATE || ')';
            END;
        END LOOP;

        FOR expired IN
            SELECT child.relname
            FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid
            WHERE i.inhparent = format('crm.%I', log.name)::regclass
                AND child.relname ~ (log.name || '_[0-9]+$')
                AND to_date(rpad(substring(child.relname FROM '[0-9]+$'), 8, '01'), 'YYYYMMDD') + log.step < now() - log.keep
        LOOP
            BEGIN
                EXECUTE format('DROP TABLE crm.%I', expired.relname);
                RETURN NEXT 'dropped ' || expired.relname;
            EXCEPTION WHEN OTHERS THEN
                RETURN NEXT 'failed ' || expired.relname || ' (SQLSTATE ' || SQLSTATE || ')';
            END;
        END LOOP;
    END LOOP;
END
$$;

-- Hosts -------------------------------------------------------------------------------------------------------------------------

CREATE TABLE crm.processes (
    owner      uuid        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    version    text        NOT NULL,
    known_kids integer[]   NOT NULL DEFAULT '{}',
    providers  jsonb       NOT NULL DEFAULT '[]',
    CONSTRAINT processes_pkey PRIMARY KEY (owner)
);

-- Who may what ------------------------------------------------------------------------------------------------------------------

-- On for tables without merchants too: it also keeps the contents of rows out of error messages.
ALTER TABLE crm.merchants ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.merchant_users ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.login_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.key_ring ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.service_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.crm_integrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.crm_sync_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.login_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.audit_logs ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_rows ON crm.merchants TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY own_rows ON crm.login_sessions TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY own_rows ON crm.crm_integrations TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY own_rows ON crm.crm_sync_logs TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY own_rows ON crm.login_logs TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY own_rows ON crm.audit_logs TO crm_app USING (merchant_id = crm.current_merchant());
CREATE POLICY all_rows ON crm.merchants TO crm_worker USING (true);
CREATE POLICY all_rows ON crm.crm_integrations TO crm_worker USING (true);
CREATE POLICY all_rows ON crm.crm_sync_logs TO crm_worker USING (true);
CREATE POLICY all_rows ON crm.audit_logs TO crm_worker USING (true);
CREATE POLICY all_rows ON crm.key_ring TO crm_app, crm_worker USING (true);
CREATE POLICY all_rows ON crm.service_keys TO crm_app, crm_worker USING (true);

GRANT SELECT, INSERT, UPDATE ON crm.merchants TO crm_app;
GRANT SELECT, INSERT ON crm.login_sessions TO crm_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.crm_integrations TO crm_app;
GRANT SELECT, INSERT ON crm.crm_sync_logs, crm.login_logs, crm.audit_logs TO crm_app;
GRANT SELECT, INSERT ON crm.key_ring, crm.service_keys TO crm_app;
GRANT SELECT ON crm.processes TO crm_app;

GRANT SELECT ON crm.merchants, crm.key_ring, crm.service_keys TO crm_worker;
GRANT SELECT, UPDATE ON crm.crm_integrations TO crm_worker;
GRANT SELECT, INSERT ON crm.crm_sync_logs TO crm_worker;
GRANT INSERT ON crm.audit_logs TO crm_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON crm.processes TO crm_worker;

REVOKE ALL ON FUNCTION crm.merchant_of_user(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION crm.claim_user(text, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION crm.maintain_partitions(interval, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm.merchant_of_user(text) TO crm_app;
GRANT EXECUTE ON FUNCTION crm.claim_user(text, uuid) TO crm_app;
GRANT EXECUTE ON FUNCTION crm.maintain_partitions(interval, interval) TO crm_worker;
