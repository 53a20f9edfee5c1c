do $$ begin null; end $$
-- > do: execute

do $$ begin delete from t; end $$
-- > do: write execute | writes t | no where

do $$ begin delete from t where a = 1; update u set b = 1; end $$
-- > do: write execute | writes t, u | columns a, b | no where

do language plpgsql 'begin insert into t select * from u; end'
-- > do: read write execute | reads u | writes t | columns *

do E'begin\n  delete from t where a = \'x\';\nend' language plpgsql
-- > do: write execute | writes t | columns a | where

DO/**/$x$BEGIN/**/DELETE/**/FROM/**/t;END$x$
-- > do: write execute | writes t | no where

do $$ begin execute 'drop table t'; end $$
-- > do: execute unknown | unknown dynamic SQL in DO

do $$ begin execute format('drop table %I', 't') using 1; end $$
-- > do: execute unknown | calls format | unknown dynamic SQL in DO

do $$ declare r record; begin for r in execute 'select 1' loop null; end loop; end $$
-- > do: execute unknown | unknown dynamic SQL in DO

do $$ declare r record; begin for r in select a from t where b loop insert into u values (r.a); end loop; end $$
-- > do: read write execute | reads t | writes u | columns *, a, b

do $$ declare c refcursor; begin open c for execute 'select 1'; end $$
-- > do: execute unknown | unknown dynamic SQL in DO

do $$ declare c refcursor; begin open c for select a from t; fetch c into c; close c; end $$
-- > do: read execute | reads t | columns a

do $$ declare c cursor (k int) for select a from t where b = k; begin open c (f(1)); end $$
-- > do: read execute | reads t | columns a, b, k | calls f

do $$ declare x int := (select max(a) from t); begin x := x + (select min(b) from u); end $$
-- > do: read execute | reads t, u | columns a, x, b | calls max, min

do $$ declare x int[]; begin x[(select a from t)] := (select b from u where c = 1); end $$
-- > do: read execute | reads t, u | columns x, a, b, c

do $$ declare x int; begin select a into x from t where b = 1; select c into strict x from u; end $$
-- > do: read execute | reads t, u | columns a, b, c

do $$ declare r record := (select row(ssn) from people); begin null; end $$
-- > do: read execute | reads people | columns ssn

do $$ declare r record; "R s" constant record default (select row(ssn) from people); x int = 1; begin r := null; end $$
-- > do: read execute | reads people | columns r, ssn

do $$ declare r people; q people = row(secret()); begin null; end $$
-- > do: execute | calls secret

do $$ begin perform f(a) from t; perform pg_read_file('/etc/passwd'); end $$
-- > do: read file execute | reads t | columns a | calls f, pg_read_file

do $$ begin if exists (select from t) then delete from u; elsif g() then null; else truncate v; end if; end $$
-- > do: read write execute | reads t | writes u, v | calls g | no where

do $$ begin case (select a from t) when 1 then perform f(); else perform g(); end case; end $$
-- > do: read execute | reads t | columns a, __Case__Variable_1__ | calls f, g

do $$ begin while (select count(*) from t) > 0 loop delete from t where ctid = any (array(select ctid from t limit 1)); exit when f(); end loop; end $$
-- > do: read write execute | reads t | writes t | columns ctid | calls count, f | where

do $$ declare x int; begin for i in 1..(select a from t) by f() loop null; end loop; foreach x in array (select b from u) loop null; end loop; end $$
-- > do: read execute | reads t, u | columns a, b | calls f

do $$ begin raise notice '% %', (select ssn from people), f(); raise exception using message = (select a from t); end $$
-- > do: read execute | reads people, t | columns ssn, a | calls f

do $$ begin assert (select true from t), g(); end $$
-- > do: read execute | reads t | calls g

do $$ begin begin delete from t where a; exception when unique_violation then update u set b = 1 where c; end; end $$
-- > do: write execute | writes t, u | columns a, b, c | where

do $$ begin call p(1); commit; rollback; end $$
-- > do: execute unknown | calls p | unknown body of procedure p

do $$ begin set role bob; end $$
-- > do: privilege session execute | role bob

do $$ begin perform set_config('role', 'bob', false); end $$
-- > do: privilege session execute | calls set_config | role bob

do $$ begin set local work_mem = '1GB'; perform 'a\'; end $$
-- > do: session execute unknown | unknown a backslash in a string of DO that settings decide about

do $$ begin perform 'a\'; end $$
-- > do: execute

do $$ begin create table t (a int); drop table u; alter table v add b int; end $$
-- > do: ddl execute | writes t, u, v | columns a, b

do $$ begin copy t to program 'id'; end $$
-- > do: read copy program execute | reads t | columns * | no where

do $$ begin do 'begin delete from t; end'; end $$
-- > do: write execute | writes t | no where

do $$ begin do $x$ begin execute 'x'; end $x$; end $$
-- > do: execute unknown | unknown dynamic SQL in DO

do $$ <<l>> declare a int; begin l.a := 1; end l $$
-- > do: execute | columns a

do $$ begin lock table t; notify c; listen d; end $$
-- > do: transaction session execute utility | writes t

do $$ begin explain analyze delete from t where a; end $$
-- > do: write execute utility | writes t | columns a | where

do $$ #variable_conflict use_column begin update t set a = 1 where b; end $$
-- > do: write execute | writes t | columns a, b | where

do $$ declare t t%rowtype; begin select * into t from t; end $$
-- > do: read execute | reads t | columns *

do $$ declare v s.t.a%type; begin v := 1; end $$
-- > do: execute | columns v

do $$ nonsense $$
-- > do: execute unknown | unknown PL/pgSQL: syntax error at or near "nonsense"

do language plperl 'system("id")'
-- > do: execute unknown | unknown body of DO in language plperl

do language plpython3u $$ import os $$
-- > do: execute unknown | unknown body of DO in language plpython3u

do language sql 'delete from t'
-- > do: execute unknown | unknown body of DO in language sql

do language "PLPGSQL" 'begin null; end'
-- > do: execute unknown | unknown body of DO in language PLPGSQL

do 'begin merge into t using u on t.a = u.a when matched then delete; end'
-- > do: read write execute | reads u | writes t | columns a | where

select a from t; do $$ begin delete from u; end $$; select b from v
-- > select: read | reads t | columns a | no where
-- > do: write execute | writes u | no where
-- > select: read | reads v | columns b | no where

do $$ begin set role alice; delete from t; set role bob; reset role; end $$
-- > do: write privilege session execute unknown | writes t | no where | role none | unknown more than one role

create function f() returns int language plpgsql as $$ declare r record := (select row(ssn) from people); begin return 1; end $$; select 1
-- > create: read ddl | reads people | columns ssn
-- > select: read

do $$ declare r record; begin select a into r from t; r := (select b from u); end $$
-- > do: read execute | reads t, u | columns a, r, b

do $$ begin execute pg_read_file('x'); end $$
-- > do: file execute unknown | calls pg_read_file | unknown dynamic SQL in DO

do $$ begin update t set a = 1; end $$; do $$ begin return; end $$
-- > do: write execute | writes t | columns a | no where
-- > do: execute
