-- The three roles of the service, their settings, and what only a superuser may do. Run by a superuser in the service's database,
-- any number of times:
--
--     psql -v ON_ERROR_STOP=1 -d crm -f sql/roles.sql
--
-- Passwords are yours to set: ALTER ROLE crm_app PASSWORD '...'.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['crm_owner', 'crm_app', 'crm_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role_name);
        END IF;

        -- Names in our SQL are schema-qualified; nobody can put an object of the same name before ours.
        EXECUTE format('ALTER ROLE %I SET search_path = pg_catalog, pg_temp', role_name);
        -- Parameters are keys and personal data: never in the server's log, not even with log_statement = all.
        EXECUTE format('ALTER ROLE %I SET log_parameter_max_length = 0', role_name);
        EXECUTE format('ALTER ROLE %I SET log_parameter_max_length_on_error = 0', role_name);
        -- An answer 202 stands for a commit that is on disk.
        EXECUTE format('ALTER ROLE %I SET synchronous_commit = on', role_name);
    END LOOP;

    FOREACH role_name IN ARRAY ARRAY['crm_app', 'crm_worker'] LOOP
        -- A custom plan holds parameters as constants, and auto_explain would print them.
        EXECUTE format('ALTER ROLE %I SET plan_cache_mode = force_generic_plan', role_name);
        EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', role_name, '5s');
        EXECUTE format('ALTER ROLE %I SET lock_timeout = %L', role_name, '1s');
        EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = %L', role_name, '5s');
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role_name);
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role_name);
    END LOOP;

    EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO crm_owner', current_database());
END
$$;

CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
