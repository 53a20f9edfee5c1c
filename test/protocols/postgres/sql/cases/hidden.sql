dRoP/**/TABLE/* x */t
-- > drop: ddl | writes t

drop
table--x
t
-- > drop: ddl | writes t

/**/;;;/* ; */drop table t;--
-- > drop: ddl | writes t

drop table "T"
-- > drop: ddl | writes T

drop table T
-- > drop: ddl | writes t

drop table U&"\0074"
-- > drop: ddl | writes t

drop table U&"!0074" uescape '!'
-- > drop: ddl | writes t

drop table "a.b"."c"
-- > drop: ddl | writes "a.b".c

drop table "a"."b.c"
-- > drop: ddl | writes a."b.c"

drop table "x""y"
-- > drop: ddl | writes "x"y"

select 1; drop table t
-- > select: read
-- > drop: ddl | writes t

select '; drop table t; --'
-- > select: read

select $$; drop table t; --$$; drop table u
-- > select: read
-- > drop: ddl | writes u

select $a$ $b$ $a$, $b$ $a$ $b$; drop table u
-- > select: read
-- > drop: ddl | writes u

select e'\''; drop table t; --'
-- > select: read
-- > drop: ddl | writes t

select '\'; drop table t; --'
-- > select: read
-- > drop: ddl | writes t

select 'a' 'b' from t
-- > error at 11
-- > unknown: unknown | unknown parser failed: syntax error at or near "'b'"

select 'a'
  'b' from t
-- > select: read | reads t | no where

select a /* /* */ drop table t; */ from t
-- > select: read | reads t | columns a | no where

select a from t -- ; drop table u
-- > select: read | reads t | columns a | no where

with x as (select 1) delete from t
-- > delete: write | writes t | no where

with x as (update t set a = 1 returning *) select 1 limit 1
-- > select: read write | reads t | writes t | columns a, * | no where | limit

select * from (table t) x
-- > select: read | reads t | columns * | no where

select * from (values ((select a from t))) v
-- > select: read | reads t | columns *, a | no where

select (select (select (select a from t)))
-- > select: read | reads t | columns a

select a from t where b = (select c from u where d = (select e from v where f = (table w)))
-- > select: read | reads t, u, v, w | columns a, b, c, d, e, f, * | where

select query_to_xml('delete from t', true, false, '')
-- > select: read unknown | calls query_to_xml | unknown SQL as text in query_to_xml

select pg_catalog . query_to_xml_and_xmlschema ( 'x' , true , false , '' )
-- > select: read unknown | calls pg_catalog.query_to_xml_and_xmlschema | unknown SQL as text in query_to_xml_and_xmlschema

select "query_to_xml"('x', true, false, '')
-- > select: read unknown | calls query_to_xml | unknown SQL as text in query_to_xml

select U&"query\005fto_xml"('x', true, false, '')
-- > select: read unknown | calls query_to_xml | unknown SQL as text in query_to_xml

select QUERY_TO_XML('x', true, false, '')
-- > select: read unknown | calls query_to_xml | unknown SQL as text in query_to_xml

select "QUERY_TO_XML"('x', true, false, '')
-- > select: read | calls QUERY_TO_XML

select ('drop table t'::text).dblink
-- > select: read unknown | columns dblink | calls dblink | unknown SQL as text in dblink

select * from dblink('host=x', 'delete from t') as d (a int)
-- > select: read unknown | columns * | calls dblink | unknown SQL as text in dblink

select ext.dblink_exec('x', 'y')
-- > select: read unknown | calls ext.dblink_exec | unknown SQL as text in dblink_exec

select * from crosstab('select 1') as c (a int, b int)
-- > select: read unknown | columns * | calls crosstab | unknown SQL as text in crosstab

select * from ts_stat('select v from t')
-- > select: read unknown | columns * | calls ts_stat | unknown SQL as text in ts_stat

select ts_rewrite('a'::tsquery, 'select a, b from t')
-- > select: read unknown | calls ts_rewrite | unknown SQL as text in ts_rewrite

select ts_rewrite('a'::tsquery, 'b'::tsquery, 'c'::tsquery)
-- > select: read | calls ts_rewrite

select table_to_xml('secrets', true, false, '')
-- > select: read unknown | calls table_to_xml | unknown relations named by a value in table_to_xml

select schema_to_xml('s', true, false, '')
-- > select: read unknown | calls schema_to_xml | unknown relations named by a value in schema_to_xml

select database_to_xml(true, false, '')
-- > select: read unknown | calls database_to_xml | unknown relations named by a value in database_to_xml

select cursor_to_xml('c', 1, true, false, '')
-- > select: read unknown | calls cursor_to_xml | unknown SQL as text in cursor_to_xml

select pg_read_file('/etc/passwd')
-- > select: read file | calls pg_read_file

select x.pg_read_file from unnest(array['/etc/passwd']) x
-- > select: read file | columns pg_read_file | calls pg_read_file, unnest

select x.f from unnest(array['a']) x
-- > select: read | columns f | calls unnest, f

select unnest.f from unnest(array['a'])
-- > select: read | columns f | calls unnest, f

select (a).pg_ls_dir from (values ('/etc'::text)) v (a)
-- > select: read file | columns a, pg_ls_dir | calls pg_ls_dir

select lo_import('/etc/passwd')
-- > select: read file | calls lo_import

select lo_export(1, '/tmp/x')
-- > select: read file | calls lo_export

select pg_ls_logdir()
-- > select: read file | calls pg_ls_logdir

select * from pg_logical_slot_peek_changes('s', null, null)
-- > select: read unknown | columns * | calls pg_logical_slot_peek_changes | unknown relations named by a value in pg_logical_slot_peek_changes

select get_raw_page('t', 0)
-- > select: read unknown | calls get_raw_page | unknown relations named by a value in get_raw_page

select cron.schedule('x', '* * * * *', 'delete from t')
-- > select: read unknown | calls cron.schedule | unknown SQL as text in schedule

select run_command_on_workers('x')
-- > select: read unknown | calls run_command_on_workers | unknown SQL as text in run_command_on_workers

select a from t where b in (select pg_read_file('x'))
-- > select: read file | reads t | columns a, b | calls pg_read_file | where

select count(*) filter (where pg_stat_file('x') is not null) from t
-- > select: read file | reads t | calls count, pg_stat_file | no where

select 1 order by query_to_xml('x', true, false, '')
-- > select: read unknown | calls query_to_xml | unknown SQL as text in query_to_xml

select a from t group by pg_read_file('x')
-- > select: read file | reads t | columns a | calls pg_read_file | no where

select a from t limit (select lo_import('x'))
-- > select: read file | reads t | columns a | calls lo_import | no where | limit

insert into t values (query_to_xml('x', true, false, ''))
-- > insert: write unknown | writes t | columns * | calls query_to_xml | unknown SQL as text in query_to_xml

update t set a = pg_read_file('x') where b = 1
-- > update: write file | writes t | columns a, b | calls pg_read_file | where

copy (select pg_read_file('x')) to stdout
-- > copy: read copy file | calls pg_read_file

create table n as select query_to_xml('x', true, false, '')
-- > create: read write ddl unknown | writes n | calls query_to_xml | unknown SQL as text in query_to_xml

create index i on t (pg_read_file(a))
-- > create: ddl file | writes t | columns a | calls pg_read_file

create table t (a text default pg_read_file('x'))
-- > create: ddl file | writes t | columns a | calls pg_read_file

create trigger g before insert on t for each row execute function query_to_xml()
-- > create: ddl unknown | writes t | calls query_to_xml | unknown SQL as text in query_to_xml

create operator public.@@@ (function = query_to_xml, leftarg = text)
-- > create: ddl unknown | calls query_to_xml | unknown SQL as text in query_to_xml

prepare p as select query_to_xml('x', true, false, '')
-- > prepare: session unknown | calls query_to_xml | prepared p | unknown SQL as text in query_to_xml | holds {select query_to_xml('x', true, false, '')}

explain select query_to_xml('x', true, false, '')
-- > explain: utility unknown | calls query_to_xml | unknown SQL as text in query_to_xml | holds {select query_to_xml('x', true, false, '')}

declare c cursor for select query_to_xml('x', true, false, '')
-- > declare: read session unknown | calls query_to_xml | cursor c | unknown SQL as text in query_to_xml | runs {select query_to_xml('x', true, false, '')}

selec 1
-- > error at 0
-- > unknown: unknown | unknown parser failed: syntax error at or near "selec"

drop table
-- > error at 10
-- > unknown: unknown | unknown parser failed: syntax error at end of input

select 'abc
-- > error at 7
-- > unknown: unknown | unknown parser failed: unterminated quoted string at or near "'abc"

select "abc
-- > error at 7
-- > unknown: unknown | unknown parser failed: unterminated quoted identifier at or near ""abc"

select $$abc
-- > error at 7
-- > unknown: unknown | unknown parser failed: unterminated dollar-quoted string at or near "$$abc"

select /* abc
-- > error at 7
-- > unknown: unknown | unknown parser failed: unterminated /* comment at or near "/* abc"

select 1 where a = 'x
-- > error at 19
-- > unknown: unknown | unknown parser failed: unterminated quoted string at or near "'x"

\d t
-- > error at 0
-- > unknown: unknown | unknown parser failed: syntax error at or near "\"

select * from t where a = 1 \gexec
-- > error at 28
-- > unknown: unknown | unknown parser failed: syntax error at or near "\"

select '' from t where '' = ''
-- > select: read | reads t | no where

select 1e, 2
-- > error at 7
-- > unknown: unknown | unknown parser failed: trailing junk after numeric literal at or near "1e"

select 0x1F, 0b11, 0o17, 1_000, 1e5, .5, 5. from t
-- > select: read | reads t | no where

select -1, - 1, +2, --3
4 from t
-- > select: read | reads t | no where

select a -- b
+ c from t
-- > select: read | reads t | columns a, c | no where

select a*/**/b from t
-- > select: read | reads t | columns a, b | no where

select a<-1, b>=-2, c@-3 from t
-- > select: read | reads t | columns a, b, c | no where

select a::int[], b[1:2], c[:], d.* from t
-- > select: read | reads t | columns a, b, c, * | no where

select $1, $2::text from t where a = $3
-- > select: read | reads t | columns a | where

select "a" "b", c "d" from "E"."F" "g"
-- > select: read | reads E.F | columns a, c | no where

select 名前 from 表 where 列 = '値'
-- > select: read | reads 表 | columns 名前, 列 | where

select "🙂" from "😀" where a = '😀'; drop table "😀"
-- > select: read | reads 😀 | columns 🙂, a | where
-- > drop: ddl | writes 😀

set standard_conforming_strings = off; select '\'; drop table t; --'
-- > set: session
-- > select: read
-- > drop: ddl | writes t

select * from f(1) with /* c */ ordinality
-- > select: read | columns * | calls f

select a from t where a not/**/in (1) and b not -- x
 like 'y' order by c nulls /* ü */ first; delete from t
-- > select: read | reads t | columns a, b, c | where
-- > delete: write | writes t | no where

select timestamp with /**/ time /**/ zone '2024-01-01', U&"d!0061t" /* ü */ uescape /* x */ '!' from t
-- > select: read | reads t | columns dat | no where

select a not /* in */ between 1 and 2 frm t
-- > error at 22
-- > unknown: unknown | unknown parser failed: syntax error at or near "between"

select cron.schedule_in_database('x', 'delete from t'), schedule('x')
-- > select: read unknown | calls cron.schedule_in_database, schedule | unknown SQL as text in schedule_in_database, SQL as text in schedule

select s.schedule('x')
-- > select: read | calls s.schedule

select aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa from aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
-- > select: read | reads aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | columns aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, * | no where

select a from t where b = 1 and /* ; delete from t */ c = 2 -- ; drop table t
-- > select: read | reads t | columns a, b, c | where

with recursive t as (table t) table t
-- > select: read | columns *

select a from only (t), only (s.u)
-- > select: read | reads t, s.u | columns a | no where

select * from t where (select count(*) from u) > 0 limit 1 + 1
-- > select: read | reads t, u | columns * | calls count | where | limit

values (pg_read_file('x')), ((select a from t))
-- > select: read file | reads t | columns a | calls pg_read_file

select 1 where (with x as (delete from t) select true)
-- > select: read write | writes t | no where

explain (analyze) select pg_read_file('x')
-- > explain: read file utility | calls pg_read_file | runs {select pg_read_file('x')}

select f(t.*) from t
-- > select: read | reads t | columns * | calls f | no where

select f(t) from t as x, s.t
-- > select: read | reads t, s.t | columns t, * | calls f | no where

select f(old) from t
-- > select: read | reads t | columns old, * | calls f | no where

select most_common_vals from pg_stats where tablename = 't'
-- > select: read unknown | reads pg_stats | columns most_common_vals, tablename | where | unknown values of columns that statistics hold

select * from pg_catalog.pg_statistic, s.pg_stats
-- > select: read unknown | reads pg_catalog.pg_statistic, s.pg_stats | columns * | no where | unknown values of columns that statistics hold

delete from pg_class where relname = 't'
-- > delete: write unknown | writes pg_class | columns relname | where | unknown a row of a system catalogue

update pg_catalog.pg_attribute set attname = 'x' where attrelid = 1
-- > update: write unknown | writes pg_catalog.pg_attribute | columns attname, attrelid | where | unknown a row of a system catalogue

copy pg_proc from stdin
-- > copy: write copy unknown | writes pg_proc | columns * | unknown a row of a system catalogue

insert into s.pg_class values (1)
-- > insert: write | writes s.pg_class | columns *

select heap_force_kill('t'::regclass, array['(0,1)'::tid])
-- > select: read unknown | calls heap_force_kill | unknown relations named by a value in heap_force_kill

create publication p for all tables
-- > create: ddl unknown | unknown all relations of a schema or database

alter publication p set tables in schema s
-- > alter: ddl unknown | unknown all relations of a schema or database

alter subscription s refresh publication
-- > alter: ddl unknown | unknown rows that another server sends

alter extension x update
-- > alter: ddl unknown | unknown the script of extension x

alter system set client_encoding = 'sjis'
-- > alter: privilege utility unknown | unknown how statements are read

alter role bob set Standard_Conforming_Strings = off
-- > alter: privilege unknown | unknown how statements are read

alter database d set role = bob
-- > alter: ddl privilege | role bob

create view v as select a from s.t
-- > create: read ddl | reads s.t | writes v, s.t | columns a

create view v as select t.a from t, u
-- > create: read ddl | reads t, u | writes v | columns a

create view v as select distinct a from t
-- > create: read ddl | reads t | writes v | columns a

create view v as with t as (select 1 as a) select a from t
-- > create: read ddl | writes v | columns a

create view v as select count(*) from t group by a
-- > create: read ddl | reads t | writes v | columns a | calls count

do $$ begin drop schema s cascade; end $$
-- > do: ddl execute unknown | unknown what depends on it, which goes too

create function f() returns void language sql as 'truncate t cascade'
-- > create: write ddl unknown | writes t | unknown what refers to it, which is emptied too

create schema s create view v as select a from t
-- > create: read ddl | reads t | writes v, t | columns a
