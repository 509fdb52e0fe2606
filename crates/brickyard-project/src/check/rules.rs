//! Every rule, by code.

use crate::check::rule::Rule;

macro_rules! rules {
    ($($name:ident),* $(,)?) => {
        $(pub(super) mod $name;)*

        /// Every rule, by code.
        pub fn all() -> &'static [&'static Rule] {
            static ALL: &[&Rule] = &[$(&$name::RULE),*];
            ALL
        }
    };
}

rules! {
    unused_ignore,
    unreadable_file,
    invalid_app_yaml,
    no_command,
    wrong_default_command,
    stray_package_json,
    shell_syntax,
    port_default_form,
    unknown_resource_key,
    value_from_mapping,
    env_value,
    ignored_key,
    unexpanded_value,
    two_app_files,
    missing_entry,
    framework_mismatch,
    hard_coded_port,
    local_host,
    debug_server,
    worker_timeout,
    too_many_workers,
    state_in_workers,
    shell_without_exec,
    second_server,
    local_redirect,
    development_server,
    streamlit_settings,
    reflex_ports,
    missing_package,
    old_sdk,
    ignored_dependencies,
    stale_lock,
    python_syntax,
    unpinned_requirement,
    system_package,
    missing_requirements_file,
    cluster_only,
    secret_in_source,
    user_client_auth_type,
    double_scheme,
    postgres_password,
    cached_user_token,
    kept_user_token,
    unguarded_header,
    missing_scope,
    raw_host,
    untrusted_identity,
    unset_variable,
    hard_coded_workspace,
    stale_credential,
    weak_tls,
    public_schema,
    connection_per_rerun,
    wait_timeout,
    several_statements,
    hard_coded_warehouse,
    local_storage,
    file_log,
    page_config_first,
    unstyled_dash,
    event_stream,
    api_prefix,
    cross_app_fetch,
    blocking_handler,
    large_file,
    ignored_front_end,
    notebook_header,
    junk_upload,
    gitignore_negation,
    bundle_value_from,
    app_name,
    bundle_started,
    bundle_permission,
    bundle_source,
    bundle_resource,
}
