/**
 * The statements that read a catalogue (PostgreSQL 14 and later; manual, "System Catalogs"). Each field of
 * each row is wanted in the text format.
 *
 * Threat: a session can have put operators, functions and temporary relations of its own before those of pg_catalog. So
 * all but `path` are to be run between `BEFORE` and `AFTER`: of one moment, with the temporary schema behind
 * pg_catalog, and with definitions that name the schema of everything.
 */

export const BEFORE =
  'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp';
export const AFTER = 'COMMIT';
/**
 * The same within a transaction of the session's, which then goes on as it was. Of one moment only where its isolation
 * level makes it so.
 */
export const BEFORE_WITHIN = 'SAVEPOINT "hopline"; SET LOCAL search_path = pg_catalog, pg_temp';
export const AFTER_WITHIN = 'ROLLBACK TO SAVEPOINT "hopline"; RELEASE SAVEPOINT "hopline"';

/**
 * One row, of the session itself: the effective search path as a JSON array, and its own temporary schema or
 * null.
 */
const path = `
  SELECT pg_catalog.to_json(pg_catalog.current_schemas(true))::pg_catalog.text,
         (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())`;

/** What an expression depends on that calls functions of somebody's own: those of the server's own are not told. */
const calling = `'pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass`;

/** The oids of types whose values are checked by functions: of domains, and of what is made of these. */
const checkedTypes = `
  WITH RECURSIVE part (type, whole) AS (
    SELECT typbasetype, oid FROM pg_type WHERE typbasetype <> 0
    UNION ALL SELECT typelem, oid FROM pg_type WHERE typelem <> 0
    UNION ALL SELECT a.atttypid, c.reltype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.reltype <> 0
  ), checked AS (
    SELECT k.contypid AS type
    FROM pg_depend d JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.contypid <> 0
    WHERE d.refclassid IN (${calling})
    UNION SELECT whole FROM checked JOIN part USING (type))
  SELECT type FROM checked`;

/** oid, schema, name, kind, rules, instead, acts. */
const relations = `
  SELECT c.oid, n.nspname, c.relname, c.relkind,
         c.relhasrules AND EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type <> '1'),
         c.relhastriggers AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgtype & 64 <> 0),
         c.relkind IN ('v', 'f') OR c.relrowsecurity OR c.oid IN (
           SELECT tgrelid FROM pg_trigger WHERE NOT tgisinternal
           UNION ALL SELECT confrelid FROM pg_constraint WHERE confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd')
           UNION ALL SELECT coalesce(a.adrelid, k.conrelid, i.indrelid, d.objid)
           FROM pg_depend d
           LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
           LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
           LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
           WHERE d.refclassid IN (${calling}) AND d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass)
           UNION ALL SELECT attrelid FROM pg_attribute WHERE atttypid IN (${checkedTypes}))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 't', 'c')`;

/** relation, number, name, type, may be a row, generating expression and the search path it is written for. */
const columns = `
  SELECT a.attrelid, a.attnum, a.attname, a.atttypid,
         coalesce(t.typtype IN ('c', 'p'), true) OR coalesce(e.typtype IN ('c', 'p', 'd'), false) OR
         t.typtype = 'd' AND coalesce(b.typtype IN ('c', 'd') OR b.typelem <> 0, true),
         CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
         CASE WHEN a.attgenerated <> '' THEN to_json(current_schemas(true)) END
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typlen = -1
  LEFT JOIN pg_type b ON b.oid = t.typbasetype
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 't', 'c')
  ORDER BY a.attrelid, a.attnum`;

/** relation, definition, the search path it is written for. */
const definitions = `
  SELECT c.oid, pg_get_viewdef(c.oid), to_json(current_schemas(true))
  FROM pg_class c WHERE c.relkind IN ('v', 'm')`;

/** child, parent. */
const inheritance = `SELECT inhrelid, inhparent FROM pg_inherits`;

/**
 * schema, name, came with the server, language (null: an aggregate of functions that may do anything),
 * volatility, result's type, its kind, its relation, it may be a row, names and modes of all parameters,
 * number of input parameters, of defaults, variadic, has settings, body, its path, returns a set.
 */
const functions = `
  SELECT n.nspname, p.proname, p.oid < 16384,
         CASE WHEN p.prokind <> 'a' OR p.oid < 16384 OR NOT EXISTS (
           SELECT FROM pg_aggregate a
           JOIN pg_proc q ON q.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                                       a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
           JOIN pg_language m ON m.oid = q.prolang
           WHERE a.aggfnoid = p.oid AND NOT (m.lanname IN ('c', 'internal') AND q.provolatile = 'i')
         ) THEN l.lanname END,
         p.provolatile,
         p.prorettype, coalesce(b.typtype, t.typtype), coalesce(nullif(t.typrelid, 0), b.typrelid, 0),
         t.typtype IN ('c', 'p') OR coalesce(e.typtype IN ('c', 'p', 'd'), false) OR t.typtype = 'd',
         to_json(p.proargnames), to_json(p.proargmodes::text[]),
         p.pronargs, p.pronargdefaults, p.provariadic <> 0, p.proconfig IS NOT NULL,
         CASE WHEN l.lanname = 'sql' AND p.oid >= 16384 THEN coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) END,
         CASE WHEN p.prosqlbody IS NOT NULL THEN to_json(current_schemas(true)) END,
         p.proretset
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  JOIN pg_type t ON t.oid = p.prorettype
  LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typlen = -1
  LEFT JOIN pg_type b ON b.oid = t.typbasetype`;

/** schema, name, depends on its operands alone. */
const operators = `
  SELECT DISTINCT n.nspname, o.oprname,
         coalesce(o.oid < 16384 OR l.lanname IN ('c', 'internal') AND p.provolatile = 'i', false)
  FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
  LEFT JOIN pg_proc p ON p.oid = o.oprcode LEFT JOIN pg_language l ON l.oid = p.prolang`;

/** The names of types into which a function casts that may do anything, or whose values such a one checks. */
const casts = `
  SELECT DISTINCT t.typname
  FROM pg_cast c JOIN pg_type t ON t.oid = c.casttarget JOIN pg_proc p ON p.oid = c.castfunc
  JOIN pg_language l ON l.oid = p.prolang
  WHERE c.oid >= 16384 AND NOT (l.lanname IN ('c', 'internal') AND p.provolatile = 'i')
  UNION SELECT typname FROM pg_type WHERE oid IN (${checkedTypes})`;

/** What is read once for a database, by the names that `assemble` has for the answers. */
export const CATALOGUE_SQL = {
  relations,
  columns,
  definitions,
  inheritance,
  functions,
  operators,
  casts,
} as const;

const CATALOGUES = [
  'aggregate',
  'attrdef',
  'attribute',
  'cast',
  'class',
  'constraint',
  'index',
  'inherits',
  'language',
  'namespace',
  'operator',
  'proc',
  'rewrite',
  'trigger',
  'type',
];

/**
 * One row: which database of which server it is, as long as that runs; and a text, which is another after anything in
 * those catalogues was made, changed or removed: what is changed has a newer `xmin` than everything before it, or within one
 * transaction a newer `cmin`, and what is removed is missing from the count.
 *
 * Threat: a server in the place of another, made in the same steps, has the same numbers.
 */
export const FINGERPRINT_SQL = `SELECT
  (SELECT concat(oid, ' ', extract(epoch from pg_postmaster_start_time())) FROM pg_database WHERE datname = current_database()),
  concat_ws(' ', ${CATALOGUES.map(
    (name) =>
      `(SELECT concat(count(*), ':', max(xmin::text::bigint), ':', sum(xmin::text::bigint), ':', sum(cmin::text::bigint)) FROM pg_${name})`,
  ).join(', ')})`;

/** What is read in the session before a statement, unless it is known to be what it was. */
export const SEARCH_PATH_SQL = path;
