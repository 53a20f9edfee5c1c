\set VERBOSITY verbose
\pset null '(null)'
select version();
show server_version_num;
show client_encoding;
select current_user, session_user;
select * from every order by id;
\x on
select * from every order by id;
\x off
\d
\d every
\d+ children
\d+ parted
\d sums
\dt+ parents
\df
\sf warns
\dT+ mood
\dn
\ds
\dv
\dC bigint
\du
\dp
\db
select 41 + 1 as answer, 'x''y' as quoted \gset
select :answer, :'quoted';
select 'select ' || n from generate_series(1, 3) n \gexec
select parent % 3 as p, id % 4 as i, count(*) from children group by 1, 2 order by 1, 2 \crosstabview
select id, t from every order by id \gdesc
select 'to a pipe' as w \g | tr a-z A-Z
\echo :ROW_COUNT :SQLSTATE
select 1 as a \; select 2 as b \; select 3 as c;
prepare p(int, text) as select $1 * 2, $2 || '!';
execute p(21, 'ä');
execute p(null, null);
explain (costs off) execute p(1, 'a');
deallocate p;
begin;
declare c scroll cursor for select id, name from parents order by id;
fetch 3 from c;
fetch backward 2 from c;
move 10 in c;
fetch absolute 50 from c;
fetch all from c;
close c;
commit;
begin isolation level serializable read only;
insert into scratch values (1);
select 1;
rollback;
begin;
insert into scratch values (1);
savepoint a;
insert into scratch values (2);
select nope from scratch;
rollback to a;
insert into scratch values (3);
release a;
commit and chain;
select count(*) from scratch;
rollback;
\set ON_ERROR_ROLLBACK on
begin;
select 1/0;
select 'still here';
commit;
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT off
insert into scratch values (4);
rollback;
\set AUTOCOMMIT on
select nothing;
select * from nowhere;
selec 1;
select 'unterminated
';
select 1 +;
insert into parents (name) values ('parent 1');
insert into children (parent, amount) values (999, 1);
insert into children (parent, amount) values (1, -1);
insert into children (parent) values (null);
insert into every (id, po) values (9, 0);
insert into every (id, vc) values (9, repeat('x', 30));
select 'x'::int, 1;
select 9223372036854775807 + 1;
select '{"a":'::json;
select warns('ok');
select warns('fail');
call adds(50);
select id from scratch where id = 50;
do $$ begin raise notice 'from do'; end $$;
insert into parents (name) values ('new one') returning *;
update parents set name = 'newer' where name = 'new one' returning id, name, note;
with gone as (delete from parents where name = 'newer' returning *) select name, note from gone;
merge into scratch s using (values (4, 'm'), (50, 'n')) v(id, t) on s.id = v.id when matched then update set t = v.t when not matched then insert (id, t) values (v.id, v.t);
select id, t from scratch where id in (4, 50) order by id;
insert into parents (name) values ('parent 2') on conflict (name) do update set note = 'met' returning name, note;
select area(3), area(3, 4), area(w => 2, h => 5);
listen things;
notify things, 'a payload: Grüße';
select pg_notify('things', 'another');
unlisten *;
set search_path to nowhere, public;
show search_path;
set time zone 'Asia/Kolkata';
select tstz, tz from every where id = 1;
set datestyle to 'SQL, DMY';
select d, tstz from every where id = 1;
reset all;
set client_encoding to latin1;
select convert_to('Grüße', 'latin1');
select 'caf' || chr(233);
select chr(9731);
set client_encoding to utf8;
select U&'\2603', E'\u2603', $tag$it's $1 here$tag$, '日本語' as "Ünïcode ""name""";
create temp table t on commit drop as select 1;
create temp table "Odd ""Table""" ("Col um'n" int, "日本" text);
insert into "Odd ""Table""" values (1, 'eins') returning "Col um'n", "日本";
\d "Odd ""Table"""
copy (select id, t, by from every order by id) to stdout;
copy (select id, t, by from every order by id) to stdout with (format csv, header, force_quote *);
copy scratch (id, t, by, v) from stdin;
100	a\tb\\c	\\x00ff	1.5
101	\N	\N	\N
\.
copy scratch (id, t) from stdin with (format csv, header);
id,t
102,"a ""quoted"", thing
of two lines"
103,
\.
select * from scratch where id between 100 and 103 order by id;
copy scratch (id) from stdin;
not a number
\.
;
-- a comment alone
select /* and /* nested */ one */ 'after' /* in */ as -- the end
 "the comments";
values (1, 'a'), (2, null);
table sums order by name limit 2;
explain (costs off) select * from children where parent = 3 and amount > 10;
vacuum scratch;
analyze scratch;
select generate_series(1, 3), unnest(array['a', 'b']);
select array_agg(id order by id), string_agg(t, ', ' order by id), jsonb_object_agg(id, pr order by id) from every;
select xmlelement(name a, xmlattributes(1 as b), 'x'), xpath('/a/text()', x) from every where id = 1;
lock table scratch in share mode;
set role nobody_here;
checkpoint;
\errverbose
