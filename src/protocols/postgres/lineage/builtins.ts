/**
 * What functions do with their arguments, and which system columns hold other tables' values.
 *
 * An immutable function of the server's own can read no table. Of the others only those listed here are
 * known: a function that a later version adds is opaque until it is listed.
 */
import type { CatalogueFunction } from './types.ts';

/**
 * `arguments`: the result depends on them and on nothing that is masked; `sink`: so too, and they go
 * elsewhere as well; `opaque`: it may read anything and hand its arguments on; `runs`: it runs a text as SQL, or takes in a
 * file, and so may keep what it reads where it can be read without a mask.
 */
export type Verdict = 'arguments' | 'sink' | 'opaque' | 'runs';

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Stable and volatile, and yet: values out of their arguments, the clock, chance, or the session itself. */
const PURE = words(`
  age array_to_json array_to_string concat concat_ws convert convert_from convert_to date date_part date_trunc date_add
  date_subtract enum_first enum_last enum_range extract format generate_series length make_timestamptz money numeric
  overlaps quote_literal quote_nullable time timestamp timestamptz timetz timezone to_char to_date to_number
  to_timestamp xml xml_is_well_formed
  json_agg json_agg_strict json_build_array json_build_object json_object_agg json_object_agg_strict
  json_object_agg_unique json_object_agg_unique_strict json_populate_record json_populate_recordset json_to_record
  json_to_recordset json_to_tsvector jsonb_agg jsonb_agg_strict jsonb_build_array jsonb_build_object jsonb_object_agg
  jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_path_exists_tz
  jsonb_path_match_tz jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
  jsonb_populate_record_valid jsonb_populate_recordset jsonb_to_record jsonb_to_recordset jsonb_to_tsvector
  row_to_json to_json to_jsonb
  phraseto_tsquery plainto_tsquery to_tsquery to_tsvector ts_debug ts_headline ts_match_tq ts_match_tt ts_parse
  ts_token_type websearch_to_tsquery get_current_ts_config
  clock_timestamp now statement_timestamp timeofday transaction_timestamp
  gen_random_uuid random random_normal uuidv4 uuidv7
  nextval currval lastval
  current_database current_query current_schema current_schemas current_setting current_user getdatabaseencoding
  getpgusername inet_client_addr inet_client_port inet_server_addr inet_server_port session_user system_user version
  pg_backend_pid pg_char_to_encoding pg_client_encoding pg_conf_load_time pg_encoding_to_char
  pg_postmaster_start_time pg_trigger_depth pg_typeof pg_collation_for pg_column_compression pg_column_size
  pg_timezone_abbrevs pg_timezone_names row_security_active
`);

/** What is in the catalogues, about files, and about the server: names, sizes, states; no rows of tables. */
const CATALOGUE = words(`
  _pg_index_position aclexplode aclitemin aclitemout col_description format_type has_any_column_privilege
  has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege has_function_privilege
  has_language_privilege has_largeobject_privilege has_parameter_privilege has_schema_privilege
  has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege has_type_privilege
  mxid_age obj_description oidvectortypes pg_available_extension_versions pg_available_extensions pg_basetype
  pg_blocking_pids pg_collation_actual_version pg_collation_is_visible pg_column_is_updatable pg_config
  pg_control_checkpoint pg_control_init pg_control_recovery pg_control_system pg_conversion_is_visible
  pg_current_logfile pg_current_snapshot pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
  pg_current_xact_id pg_current_xact_id_if_assigned pg_cursor pg_database_collation_actual_version
  pg_database_size pg_describe_object pg_extension_update_paths pg_filenode_relation pg_function_is_visible
  pg_get_acl pg_get_backend_memory_contexts pg_get_catalog_foreign_keys pg_get_constraintdef pg_get_expr
  pg_get_function_arg_default pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result
  pg_get_function_sqlbody pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_loaded_modules
  pg_get_multixact_members pg_get_object_address pg_get_partition_constraintdef pg_get_partkeydef
  pg_get_publication_tables pg_get_replica_identity_index pg_get_replication_slots pg_get_ruledef
  pg_get_sequence_data pg_get_serial_sequence pg_get_shmem_allocations pg_get_shmem_allocations_numa
  pg_get_statisticsobjdef pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions pg_get_triggerdef
  pg_get_userbyid pg_get_viewdef pg_get_wal_resource_managers pg_get_wal_summarizer_state pg_get_aios pg_has_role
  pg_identify_object pg_identify_object_as_address pg_index_column_has_property pg_index_has_property
  pg_indexam_has_property pg_indexes_size pg_is_in_recovery pg_is_other_temp_schema pg_is_wal_replay_paused
  pg_isolation_test_session_is_blocked pg_jit_available pg_last_committed_xact pg_last_wal_receive_lsn
  pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_listening_channels pg_lock_status pg_my_temp_schema
  pg_notification_queue_usage pg_numa_available pg_opclass_is_visible pg_operator_is_visible
  pg_opfamily_is_visible pg_options_to_table pg_partition_ancestors pg_partition_tree pg_prepared_statement
  pg_prepared_xact pg_relation_filenode pg_relation_filepath pg_relation_is_publishable pg_relation_is_updatable
  pg_relation_size pg_replication_origin_oid pg_replication_origin_progress
  pg_replication_origin_session_is_setup pg_replication_origin_session_progress pg_safe_snapshot_blocking_pids
  pg_sequence_last_value pg_sequence_parameters pg_settings_get_flags pg_show_all_settings
  pg_show_replication_origin_status pg_stat_have_stats pg_statistics_obj_is_visible pg_table_is_visible
  pg_table_size pg_tablespace_databases pg_tablespace_location pg_tablespace_size pg_total_relation_size
  pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible
  pg_type_is_visible pg_wait_events pg_get_wal_replay_pause_state pg_xact_commit_timestamp
  pg_xact_commit_timestamp_origin pg_xact_status shobj_description to_regclass to_regcollation to_regnamespace
  to_regoper to_regoperator to_regproc to_regprocedure to_regrole to_regtype to_regtypemod txid_current
  txid_current_if_assigned txid_current_snapshot txid_status
  pg_stat_get_archiver pg_stat_get_backend_idset pg_stat_get_backend_io pg_stat_get_io
  pg_stat_get_progress_info pg_stat_get_recovery_prefetch pg_stat_get_replication_slot pg_stat_get_slru
  pg_stat_get_subscription pg_stat_get_subscription_stats pg_stat_get_wal pg_stat_get_wal_senders
`);

/**
 * They keep or send what they are given: a setting, a sequence, a lock's number, a large object, a
 * notification, the WAL.
 */
const SINKS = words(`
  lo_close lo_creat lo_create lo_from_bytea lo_lseek lo_lseek64 lo_open lo_put lo_tell lo_tell64 lo_truncate
  lo_truncate64 lo_unlink lowrite
  pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
  pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
  pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
  pg_cancel_backend pg_export_snapshot pg_logical_emit_message pg_notify pg_reload_conf pg_rotate_logfile pg_sleep
  pg_sleep_for pg_sleep_until pg_stat_clear_snapshot pg_stat_force_next_flush pg_stat_reset pg_stat_reset_shared
  pg_stat_reset_single_function_counters pg_stat_reset_single_table_counters pg_switch_wal pg_terminate_backend
  set_config setseed setval
`);

/**
 * They go on counting in what they are given the name of. Of a name that stands in the statement it is nothing new that
 * it was called, so tables may have them in their defaults.
 */
export const COUNTS = words('nextval');

/** C functions of usual extensions that are not declared immutable and read nothing. */
const EXTENSIONS = words(`
  uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 gen_random_bytes gen_random_uuid gen_salt similarity
  show_limit word_similarity strict_word_similarity unaccent
`);

/** The server's own that run a text, or a cursor, or take in a file, and those of usual extensions. */
const RUNS = words(`
  cursor_to_xml cursor_to_xmlschema lo_import query_to_xml query_to_xml_and_xmlschema query_to_xmlschema ts_rewrite ts_stat
`);
const EXTENSIONS_RUN =
  /^(?:dblink(?:_.*)?|crosstab.*|connectby|xpath_table|schedule(?:_in_database)?|alter_job|pg_background_launch)$/;

/** Whether some function of this name runs a text as SQL: an operator or an aggregate of it does so too. */
export function runsText(name: string): boolean {
  return RUNS.has(name) || EXTENSIONS_RUN.test(name);
}

/** int2, int4, int8, oid, bool, float4, float8, numeric, timestamps, interval, inet. */
const NUMBERS: ReadonlySet<number> = new Set([16, 20, 21, 23, 26, 700, 701, 1114, 1184, 1186, 1700, 869]);

export function verdict({ kind, name, volatility, result }: CatalogueFunction): Verdict {
  if (kind === 'c') {
    if (volatility === 'immutable' || EXTENSIONS.has(name)) return 'arguments';
    return EXTENSIONS_RUN.test(name) ? 'runs' : 'opaque';
  }
  if (kind !== 'builtin') return 'opaque';
  if (volatility === 'immutable' || PURE.has(name) || CATALOGUE.has(name)) return 'arguments';
  // Counters and times; what tells a statement's text is text or a record.
  if (name.startsWith('pg_stat_get_') && result.kind === 'scalar' && NUMBERS.has(result.typeOid))
    return 'arguments';
  return SINKS.has(name) ? 'sink' : RUNS.has(name) ? 'runs' : 'opaque';
}

/** What gives, of a whole row of pg_attribute, the type. */
export const REVEALS_NOTHING = words('_pg_truetypid _pg_truetypmod');

/** Records of which some columns are known to hold nothing of a table: of others' statements all but the text. */
const PARTLY: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    'pg_stat_get_activity',
    words(`
      datid pid usesysid application_name state wait_event_type wait_event xact_start query_start backend_start
      state_change client_addr client_hostname client_port backend_xid backend_xmin backend_type ssl sslversion
      sslcipher sslbits ssl_client_dn ssl_client_serial ssl_issuer_dn gss_auth gss_princ gss_enc gss_delegation
      leader_pid query_id
    `),
  ],
]);

export function clearColumns({ kind, name }: CatalogueFunction): ReadonlySet<string> | null {
  return kind === 'builtin' ? (PARTLY.get(name) ?? null) : null;
}

/** Columns of `pg_catalog` that hold values of other tables' columns. */
const HOLDERS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['pg_statistic', words('stavalues1 stavalues2 stavalues3 stavalues4 stavalues5')],
  ['pg_statistic_ext_data', words('stxdmcv stxdexpr')],
  ['pg_largeobject', words('data')],
  ['pg_attribute', words('attmissingval')],
]);

/** Why a column of a system catalogue can't be cleared. */
export function holdsOthers(schema: string, relation: string, column: string): string | null {
  if (schema !== 'pg_catalog' || HOLDERS.get(relation)?.has(column) !== true) return null;
  return `pg_catalog.${relation}.${column} holds values of other tables`;
}

/**
 * What the grammar itself makes of special syntax (EXTRACT, TRIM, AT TIME ZONE, …): always the server's own,
 * though an older server may call it by another name.
 */
export const SYNTAX = words(`
  btrim date_part extract is_normalized like_escape ltrim normalize overlaps overlay pg_collation_for position rtrim
  similar_to_escape substring timezone xmlexists
`);

/** Names that make casts when they are called as functions, and types that are neither rows nor arrays. */
export const PLAIN_TYPES = words(`
  bit bool bpchar bytea char cidr circle date float4 float8 inet int2 int4 int8 interval json jsonb jsonpath line lseg
  macaddr macaddr8 money name numeric oid path pg_lsn point polygon regclass regcollation regconfig regdictionary
  regnamespace regoper regoperator regproc regprocedure regrole regtype text tid time timestamp timestamptz timetz
  tsquery tsvector uuid varbit varchar xid xid8 xml
`);

/** Constructs that an older server takes for calls of functions so named, and a newer one names columns after. */
export const CONSTRUCTORS: Readonly<Record<string, string>> = {
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
  MergeSupportFunc: 'merge_action',
};

/**
 * Constructs of the parser's grammar that are ordinary calls to an older server: there, a function of
 * somebody's own may have their name.
 */
export const NEW_SYNTAX: Readonly<Record<string, string>> = {
  ...CONSTRUCTORS,
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
  JsonTable: 'json_table',
};
