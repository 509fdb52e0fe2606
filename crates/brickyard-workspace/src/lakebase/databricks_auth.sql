-- The extension `databricks_auth` of the platform, as far as apps use it. Its files cannot be put beside a PostgreSQL that
-- belongs to the system, so `CREATE EXTENSION IF NOT EXISTS databricks_auth` is seen by an event trigger, which makes what
-- the extension has just before the command looks for it.
--
-- That a role stands for an identity is a setting of the role, `databricks_auth.identity`: like roles, settings of roles
-- are shared by all databases, and go with a copy.
CREATE SCHEMA IF NOT EXISTS __db_system;
GRANT USAGE ON SCHEMA __db_system TO PUBLIC;

-- Whether the workspace has such an identity, by the file that it keeps here; yes where there is none.
CREATE OR REPLACE FUNCTION __db_system.identity_exists(identity_name text, identity_type text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT coalesce(
        position(E'\n' || identity_type || E'\t' || identity_name || E'\n'
            IN pg_read_file('databricks_auth.identities', 0, 100000000, true)) > 0,
        true)
$function$;

-- Has a role stand for an identity. Who may not make roles may not do that either, and a role with rights of the server, a
-- password of its own or an identity stays what it is.
CREATE OR REPLACE FUNCTION __db_system.bind_identity(role_name text, identity_type text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = session_user AND (rolcreaterole OR rolsuper))
        OR EXISTS (
            SELECT FROM pg_authid AS role
                LEFT JOIN pg_db_role_setting AS kept ON kept.setrole = role.oid AND kept.setdatabase = 0
            WHERE rolname = role_name
                AND (rolsuper OR rolpassword IS NOT NULL OR setconfig::text LIKE '%databricks\_auth.identity=%'))
    THEN
        RAISE insufficient_privilege USING MESSAGE = 'permission denied to create role';
    END IF;
    EXECUTE format('ALTER ROLE %I SET databricks_auth.identity = %L', role_name, identity_type);
END
$function$;

CREATE OR REPLACE FUNCTION __db_system.make_databricks_auth() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    extension oid := pg_nextoid('pg_extension', 'oid', 'pg_extension_oid_index');
BEGIN
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        VALUES (extension, 'databricks_auth', 10, 'public'::regnamespace, false, '1.0');
    INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
        VALUES ('pg_extension'::regclass, extension, 0, 'pg_namespace'::regclass, 'public'::regnamespace, 0, 'n');
    CREATE FUNCTION public.databricks_create_role(identity_name text, identity_type text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $create$
    DECLARE
        kind text := upper(identity_type);
    BEGIN
        IF kind IS NULL OR kind NOT IN ('USER', 'SERVICE_PRINCIPAL', 'GROUP') THEN
            RAISE invalid_parameter_value USING
                MESSAGE = format('identity type "%s" is not valid', identity_type),
                HINT = 'It is USER, SERVICE_PRINCIPAL or GROUP.';
        END IF;
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = session_user AND rolsuper)
            AND NOT EXISTS (SELECT FROM public.databricks_list_roles WHERE role_name = session_user)
        THEN
            RAISE insufficient_privilege USING
                MESSAGE = 'permission denied to create a role for a Databricks identity',
                DETAIL = 'The session is one of a native Postgres role.',
                HINT = 'Log in with an OAuth token.';
        END IF;
        IF NOT __db_system.identity_exists(identity_name, kind) THEN
            RAISE invalid_parameter_value USING
                MESSAGE = format('identity "%s" of type %s was not found in the workspace', identity_name, kind),
                HINT = 'Users go by e-mail address, service principals by client id, groups by name.';
        END IF;
        EXECUTE format('CREATE ROLE %I LOGIN', identity_name);
        PERFORM __db_system.bind_identity(identity_name, kind);
    END
    $create$;
    CREATE VIEW public.databricks_list_roles AS
        SELECT role.rolname AS role_name, lower(split_part(setting, '=', 2)) AS identity_type
        FROM pg_roles AS role
            JOIN pg_db_role_setting AS kept ON kept.setrole = role.oid AND kept.setdatabase = 0
            CROSS JOIN unnest(kept.setconfig) AS setting
        WHERE setting LIKE 'databricks\_auth.identity=%';
    GRANT SELECT ON public.databricks_list_roles TO PUBLIC;
    ALTER EXTENSION databricks_auth ADD FUNCTION public.databricks_create_role(text, text);
    ALTER EXTENSION databricks_auth ADD VIEW public.databricks_list_roles;
END
$function$;

-- Runs as who makes the extension.
CREATE OR REPLACE FUNCTION __db_system.before_extension() RETURNS event_trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF pg_catalog.current_query() !~* '\mdatabricks_auth\M'
        OR EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'databricks_auth')
    THEN
        RETURN;
    END IF;
    IF NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'permission denied to create extension "databricks_auth"',
            HINT = 'Must have CREATE privilege on current database to create this extension.';
    END IF;
    IF pg_catalog.current_query() !~* '\mIF\s+NOT\s+EXISTS\s+"?databricks_auth' THEN
        RAISE feature_not_supported USING
            MESSAGE = 'the local workspace makes "databricks_auth" only where it may be there already',
            HINT = 'Write CREATE EXTENSION IF NOT EXISTS databricks_auth.';
    END IF;
    PERFORM __db_system.make_databricks_auth();
END
$function$;

DROP EVENT TRIGGER IF EXISTS databricks_auth;
CREATE EVENT TRIGGER databricks_auth ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION')
    EXECUTE FUNCTION __db_system.before_extension();
