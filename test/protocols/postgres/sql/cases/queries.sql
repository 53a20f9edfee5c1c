select 1
-- > select: read

select a from t
-- > select: read | reads t | columns a | no where

select a, b from s.t where c = 1
-- > select: read | reads s.t | columns a, b, c | where

SELECT A, "B" FROM Foo.Bar WHERE "C d" = 1
-- > select: read | reads foo.bar | columns a, B, C d | where

select * from t
-- > select: read | reads t | columns * | no where

select t.* from t
-- > select: read | reads t | columns * | no where

table t
-- > select: read | reads t | columns * | no where

values (1, 2), (3, 4)
-- > select: read

select a from only t
-- > select: read | reads t | columns a | no where

select a from t *
-- > select: read | reads t | columns a | no where

select a from db.s.t
-- > select: read | reads s.t | columns a | no where

select count(*) from t
-- > select: read | reads t | calls count | no where

select t from t
-- > select: read | reads t | columns t, * | no where

select row_to_json(t) from t
-- > select: read | reads t | columns t, * | calls row_to_json | no where

select row_to_json(x) from s.t as x
-- > select: read | reads s.t | columns x, * | calls row_to_json | no where

select s.t from s.t
-- > select: read | reads s.t | columns t, * | no where

select x.b from t as x (a, b)
-- > select: read | reads t | columns b, * | no where

select j.p from (a join b on true) as j (p, q)
-- > select: read | reads a, b | columns p, * | no where

select q.z from (select ssn from people) as q (z)
-- > select: read | reads people | columns z, ssn | no where

select (t).ssn from t
-- > select: read | reads t | columns t, ssn, * | calls ssn | no where

select (t).* from t
-- > select: read | reads t | columns t, * | no where

select (f(1)).x.y from t
-- > select: read | reads t | columns x, y | calls f, x, y | no where

select a[1].b from t
-- > select: read | reads t | columns a, b | calls b | no where

select a from t, u as v, lateral (select b from w where w.id = v.id) z
-- > select: read | reads t, u, w | columns a, b, id | no where

select a from t join u using (id, k)
-- > select: read | reads t, u | columns a, id, k | no where

select a from t natural join u
-- > select: read | reads t, u | columns a, * | no where

select a from t left join u on t.id = u.id where u.id is null
-- > select: read | reads t, u | columns a, id | where

select a from t cross join u full join v on (v.a = u.b)
-- > select: read | reads t, u, v | columns a, b | no where

select a from t where exists (select 1 from u where u.x = t.x)
-- > select: read | reads t, u | columns a, x | where

select a from t where b in (select c from u)
-- > select: read | reads t, u | columns a, b, c | where

select a from t where b = any (array(select c from u))
-- > select: read | reads t, u | columns a, b, c | where

select (select max(c) from u) from t
-- > select: read | reads u, t | columns c | calls max | no where

select case when a then (select b from u) else c end from t
-- > select: read | reads u, t | columns a, b, c | no where

select a from t order by (select 1 from u), b
-- > select: read | reads t, u | columns a, b | no where

select a from t limit (select n from u)
-- > select: read | reads t, u | columns a, n | no where | limit

select a from t limit 5
-- > select: read | reads t | columns a | no where | limit

select a from t limit all
-- > select: read | reads t | columns a | no where

select a from t limit null
-- > select: read | reads t | columns a | no where

select a from t limit $1 offset 3
-- > select: read | reads t | columns a | no where | limit

select a from t offset 3
-- > select: read | reads t | columns a | no where

select a from t fetch first row only
-- > select: read | reads t | columns a | no where | limit

select a from t order by b fetch first 3 rows with ties
-- > select: read | reads t | columns a, b | no where | limit

select a from (select a from t limit 3) q
-- > select: read | reads t | columns a | no where

(select a from t limit 3)
-- > select: read | reads t | columns a | no where | limit

(select a from t) limit 3
-- > select: read | reads t | columns a | no where | limit

select a from t union select b from u
-- > select: read | reads t, u | columns a, b | no where

select a from t where x = 1 union all select b from u where y = 1
-- > select: read | reads t, u | columns a, x, b, y | where

select a from t where x = 1 union all select b from u
-- > select: read | reads t, u | columns a, x, b | no where

select a from t union select 1
-- > select: read | reads t | columns a | no where

select 1 union select 2
-- > select: read

select a from t where b intersect (select c from u where d except select e from v where f) limit 1
-- > select: read | reads t, u, v | columns a, b, c, d, e, f | where | limit

select distinct on (a) b from t where c > 1
-- > select: read | reads t | columns b, a, c | where

select a, sum(b) over (partition by c order by d) from t
-- > select: read | reads t | columns a, b, c, d | calls sum | no where

select a, sum(b) over w from t window w as (partition by (select e from u))
-- > select: read | reads t, u | columns a, b, e | calls sum | no where

select a from t group by rollup (b), grouping sets ((c), ()) having max(d) > 1
-- > select: read | reads t | columns a, b, c, d | calls max | no where

select sum(a order by b) filter (where c > 1) from t
-- > select: read | reads t | columns a, b, c | calls sum | no where

select percentile_cont(0.5) within group (order by a) from t
-- > select: read | reads t | columns a | calls percentile_cont | no where

select a from t tablesample bernoulli (1) repeatable (2) where b = 1
-- > select: read | reads t | columns a, b | where

select a from t for update
-- > select: read | reads t | columns a | no where

select a from t x for update of x nowait
-- > select: read | reads t | columns a | no where

select g from generate_series(1, 3) g
-- > select: read | columns g | calls generate_series

select * from generate_series(1, 3) with ordinality as g (n, i)
-- > select: read | columns * | calls generate_series

select a, n from t, unnest(t.arr) as n
-- > select: read | reads t | columns a, n, arr | calls unnest | no where

select * from rows from (f(1), s.g(2)) as x
-- > select: read | columns * | calls f, s.g

select * from f(1) as x (a int, b text)
-- > select: read | columns * | calls f

select * from json_table(jsonb '[]', '$[*]' columns (id int path '$.id', x int path '$.x')) j
-- > select: read | columns *

select * from xmltable('/a' passing (select doc from docs) columns b text path 'b') x
-- > select: read | reads docs | columns *, doc | no where

select xmlelement(name foo, xmlattributes(a as b), c) from t
-- > select: read | reads t | columns a, c | no where

select json_object('k': v) from t
-- > select: read | reads t | columns v | no where

select json_arrayagg(a order by b) from t
-- > select: read | reads t | columns b, a | no where

select extract(year from d), position('a' in b), trim(c), overlay(d placing 'x' from 1) from t
-- > select: read | reads t | columns d, b, c | calls pg_catalog.extract, pg_catalog.position, pg_catalog.btrim, pg_catalog.overlay | no where

select a collate "C", b::s.mytype, cast(c as int), interval '1 day', date '2020-01-01' from t
-- > select: read | reads t | columns a, b, c | no where

select 'secrets'::regclass
-- > select: read

select nextval('s.q')
-- > select: read | calls nextval

select current_user, current_date, session_user
-- > select: read

select coalesce(a, b), greatest(a, c), nullif(a, d) from t
-- > select: read | reads t | columns a, b, c, d | no where

select a from t where b operator(pg_catalog.=) c
-- > select: read | reads t | columns a, b, c | where

select "s"."f"(1), "A.B".f(2), "x""y"(3)
-- > select: read | calls s.f, "A.B".f, "x""y"

select f(x => a, variadic b) from t
-- > select: read | reads t | columns a, b | calls f | no where

select f(*) from t
-- > select: read | reads t | calls f | no where

select a.b.c from a.b
-- > select: read | reads a.b | columns c | no where

select ü, "Ü" from größe where Ä = 1
-- > select: read | reads größe | columns ü, Ü, Ä | where

select "a.b" from "c.d"."e.f"
-- > select: read | reads "c.d"."e.f" | columns a.b | no where

select a from information_schema.columns
-- > select: read | reads information_schema.columns | columns a | no where

select a from pg_temp.t
-- > select: read | reads pg_temp.t | columns a | no where

select 1 from t where true
-- > select: read | reads t | no where

select 1 from t where 1 = 1
-- > select: read | reads t | no where

select 1 from t where not false
-- > select: read | reads t | no where

select 1 from t where 'a' = 'a' and 1 < 2
-- > select: read | reads t | no where

select 1 from t where $1
-- > select: read | reads t | no where

select 1 from t where id = $1
-- > select: read | reads t | columns id | where

select 1 from t where id = id
-- > select: read | reads t | columns id | no where

select 1 from t where t.id <= t.id
-- > select: read | reads t | columns id | no where

select 1 from t where id is not distinct from id
-- > select: read | reads t | columns id | no where

select 1 from t where id + 1 = id + 1
-- > select: read | reads t | columns id | where

select 1 from t where a = b
-- > select: read | reads t | columns a, b | where

select 1 from t where id = 1 or true
-- > select: read | reads t | columns id | no where

select 1 from t where (id = 1 or 1 = 1) and true
-- > select: read | reads t | columns id | no where

select 1 from t where (id = 1 or 1 = 1) and name = 'x'
-- > select: read | reads t | columns id, name | where

select 1 from t where id = 1 or name = 'x'
-- > select: read | reads t | columns id, name | where

select 1 from t where not (id = 1)
-- > select: read | reads t | columns id | where

select 1 from t where (id = 1) is true
-- > select: read | reads t | columns id | where

select 1 from t where (true) is not false
-- > select: read | reads t | no where

select 1 from t where random() < 2
-- > select: read | reads t | calls random | no where

select 1 from t where f(id)
-- > select: read | reads t | columns id | calls f | where

select 1 from t where exists (select 1)
-- > select: read | reads t | no where

select 1 from t where exists (select 1 from u)
-- > select: read | reads t, u | where

select 1 from t where (select true)
-- > select: read | reads t | no where

select 1 from t where true::boolean
-- > select: read | reads t | no where

select 1 from t where id between 1 and 2
-- > select: read | reads t | columns id | where

select 1 from t where id in (1, 2)
-- > select: read | reads t | columns id | where

select 1 from t where now() > '2020-01-01'
-- > select: read | reads t | calls now | no where

with x as (select a from t) select * from x
-- > select: read | reads t | columns a, * | no where

with x as (select a from t) select * from s.x
-- > select: read | reads t, s.x | columns a, * | no where

with x as (select a from t) select * from x join y on true
-- > select: read | reads t, y | columns a, * | no where

with x as (select * from x) select * from x
-- > select: read | reads x | columns * | no where

with recursive x as (select 1 union all select n + 1 from x) select * from x
-- > select: read | columns n, *

with x as (select 1), y as (select * from x) select * from y
-- > select: read | columns *

with y as (select * from x), x as (select 1) select * from y
-- > select: read | reads x | columns * | no where

with recursive y as (select * from x), x as (select 1) select * from y
-- > select: read | columns *

with x as (with x as (select * from x) select * from x) select * from x
-- > select: read | reads x | columns * | no where

with x as (with y as (select a from t) select * from y) select * from x, y
-- > select: read | reads t, y | columns a, * | no where

select * from (with x as (select a from t) select * from x) q, x
-- > select: read | reads t, x | columns *, a | no where

with x as (select 1) select * from t where a in (with x as (select b from u) select * from x)
-- > select: read | reads t, u | columns *, a, b | where

with x as (select 1) select * from t where a in (select * from x)
-- > select: read | reads t | columns *, a | where

(with x as (select 1) select * from x) union select * from x
-- > select: read | reads x | columns * | no where

with x as (select 1) select * from x union select * from x
-- > select: read | columns *

with "X" as (select 1) select * from x, "X"
-- > select: read | reads x | columns * | no where

with x as (select 1), x2 as (select * from x where exists (select * from x2)) select * from x2
-- > select: read | reads x2 | columns * | no where

with recursive x (n) as (select 1 union all select n + 1 from x) search depth first by n set o cycle n set c using p select * from x
-- > select: read | columns n, *

with x as materialized (select a from t) select * from x as t
-- > select: read | reads t | columns a, * | no where

with x as (select 1) (with y as (select 2) select * from x, y, z)
-- > error at 0
-- > unknown: unknown | unknown parser failed: multiple WITH clauses not allowed

with x as (select 1) values ((select a from x)), ((select b from y))
-- > select: read | reads y | columns a, b

with a as (select 1), b as (select * from a, (with a as (select 2) select * from a, b) q) select * from b
-- > select: read | reads b | columns * | no where

with recursive a as (select * from b), b as (select * from c), c as (select * from d) select * from a
-- > select: read | reads d | columns * | no where

select * from t where a = (with recursive r as (select 1 union select * from r, t2) select max(x) from r)
-- > select: read | reads t, t2 | columns *, a, x | calls max | where

select a into nt from t where b = 1
-- > select: read write ddl | reads t | writes nt | columns a, b | where

select a into temp table pg_temp.nt from t
-- > select: read write ddl | reads t | writes pg_temp.nt | columns a | no where

select 1; select a from t;; ;select b from u
-- > select: read
-- > select: read | reads t | columns a | no where
-- > select: read | reads u | columns b | no where

/* select a from z */ select b /* , c */ from t -- where d
-- > select: read | reads t | columns b | no where

select e'\'; drop table x; --', U&'\0061', $$ ; drop table y $$, $a$ $$ $a$, b'01', x'1f', n'x' from t
-- > select: read | reads t | no where

select U&"\0061" from U&"\0074\0061" where U&"d!0061t" uescape '!' = 1
-- > select: read | reads ta | columns a, dat | where

select a
-- comment
  from/*x/*nested*/*/t
-- > select: read | reads t | columns a | no where

select "select" from "from" "where"
-- > select: read | reads from | columns select | no where

select 1 as "from t"
-- > select: read

select a.b as c, d c2 from t as e
-- > select: read | reads t | columns b, d | no where

select from t
-- > select: read | reads t | no where

select a from t where current_date > b::date at time zone 'utc'
-- > select: read | reads t | columns a, b | calls pg_catalog.timezone | where

select a #>> '{b,c}', d ? 'e', f ?| array['g'], h @> '{}' from t
-- > select: read | reads t | columns a, d, f, h | no where

select array[a, b], row(c, d), (e, f) from t
-- > select: read | reads t | columns a, b, c, d, e, f | no where

select a is json, b is not null, c is true from t
-- > select: read | reads t | columns a, b, c | no where
