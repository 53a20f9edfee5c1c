/** Ways to get a masked column out by more than a statement says: by what is left behind, put in front, or run by the server. */
import { type Way, way } from './ways.ts';

export const WAYS_ROUND: readonly Way[] = [
  way(
    'prepared before another of its name is put in front',
    'create temp table zz (); prepare sh as select card from customers; execute sh; create temp table customers (id int, card text); execute sh; drop table pg_temp.customers; deallocate sh',
    /^\*\*\*\d{4}\n\*\*\*\d{4}\n$/,
  ),
  way(
    'text that is run',
    "select query_to_xml('select set_config(''my.card'', card, false) from customers where id = 1', true, false, ''); select current_setting('my.card')",
  ),
  way(
    'text that is run, by a notification',
    "listen x; select query_to_xml('select pg_notify(''x'', card) from customers where id = 1', true, false, ''); select 1",
  ),
  way(
    'text that is run for statistics of words',
    "select * from ts_stat('select to_tsvector(''a'') from customers where set_config(''my.card'', card, false) > '''''); show my.card",
  ),
  way(
    'operator that runs a text',
    "create operator @#@ (leftarg = tsquery, rightarg = text, function = ts_rewrite); select count(*) from orders where 'a'::tsquery @#@ $$select 'a'::tsquery, 'b'::tsquery from customers where set_config('my.card', card, false) > ''$$ is null; show my.card; drop operator if exists @#@ (tsquery, text)",
  ),
  way(
    'file of the table',
    "select lo_import(current_setting('data_directory') || '/' || pg_relation_filepath('customers')) as oid \\gset\n\\lo_export :oid /dev/stdout\n",
  ),
  way(
    'crosstab',
    "create extension tablefunc; select * from crosstab($$select 1, 2, card from customers where set_config('my.card', card, false) > ''$$) as x(a int, b text); show my.card; drop extension tablefunc",
  ),
  way(
    'pages',
    "create extension pageinspect; select * from heap_page_items(get_raw_page('customers', 0)); select * from bt_page_items('customers_card_key', 1); drop extension pageinspect",
  ),
  way(
    'hstore',
    "create extension hstore; select hstore(c) -> 'card', each(hstore(c)) from customers c; drop extension hstore",
  ),
];
