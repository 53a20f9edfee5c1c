insert into t (a, b) values (1, 2)
-- > insert: write | writes t | columns a, b

insert into t values (1, 2)
-- > insert: write | writes t | columns *

insert into t default values
-- > insert: write | writes t

insert into s.t (a) select b from u where c = 1
-- > insert: read write | reads u | writes s.t | columns a, b, c

insert into t select * from t
-- > insert: read write | reads t | writes t | columns *

insert into t (a) values ((select b from u))
-- > insert: read write | reads u | writes t | columns a, b

insert into t (a) values (f(1)) returning a, b
-- > insert: read write | reads t | writes t | columns a, b | calls f

insert into t (a) values (1) returning *
-- > insert: read write | reads t | writes t | columns a, *

insert into t (a) values (1) returning t
-- > insert: read write | reads t | writes t | columns a, t, *

insert into t as x (a) values (1) returning x
-- > insert: read write | reads t | writes t | columns a, x, *

insert into t (a) values (1) on conflict do nothing
-- > insert: write | writes t | columns a

insert into t (a) values (1) on conflict (b) where c > 1 do update set d = excluded.e where t.f = 1
-- > insert: write | writes t | columns a, b, c, d, e, f

insert into t (a) values (1) on conflict on constraint k do update set (a, b) = (select c, d from u)
-- > insert: read write | reads u | writes t | columns a, c, d, b

insert into t (a[1], b.c) values (1, 2)
-- > insert: write | writes t | columns a, b, c

insert into t (a) with x as (select b from u) select * from x
-- > insert: read write | reads u | writes t | columns a, b, *

with x as (select b from u) insert into t (a) select * from x
-- > insert: read write | reads u | writes t | columns b, a, *

with t as (select 1) insert into t (a) select * from t
-- > insert: read write | writes t | columns a, *

insert into t (a) overriding system value values (1)
-- > insert: write | writes t | columns a

insert into t (a) table u
-- > insert: read write | reads u | writes t | columns a, *

insert into t (a) values (default)
-- > insert: write | writes t | columns a

update t set a = 1
-- > update: write | writes t | columns a | no where

update t set a = 1 where b = 2
-- > update: write | writes t | columns a, b | where

update t set a = 1 where true
-- > update: write | writes t | columns a | no where

update only s.t as x set a = x.b where x.c = 2 returning x.d
-- > update: read write | reads s.t | writes s.t | columns a, b, c, d | where

update t set a = b + 1, (c, d) = (select e, f from u where u.id = t.id) where g
-- > update: read write | reads u | writes t | columns a, b, c, e, f, id, d, g | where

update t set a = u.b from u, v where u.id = t.id
-- > update: read write | reads u, v | writes t | columns a, b, id | where

update t set a[1] = 2, b.c = 3 where id = 1
-- > update: write | writes t | columns a, b, c, id | where

update t set a = default where id = 1
-- > update: write | writes t | columns a, id | where

update t set a = (select 1) where id = 1
-- > update: write | writes t | columns a, id | where

with x as (select 1 as id) update t set a = 1 from x where t.id = x.id
-- > update: read write | writes t | columns a, id | where

with t as (select 1) update t set a = 1 where b
-- > update: write | writes t | columns a, b | where

update t set a = 1 where current of c
-- > update: write | writes t | columns a | where

update t set a = 1 from (with t as (select 2) select * from t) q where q.x = t.y
-- > update: read write | writes t | columns a, *, x, y | where

update t set a = 1 where id = 5 returning old.a, new.a
-- > update: read write | reads t | writes t | columns a, id | where

update t set a = 1 where id = 5 returning old
-- > update: read write | reads t | writes t | columns a, id, old, * | where

update t set a = 1 where id = 5 returning with (old as o) o
-- > update: read write | reads t | writes t | columns a, id, o, * | where

delete from t
-- > delete: write | writes t | no where

delete from t where a = 1
-- > delete: write | writes t | columns a | where

delete from only t as x using u, v where x.a = u.a returning *
-- > delete: read write | reads u, v, t | writes t | columns a, * | where

with x as (select 1) delete from t using x where t.a = x.a
-- > delete: read write | writes t | columns a | where

with t as (select 1) delete from t
-- > delete: write | writes t | no where

delete from t where 1 = 1 or a = 2
-- > delete: write | writes t | columns a | no where

delete from t where a in (select b from u) returning (select c from v)
-- > delete: read write | reads u, t, v | writes t | columns a, b, c | where

merge into t using u on t.a = u.a when matched then delete
-- > merge: read write | reads u | writes t | columns a | where

merge into t using u on true when matched then do nothing
-- > merge: read write | reads u | writes t | no where

merge into s.t as x using (select b from u) as y on x.a = y.b when matched and x.c > 1 then update set d = y.e when not matched then insert (f) values (y.g)
-- > merge: read write | reads u | writes s.t | columns b, a, c, d, e, f, g | where

merge into t using u on t.a = u.a when not matched then insert values (1, 2)
-- > merge: read write | reads u | writes t | columns a, * | where

merge into t using u on t.a = u.a when not matched by source then delete returning merge_action(), t.*
-- > merge: read write | reads u, t | writes t | columns a, * | where

with u as (select 1) merge into t using u on t.a = u.a when matched then update set b = (select c from v)
-- > merge: read write | reads v | writes t | columns a, b, c | where

with x as (delete from t returning *) select * from x
-- > select: read write | reads t | writes t | columns * | no where

with x as (delete from t where a = 1 returning b) select * from x where c = 1
-- > select: read write | reads t | writes t | columns a, b, *, c | where

with x as (insert into t (a) values (1)) select 1
-- > select: read write | writes t | columns a

with x as (update t set a = 1 where b) update u set c = 1 where d
-- > update: write | writes t, u | columns a, b, c, d | where

with x as (update t set a = 1) update u set c = 1 where d
-- > update: write | writes t, u | columns a, c, d | no where

with a as (delete from t where x returning *), b as (insert into u select * from a returning *) select * from b, a, t
-- > select: read write | reads t, u | writes t, u | columns x, * | no where

with recursive a as (delete from b where x returning *), b as (select * from a) select * from b
-- > select: read write | reads b | writes b | columns x, * | no where

select * from t where a in (with x as (delete from u returning b) select b from x)
-- > select: read write | reads t, u | writes u | columns *, a, b | no where

with t as (delete from t where a returning *) insert into archive select * from t
-- > insert: read write | reads t | writes t, archive | columns a, * | where

with t as (delete from s.t where a returning *) insert into t select * from t
-- > insert: read write | reads s.t | writes s.t, t | columns a, * | where

copy t to stdout
-- > copy: read copy | reads t | columns * | no where

copy t (a, b) to stdout
-- > copy: read copy | reads t | columns a, b | no where

copy s.t from stdin
-- > copy: write copy | writes s.t | columns *

copy t (a) from stdin with (format csv, header) where b > 1
-- > copy: write copy | writes t | columns a, b

copy (select a from t where b = 1) to stdout
-- > copy: read copy | reads t | columns a, b | where

copy (select a from t) to stdout with (format binary)
-- > copy: read copy | reads t | columns a | no where

copy (delete from t where a returning *) to stdout
-- > copy: read write copy | reads t | writes t | columns a, * | where

copy (insert into t values (1) returning a) to stdout csv
-- > copy: read write copy | reads t | writes t | columns *, a

copy (values (1)) to stdout
-- > copy: read copy

copy (table t) to stdout
-- > copy: read copy | reads t | columns * | no where

copy t to '/tmp/x'
-- > copy: read copy file | reads t | columns * | no where

copy t from '/tmp/x'
-- > copy: write copy file | writes t | columns *

copy t to program 'cat'
-- > copy: read copy program | reads t | columns * | no where

copy t from program 'id'
-- > copy: write copy program | writes t | columns *

COPY/**/t/**/TO/**/PROGRAM/**/'cat'
-- > copy: read copy program | reads t | columns * | no where

copy (select 1) to program 'sh'
-- > copy: read copy program

copy binary t to stdout
-- > copy: read copy | reads t | columns * | no where

truncate t
-- > truncate: write | writes t

truncate table only s.t, u restart identity cascade
-- > truncate: write unknown | writes s.t, u | unknown what refers to it, which is emptied too

lock t
-- > lock: transaction | writes t

lock table s.t, u in access share mode
-- > lock: transaction | reads s.t, u

lock table t in row exclusive mode nowait
-- > lock: transaction | writes t

create table nt as select a from t where b = 1
-- > create: read write ddl | reads t | writes nt | columns a, b | where

create table s.nt (x) as select a from t
-- > create: read write ddl | reads t | writes s.nt | columns a | no where

create table nt as table t with no data
-- > create: read ddl | reads t | writes nt | columns * | no where

create table if not exists nt as values (1)
-- > create: read write ddl | writes nt

create table nt as with x as (delete from t where a returning *) select * from x
-- > create: read write ddl | reads t | writes nt, t | columns a, * | no where

create table nt as execute p (1)
-- > create: write ddl execute unknown | writes nt | prepared p | unknown EXECUTE of an unknown prepared statement

create materialized view v as select a from t where b = 1 limit 5
-- > create: read write ddl | reads t | writes v | columns a, b | where | limit

create materialized view v as select a from t with no data
-- > create: read ddl | reads t | writes v | columns a | no where

refresh materialized view concurrently s.v
-- > refresh: write utility | writes s.v

update pg_settings set setting = 'x' where name = 'role'
-- > update: write privilege session unknown | writes pg_settings | columns setting, name | where | unknown a setting whose name is no constant

update pg_catalog.pg_settings set setting = 'x' where name = 'work_mem'
-- > update: write privilege session unknown | writes pg_catalog.pg_settings | columns setting, name | where | unknown a setting whose name is no constant

delete from t where id = 1 limit 5
-- > error at 27
-- > unknown: unknown | unknown parser failed: syntax error at or near "limit"
