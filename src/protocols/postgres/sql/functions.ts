/**
 * Functions that reach further than their name: those that run SQL given as text or read what an argument names, and
 * those that touch the server's files. By the last part of the name, as extensions lie in any schema.
 */

/**
 * PostgreSQL's own (functions-xml, textsearch), then contrib (dblink, tablefunc, xml2, pageinspect), then common
 * extensions.
 */
const RUNS_TEXT: ReadonlySet<string> = new Set([
  'query_to_xml',
  'query_to_xmlschema',
  'query_to_xml_and_xmlschema',
  'cursor_to_xml',
  'cursor_to_xmlschema',
  'ts_stat',
  'connectby',
  'xpath_table',
  'master_run_on_worker',
  'create_immv',
  'pg_background_launch',
  'pg_background_launch_v2',
  'replicate_ddl_command',
  'query_export_to_s3',
  'table_import_from_s3',
]);
/** pg_cron's: with names that others have too, outside of its schema. */
const CRON: ReadonlySet<string> = new Set(['schedule', 'schedule_in_database', 'alter_job']);
const RUNS_TEXT_PREFIX = /^(?:dblink|crosstab|pgr_|run_command_on_)/;

/** What they read is named by a value: a table, a schema, a slot. */
const READS_NAMED: ReadonlySet<string> = new Set([
  'table_to_xml',
  'table_to_xmlschema',
  'table_to_xml_and_xmlschema',
  'schema_to_xml',
  'schema_to_xmlschema',
  'schema_to_xml_and_xmlschema',
  'database_to_xml',
  'database_to_xmlschema',
  'database_to_xml_and_xmlschema',
  'get_raw_page',
  'heap_force_freeze',
  'heap_force_kill',
  'pg_truncate_visibility_map',
  'pg_logical_slot_get_changes',
  'pg_logical_slot_peek_changes',
  'pg_logical_slot_get_binary_changes',
  'pg_logical_slot_peek_binary_changes',
  'pg_get_wal_record_info',
  'pg_get_wal_records_info',
  'pg_get_wal_block_info',
]);

/** Generic file access functions, large objects from and to files, adminpack. */
const FILES: ReadonlySet<string> = new Set(['lo_import', 'lo_export', 'pg_stat_file', 'pg_logdir_ls']);
const FILES_PREFIX = /^pg_(?:read_(?:binary_)?file|ls_|file_)/;

export interface Reach {
  /** Why what the call does is not known from the statement. */
  readonly unknown: string | null;
  readonly file: boolean;
}

/**
 * What a function reaches beyond its arguments, or null for all others.
 * @param parts its name
 * @param args how many it is called with: `ts_rewrite` runs a query only where it gets two
 */
export function reachOf(parts: readonly string[], args: number): Reach | null {
  const name = parts.at(-1) ?? '';
  if (CRON.has(name) && (parts.at(-2) ?? 'cron') === 'cron')
    return { unknown: `SQL as text in ${name}`, file: false };
  if (RUNS_TEXT.has(name) || RUNS_TEXT_PREFIX.test(name) || (name === 'ts_rewrite' && args < 3))
    return { unknown: `SQL as text in ${name}`, file: false };
  if (READS_NAMED.has(name)) return { unknown: `relations named by a value in ${name}`, file: false };
  if (FILES.has(name) || FILES_PREFIX.test(name)) return { unknown: null, file: true };
  return null;
}
