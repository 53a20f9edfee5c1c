/** Ways to get a masked column out by more than a statement says: by what is left behind, put in front, or run by the server. */
import { type Way, way } from './ways.ts';

export const WAYS_ROUND: readonly Way[] = [
  way(
    'prepared before another of its name is put in front',
    'create temp table zz (); prepare sh as select card from customers; execute sh; create temp table customers (id int, card text); execute sh; drop table pg_temp.customers; deallocate sh',
    /^\*\*\*\d{4}\n\*\*\*\d{4}\n$/,
  ),
  way(
    'parameter of a prepared statement',
    'prepare pa (text) as select $1; execute pa(card_of(1)); execute pa(dynamic(1)); deallocate pa',
  ),
  way(
    'cursor by the name of a closed one',
    'begin; declare opened cursor for select item from orders; close opened; select opened(); fetch all from opened; commit',
  ),
  way(
    'cursor by the name of a closed one, in one message',
    'begin\\; declare opened cursor for select item from orders\\; close opened\\; select opened()\\; fetch all from opened\\; commit; rollback',
  ),
  way(
    'cursor by the name of one that was taken back',
    'begin; savepoint a; declare opened cursor for select item from orders; rollback to a; select opened(); fetch all from opened; commit',
  ),
  way(
    'cursor by the name of one that ended',
    'begin; declare opened cursor without hold for select item from orders; commit; begin; select opened(); fetch all from opened; commit',
  ),
  way(
    'cursor by the name of one whose transaction failed',
    'begin; declare opened cursor with hold for select item from orders; rollback; begin; select opened(); fetch all from opened; commit',
  ),
  way(
    'cursor by the name of a discarded one',
    'declare opened cursor with hold for select item from orders; discard all; begin; select opened(); fetch all from opened; commit',
  ),
  way(
    'cursors go on',
    'declare k cursor with hold for select item from orders order by id; begin; declare c cursor for select card from customers order by id; savepoint a; fetch 1 from c; rollback to a; fetch 1 from c; fetch 1 from k; commit; fetch 1 from k; close all',
    /^\*\*\*1111\n\*\*\*(?:1111|5559)\nbook\nlamp\n$/,
  ),
  way(
    'error of a cursor as its transaction ends',
    'begin; declare h cursor with hold for select card::int from customers; commit',
  ),
  way(
    'changed in place',
    "begin; update customers set card = substr(card, 5) || substr(card, 1, 4) where card like '5500%'; select '>' , card from customers; rollback",
    /^(?![\s\S]*5500)/,
  ),
  way(
    'changed in place by a change of type',
    'begin; drop view cards cascade; drop materialized view kept; alter table customers alter card type text using substr(card, 1, 4); select card from customers; rollback',
    /^(?![\s\S]*(?:5500|4111))/,
  ),
  way(
    'changed as the mask shows nothing of it',
    "begin; update customers set ssn = ssn + 1; insert into customers (id, card) values (1, 'n') on conflict (id) do update set card = excluded.card; select id from customers order by id; rollback",
    /^1\n2\n/,
  ),
  way(
    'guessed names',
    "select /* rel_5500 rel_4111 */ ('rel_' || substr(card, 1, 4))::regclass, 1 as rel_5500 from customers where id = 2",
    /^$/,
  ),
  way(
    'policy',
    'create policy p on orders using ((select card::int from customers where id = 1) = 1); alter table orders enable row level security; grant select on orders, customers to free_of_masks; set role free_of_masks; select * from orders; reset role; alter table orders disable row level security; drop policy if exists p on orders',
  ),
  way(
    'plan of a function that is not immutable',
    'explain (costs off) select 1 from orders where item = card_always(1)',
  ),
  way('error of planning', 'select 1 from orders where id = card_of(1)::regclass::oid::int'),
  way(
    'column that only its children keep',
    'begin; alter table only people drop column secret; select secret from vips; rollback',
  ),
  way(
    'read through a parent',
    'create table above (card text); alter table customers inherit above; select card from above; drop table above cascade',
  ),
  way('rule below a view', "insert into logs_view values (5, 'x'); select value from copies"),
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
  way(
    'bound of a partition',
    "create table lst (a text) partition by list (a); create table lst1 partition of lst for values in (card_of(1)); select pg_get_expr(relpartbound, oid) from pg_class where relname = 'lst1'; drop table lst",
  ),
  way(
    'column made of it',
    'alter table customers add column z text generated always as (card) stored; select z from customers; alter table customers drop column if exists z',
  ),
  way('errors of an index', 'create index on customers ((card::int))'),
  way('another parent', "select secret, secret || '' from innocent", /^\*\*\*\|\*\*\*\n$/),
  way(
    'another parent, kept when the child is gone',
    'begin; insert into innocent select secret from people; drop table both_of; select secret from innocent; rollback',
    /^$/,
  ),
  way(
    'catalogue changed by hand',
    "update pg_attribute set attname = 'innocent' where attrelid = 'customers'::regclass and attname = 'card'; select innocent from customers",
  ),
  way(
    'another table with its file',
    "begin; create table twin (like customers); update pg_class set relfilenode = (select relfilenode from pg_class where oid = 'customers'::regclass) where relname = 'twin'; select card from twin; rollback",
  ),
  way(
    'catalogue changed in a WITH, by a view, by a copy',
    'begin; with w as (delete from pg_inherits returning 1) select count(*) from w; select secret from parts_low; rollback; begin; create view inh as select * from pg_inherits; delete from inh; select secret from parts_low; rollback; copy pg_class from stdin;\n\\.\nset allow_system_table_mods = on; alter table pg_inherits rename to gone',
    /^$/,
  ),
  way(
    'which sequence goes on',
    "create sequence s4; create sequence s5; select nextval(('s' || substr(card, 1, 1))::regclass) from customers where id = 1; select last_value, is_called from s4; drop sequence s4, s5",
    /^1\|f\n$/,
  ),
  way(
    'attribute of its type under another name',
    'begin; alter type pair rename attribute a to c cascade; select c from typed; rollback',
  ),
];
