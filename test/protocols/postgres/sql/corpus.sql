-- Statements as programs, drivers, migrations and people send them. A blank line ends each.

SELECT abalance FROM pgbench_accounts WHERE aid = 52342;

UPDATE pgbench_accounts SET abalance = abalance + -3781 WHERE aid = 88102;

UPDATE pgbench_tellers SET tbalance = tbalance + 412 WHERE tid = 7;

UPDATE pgbench_branches SET bbalance = bbalance + 412 WHERE bid = 1;

INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (7, 1, 88102, 412, CURRENT_TIMESTAMP);

BEGIN; UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = 1; SELECT abalance FROM pgbench_accounts WHERE aid = 1; END;

drop table if exists pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers

create table pgbench_accounts(aid int not null, bid int, abalance int, filler char(84)) with (fillfactor=100)

copy pgbench_accounts from stdin with (freeze on)

vacuum analyze pgbench_branches

alter table pgbench_accounts add primary key (aid)

select count(*) from pgbench_branches

SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname OPERATOR(pg_catalog.~) '^(orders)$' COLLATE pg_catalog.default AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 2, 3;

SELECT c.relchecks, c.relkind, c.relhasindex, c.relhasrules, c.relhastriggers, c.relrowsecurity, c.relforcerowsecurity, false AS relhasoids, c.relispartition, '', c.reltablespace, CASE WHEN c.reloftype = 0 THEN '' ELSE c.reloftype::pg_catalog.regtype::pg_catalog.text END, c.relpersistence, c.relreplident, am.amname FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_class tc ON (c.reltoastrelid = tc.oid) LEFT JOIN pg_catalog.pg_am am ON (c.relam = am.oid) WHERE c.oid = '16402';

SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull, (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS attcollation, a.attidentity, a.attgenerated FROM pg_catalog.pg_attribute a WHERE a.attrelid = '16402' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum;

SELECT n.nspname as "Schema", c.relname as "Name", CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 't' THEN 'TOAST table' WHEN 'f' THEN 'foreign table' WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' END as "Type", pg_catalog.pg_get_userbyid(c.relowner) as "Owner" FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam WHERE c.relkind IN ('r','p','v','m','S','f','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2;

SELECT d.datname as "Name", pg_catalog.pg_get_userbyid(d.datdba) as "Owner", pg_catalog.pg_encoding_to_char(d.encoding) as "Encoding", d.datcollate as "Collate", d.datctype as "Ctype", pg_catalog.array_to_string(d.datacl, E'\n') AS "Access privileges" FROM pg_catalog.pg_database d ORDER BY 1;

SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolconnlimit, r.rolvaliduntil, ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid) WHERE m.member = r.oid) as memberof, r.rolreplication, r.rolbypassrls FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1;

SELECT c2.relname, i.indisprimary, i.indisunique, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true), pg_catalog.pg_get_constraintdef(con.oid, true), contype FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i LEFT JOIN pg_catalog.pg_constraint con ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p','u','x')) WHERE c.oid = '16402' AND c.oid = i.indrelid AND i.indexrelid = c2.oid ORDER BY i.indisprimary DESC, c2.relname;

SELECT true as sametable, conname, pg_catalog.pg_get_constraintdef(r.oid, true) as condef, conrelid::pg_catalog.regclass AS ontable FROM pg_catalog.pg_constraint r WHERE r.conrelid = '16402' AND r.contype = 'f' AND conparentid = 0 ORDER BY conname

SELECT inhparent::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, c.oid), inhdetachpending FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON c.oid = inhrelid WHERE c.oid = '16402';

SET DATESTYLE = ISO

SET INTERVALSTYLE = POSTGRES

SET extra_float_digits TO 3

SET synchronize_seqscans TO off

SET statement_timeout = 0

SET lock_timeout = 0

SET idle_in_transaction_session_timeout = 0

SET row_security = off

BEGIN

SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

SELECT pg_catalog.set_config('search_path', '', false);

SELECT pg_catalog.pg_is_in_recovery()

SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'

SELECT x.tableoid, x.oid, x.extname, n.nspname, x.extrelocatable, x.extversion, x.extconfig, x.extcondition FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace

LOCK TABLE public.orders, public.customers IN ACCESS SHARE MODE

COPY public.orders (id, customer_id, total, created_at) TO stdout;

COPY public.customers (id, email, ssn) FROM stdin;

DECLARE _pg_dump_cursor CURSOR FOR SELECT id, customer_id FROM ONLY public.orders

FETCH 100 FROM _pg_dump_cursor

CLOSE _pg_dump_cursor

SELECT pg_catalog.setval('public.orders_id_seq', 10042, true);

ALTER TABLE ONLY public.orders ALTER COLUMN id SET DEFAULT nextval('public.orders_id_seq'::regclass);

ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id) ON DELETE CASCADE NOT VALID;

ALTER TABLE public.orders OWNER TO app;

CREATE SEQUENCE public.orders_id_seq AS integer START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;

ALTER SEQUENCE public.orders_id_seq OWNED BY public.orders.id;

COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL procedural language';

CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

GRANT USAGE, SELECT ON SEQUENCE public.orders_id_seq TO app;

ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT SELECT ON TABLES TO reader;

SELECT "users".* FROM "users" WHERE "users"."email" = $1 LIMIT $2

SELECT 1 AS one FROM "users" WHERE "users"."email" = 'a@example.com' AND "users"."id" != 42 LIMIT 1

INSERT INTO "users" ("email", "encrypted_password", "created_at", "updated_at") VALUES ($1, $2, $3, $4) RETURNING "id"

UPDATE "users" SET "sign_in_count" = $1, "current_sign_in_at" = $2 WHERE "users"."id" = $3

DELETE FROM "sessions" WHERE "sessions"."id" = $1

SELECT COUNT(*) FROM "orders" INNER JOIN "line_items" ON "line_items"."order_id" = "orders"."id" WHERE "orders"."state" IN ('paid', 'shipped') AND "line_items"."price" > 100.0

SELECT "schema_migrations"."version" FROM "schema_migrations" ORDER BY "schema_migrations"."version" ASC

SELECT pg_try_advisory_lock(4019285213482710)

SELECT t.oid, t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype FROM pg_type as t LEFT JOIN pg_range as r ON oid = rngtypid WHERE t.typname IN ('int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'text', 'varchar', 'char', 'name', 'bpchar', 'bool')

SELECT "auth_user"."id", "auth_user"."password", "auth_user"."last_login" FROM "auth_user" WHERE "auth_user"."username" = 'admin' LIMIT 21

SELECT (1) AS "a" FROM "app_order" WHERE ("app_order"."status" = 'open' AND "app_order"."customer_id" = 7) LIMIT 1

SELECT "app_order"."id", COUNT("app_item"."id") AS "n" FROM "app_order" LEFT OUTER JOIN "app_item" ON ("app_order"."id" = "app_item"."order_id") GROUP BY "app_order"."id" HAVING COUNT("app_item"."id") > 3 ORDER BY "n" DESC

UPDATE "app_order" SET "total" = ("app_order"."total" + 10), "status" = CASE WHEN "app_order"."total" > 100 THEN 'big' ELSE 'small' END WHERE "app_order"."id" IN (1, 2, 3)

INSERT INTO "django_session" ("session_key", "session_data", "expire_date") VALUES ('k', 'v', '2030-01-01T00:00:00+00:00'::timestamptz) ON CONFLICT ("session_key") DO UPDATE SET "session_data" = EXCLUDED."session_data"

SELECT c.relname, CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END, obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v') AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND pg_catalog.pg_table_is_visible(c.oid)

SAVEPOINT "s140213_x1"

RELEASE SAVEPOINT "s140213_x1"

ROLLBACK TO SAVEPOINT "s140213_x1"

select user0_.id as id1_0_0_, user0_.name as name2_0_0_, orders1_.user_id as user_id3_1_1_ from users user0_ left outer join orders orders1_ on user0_.id=orders1_.user_id where user0_.id=$1::int

select nextval ('hibernate_sequence')

insert into users (name, version, id) values ('x', 0, 1)

select u1_0.id,u1_0.email from users u1_0 where u1_0.email like '%@example.com' escape '' fetch first 20 rows only

SELECT "User"."id" AS "User_id", "User"."email" AS "User_email" FROM "user" "User" WHERE ( ("User"."email" = $1) ) AND ( "User"."deletedAt" IS NULL ) LIMIT 1

SELECT "public"."User"."id", "public"."User"."email" FROM "public"."User" WHERE ("public"."User"."email" = $1 AND 1=1) LIMIT $2 OFFSET $3

INSERT INTO "public"."Post" ("title","authorId") VALUES ($1,$2) RETURNING "public"."Post"."id"

SELECT * FROM "_prisma_migrations" ORDER BY "started_at" ASC

select "id", "email" from "users" where "users"."id" = $1 order by "users"."id" limit $2

select * from users where id = ANY($1::int[])

select id, data->>'name' as name, data #>> '{address,city}' from customers where data @> '{"active": true}' and data ? 'vip'

select jsonb_agg(jsonb_build_object('id', o.id, 'lines', (select jsonb_agg(l) from lines l where l.order_id = o.id))) from orders o

select row_to_json(u) from (select id, email from users where id = 7) u

select to_jsonb(c) - 'ssn' from customers c where c.id = 1

select json_build_object('user', u.*) from users u limit 1

select array_agg(distinct email order by email) filter (where email is not null) from users

select string_agg(name, ', ' order by name) from tags where post_id = 4

select date_trunc('hour', created_at) as h, count(*) from events where created_at > now() - interval '7 days' group by 1 order by 1

select extract(epoch from (now() - max(created_at))) from heartbeats

select generate_series(date '2024-01-01', date '2024-12-31', interval '1 month')::date as month

select g.day, coalesce(sum(o.total), 0) from generate_series('2024-01-01'::date, '2024-01-31', '1 day') g(day) left join orders o on o.created_at::date = g.day group by g.day

select id, rank() over (partition by department order by salary desc) from employees

select *, lag(price) over w, lead(price) over w from quotes window w as (partition by symbol order by ts rows between 1 preceding and 1 following)

select department, sum(salary) from employees group by grouping sets ((department), ())

select department, city, sum(salary) from employees group by cube (department, city)

select distinct on (customer_id) customer_id, id, created_at from orders order by customer_id, created_at desc

select * from a full outer join b using (id) where a.id is null or b.id is null

select * from products where to_tsvector('english', description) @@ plainto_tsquery('english', 'red shoes') order by ts_rank(to_tsvector('english', description), plainto_tsquery('english', 'red shoes')) desc limit 20

select * from users where lower(email) = lower('A@Example.com') and (deleted_at is null or deleted_at > now())

select * from users where email ilike '%@example.com' and name similar to '(a|b)%' and phone !~ '^\+49'

select * from ips where addr << '10.0.0.0/8'::inet

select * from t tablesample system (1) where random() < 0.1

select count(*), count(*) filter (where status = 'failed') as failed, avg(duration)::numeric(10,2), percentile_cont(array[0.5, 0.99]) within group (order by duration) from jobs where queued_at between '2024-01-01' and '2024-02-01'

select id from jobs where state = 'queued' order by priority desc, id for update skip locked limit 1

update jobs set state = 'running', worker = 'w-1', started_at = clock_timestamp() where id = (select id from jobs where state = 'queued' order by id for update skip locked limit 1) returning *

delete from jobs where id in (select id from jobs where finished_at < now() - interval '30 days' limit 1000)

with gone as (delete from jobs where state = 'done' returning *) insert into jobs_archive select * from gone

with recursive tree as (select id, parent_id, name, 0 as depth from categories where parent_id is null union all select c.id, c.parent_id, c.name, t.depth + 1 from categories c join tree t on c.parent_id = t.id where t.depth < 10) select repeat('  ', depth) || name from tree order by depth, name

with recursive fib(a, b) as (values (0, 1) union all select b, a + b from fib where b < 100) select a from fib

with recent as (select * from orders where created_at > now() - interval '1 day'), top as (select customer_id, sum(total) s from recent group by 1 order by 2 desc limit 10) select c.email, t.s from top t join customers c on c.id = t.customer_id

with u as (update accounts set balance = balance - 100 where id = 1 returning id, balance), v as (update accounts set balance = balance + 100 where id = 2 returning id, balance) select * from u union all select * from v

with upsert as (update counters set n = n + 1 where k = 'x' returning *) insert into counters (k, n) select 'x', 1 where not exists (select 1 from upsert)

insert into counters (k, n) values ('x', 1) on conflict (k) do update set n = counters.n + excluded.n returning n

insert into tags (name) values ('a'), ('b'), ('c') on conflict do nothing

insert into audit (who, what, at) values (current_user, 'login', default)

insert into prices as p (sku, price) select sku, price from staging_prices on conflict (sku) where active do update set price = excluded.price where p.price is distinct from excluded.price

merge into stock s using deliveries d on s.sku = d.sku when matched and d.qty = 0 then delete when matched then update set qty = s.qty + d.qty when not matched then insert (sku, qty) values (d.sku, d.qty)

update products p set price = p.price * 1.05 from categories c where c.id = p.category_id and c.name = 'books'

update users set (name, email) = ('x', 'y') where id = 1

update users set preferences = jsonb_set(preferences, '{theme}', '"dark"') where id = 1

update users set tags = array_append(tags, 'vip'), scores[1] = 10 where id = 1

delete from users u using bans b where b.user_id = u.id

delete from users

delete from logs where created_at < '2020-01-01'

truncate table staging_prices

truncate a, b, c restart identity cascade

select * from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')

select column_name, data_type, is_nullable from information_schema.columns where table_name = 'users' order by ordinal_position

select pid, usename, query, state, wait_event from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid()

select pg_terminate_backend(pid) from pg_stat_activity where datname = 'app' and pid <> pg_backend_pid()

select pg_cancel_backend(4242)

select pg_size_pretty(pg_database_size(current_database()))

select relname, n_live_tup, n_dead_tup, last_autovacuum from pg_stat_user_tables order by n_dead_tup desc limit 10

select blocked.pid, blocking.pid from pg_locks blocked join pg_locks blocking on blocking.locktype = blocked.locktype and blocking.pid <> blocked.pid where not blocked.granted

select queryid, calls, total_exec_time, query from pg_stat_statements order by total_exec_time desc limit 5

select version()

select current_database(), current_user, inet_server_addr(), inet_server_port()

show server_version

show transaction isolation level

show search_path

set client_encoding to 'UTF8'

set application_name = 'etl.py'

set session statement_timeout = '5s'

set local synchronous_commit to off

set timezone to 'Europe/Berlin'

reset all

discard all

set role reporting

reset role

set session authorization app

create table customers (id bigserial primary key, email text not null unique, ssn text, phone varchar(32), created_at timestamptz not null default now(), constraint email_has_at check (email like '%@%'))

create table orders (id uuid primary key default gen_random_uuid(), customer_id bigint not null references customers (id) on delete restrict, total numeric(12,2) check (total >= 0), status text default 'new', placed tstzrange, exclude using gist (customer_id with =, placed with &&))

create table measurements (at timestamptz not null, device int not null, value double precision) partition by range (at)

create table measurements_2024 partition of measurements for values from ('2024-01-01') to ('2025-01-01')

create table measurements_rest partition of measurements default

create unlogged table staging_prices (like prices including defaults)

create temp table scratch on commit drop as select * from orders where created_at > now() - interval '1 hour'

create table if not exists kv (k text primary key, v jsonb)

create table generated (a int, b int generated always as (a * 2) stored, c int generated by default as identity (start 10))

create index concurrently if not exists orders_customer_idx on orders (customer_id) where status <> 'done'

create index on customers using gin (to_tsvector('simple', email))

create unique index customers_lower_email on customers (lower(email))

create index on orders (created_at desc nulls last) include (total)

create view active_users as select * from users where deleted_at is null

create or replace view v_orders (id, mail) with (security_barrier) as select o.id, c.email from orders o join customers c on c.id = o.customer_id with local check option

create materialized view daily as select date_trunc('day', at) as day, avg(value) from measurements group by 1 with no data

refresh materialized view concurrently daily

create type mood as enum ('sad', 'ok', 'happy')

create type address as (street text, city text, zip text)

create domain email as text check (value ~ '@')

alter type mood add value 'ecstatic' after 'happy'

create schema if not exists reporting authorization reporting

create role reader nologin

create user app with password 'change me' connection limit 10

alter role app set search_path to app, public

alter role app with password 'SCRAM-SHA-256$4096:x$y:z'

drop role if exists reader

grant reader to app

grant all privileges on database app to app

grant execute on function secret(int) to reader

grant select (id, email) on customers to reader

revoke update on customers from app cascade

alter table customers enable row level security

create policy own on customers for all to app using (owner = current_user) with check (owner = current_user)

alter table customers add column if not exists vip boolean not null default false

alter table customers drop column ssn cascade, alter column phone type text using phone::text

alter table customers rename column phone to telephone

alter table customers rename to clients

alter table orders validate constraint orders_customer_id_fkey

alter table measurements detach partition measurements_2024 concurrently

alter table measurements attach partition measurements_2024 for values from ('2024-01-01') to ('2025-01-01')

alter table orders set (fillfactor = 70), set unlogged, cluster on orders_pkey

alter table orders alter column total set statistics 500, alter column status set not null, alter column status drop default

alter table orders disable trigger user

alter index orders_pkey rename to orders_primary

alter view active_users owner to app

alter function f(int) security definer

alter system set work_mem = '64MB'

alter database app set timezone to 'UTC'

drop table if exists staging_prices cascade

drop view active_users

drop index concurrently orders_customer_idx

drop materialized view daily

drop function if exists f(int, text)

drop schema reporting cascade

drop type mood

drop trigger audit on customers

drop policy own on customers

drop extension if exists hstore

drop database if exists scratch with (force)

create database scratch template template0 encoding 'UTF8'

create extension if not exists pg_trgm

create function add(a int, b int) returns int language sql immutable as 'select a + b'

create or replace function touch() returns trigger as $$ begin new.updated_at = now(); return new; end; $$ language plpgsql

create function top_customers(n int) returns table (id bigint, total numeric) language sql stable as $$ select customer_id, sum(total) from orders group by 1 order by 2 desc limit n $$

create procedure transfer(a int, b int, amount numeric) language plpgsql as $$ begin update accounts set balance = balance - amount where id = a; update accounts set balance = balance + amount where id = b; commit; end $$

create function f(x int) returns int return x + 1

create function g() returns setof int language sql begin atomic select id from orders; select 1; end

create trigger audit after insert or update or delete on customers for each row execute function audit()

create trigger t instead of insert on v_orders for each row when (new.id > 0) execute procedure ins()

create event trigger no_drops on sql_drop execute function refuse()

create rule protect as on delete to orders do instead nothing

create rule log as on update to orders where new.total <> old.total do also insert into changes values (old.id, new.total)

create publication p for table orders, customers where (vip)

create subscription s connection 'host=primary dbname=app' publication p

create server files foreign data wrapper file_fdw

create foreign table passwd (username text, pass text) server files options (filename '/etc/passwd', format 'text', delimiter ':')

create user mapping for current_user server remote options (user 'x', password 'y')

import foreign schema public except (secrets) from server remote into imported

create aggregate mymax (int) (sfunc = int4larger, stype = int)

create operator === (leftarg = int, rightarg = int, function = int4eq)

create cast (text as mood) with inout as assignment

create collation german (provider = icu, locale = 'de-DE')

create statistics orders_stats (dependencies) on customer_id, status from orders

create text search configuration public.simple_german (copy = german)

create access method heap2 type table handler heap_tableam_handler

create transform for hstore language plpython3u (from sql with function hstore_to_plpython(internal), to sql with function plpython_to_hstore(internal))

comment on column customers.ssn is 'social security number'

comment on table orders is null

security label for selinux on table customers is 'system_u:object_r:sepgsql_table_t:s0'

do $$ begin if not exists (select from pg_roles where rolname = 'app') then create role app; end if; end $$

do $$ declare r record; begin for r in select tablename from pg_tables where schemaname = 'public' loop execute 'drop table ' || quote_ident(r.tablename); end loop; end $$

do $body$ declare n int; begin select count(*) into n from users; raise notice '% users', n; if n > 10 then update stats set users = n where id = 1; end if; exception when others then raise; end $body$ language plpgsql

call transfer(1, 2, 100.00)

call refresh_all()

prepare find (text) as select id from users where email = $1

execute find ('a@example.com')

deallocate find

deallocate all

explain select * from orders where customer_id = 7

explain (analyze, buffers, format json) select * from orders o join customers c on c.id = o.customer_id

explain analyze update orders set status = 'x' where id = '00000000-0000-0000-0000-000000000000'

begin isolation level serializable, read only, deferrable

start transaction read write

commit

commit and chain

rollback

abort

end

prepare transaction 'tx-1'

commit prepared 'tx-1'

rollback prepared 'tx-1'

set constraints all deferred

set constraints orders_customer_id_fkey immediate

declare c no scroll cursor with hold for select * from orders order by id

fetch forward 100 from c

fetch absolute 5 from c

fetch all in c

move forward all in c

close all

lock table orders in share row exclusive mode nowait

listen jobs

notify jobs, 'new'

unlisten *

vacuum (verbose, analyze) orders

vacuum full

analyze orders (customer_id)

cluster orders using orders_pkey

reindex (verbose) table concurrently orders

reindex schema public

checkpoint

load 'auto_explain'

copy (select * from customers where vip) to stdout with (format csv, header, force_quote *)

copy customers (id, email) from stdin with (format csv, null '', header match)

copy orders to '/tmp/orders.csv' csv

copy orders from program 'curl http://example.com/orders.csv' with csv

copy orders to program 'gzip > /tmp/orders.gz'

copy (insert into orders default values returning id) to stdout

select lo_create(0)

select lo_export(16409, '/tmp/x')

select pg_read_file('postgresql.conf')

select pg_ls_dir('.')

select * from dblink('dbname=other', 'select id from t') as r(id int)

select dblink_exec('c', 'drop table t')

select query_to_xml('select * from customers', true, true, '')

select table_to_xml('customers', true, false, '')

select xpath('//a/text()', doc) from documents

select * from crosstab('select a, b, c from t order by 1, 2') as ct(a text, x int, y int)

select * from xmltable('//row' passing (select data from docs where id = 1) columns id int path '@id', name text path 'name')

select * from json_table('[{"a": 1}]'::jsonb, '$[*]' columns (a int path '$.a')) as t

select t.* from unnest(array[1, 2], array['a', 'b']) with ordinality as t(a, b, n)

select * from rows from (generate_series(1, 3), unnest(array['a', 'b'])) as r(n, s)

select (addr).city, (addr).* from people

select c from customers c

select customers from customers where id = 1

select md5(ssn), left(ssn, 2) || '***', substr(ssn, 1, 3), ssn::bytea from customers

select case when ssn like '1%' then 1 else 0 end, ssn is null, length(ssn) from customers

select max(ssn), min(ssn), array_agg(ssn) from customers group by substr(ssn, 1, 1)

select e.name, m.name as manager from employees e left join employees m on m.id = e.manager_id

select * from orders natural join customers

select * from (values (1, 'a'), (2, 'b')) as v(n, s) where n > 1

values (1, 'x'), (2, 'y') order by 1 desc limit 1

table customers

table only customers limit 3

(select id from a union select id from b) intersect select id from c except all select id from d order by 1 offset 10

select * from a, lateral (select * from b where b.a_id = a.id order by b.ts desc limit 3) l

select a.*, b.x from a cross join lateral f(a.id) as b(x) where exists (select from c where c.id = b.x)

select * from t where (a, b) in ((1, 2), (3, 4)) and (c, d) = (select x, y from z limit 1)

select * from t where a = some (select b from u) and c <> all (array[1, 2])

select * from t where row(a, b) < row(1, 2) and a between symmetric 10 and 1

select 'it''s', E'line\nbreak', U&'d\0061t\+000061', $$dollar$$, $tag$it's $$ in here$tag$, B'1010', X'1FF', 1e10, .5, 1_000_000, 0xff

select interval '1 day 2 hours', timestamp with time zone '2024-01-01 00:00:00+00', time '12:00', '12:00'::time(3), cast('1' as numeric(4, 2)), point '(1,2)'

select 1 as "weird ""name""", 2 as "UPPER", 3 as ünïcode

select 名前, "列 の 名" from 顧客 where 都市 = '東京'

select /* trace=abc123 */ id /* nested /* comment */ */ from users -- tail

select id from users where name = 'Robert''); DROP TABLE students;--'

select * from users where id = 1; select * from orders where user_id = 1; select 3

begin; insert into a (x) values (1); insert into b (y) select x from a where x = 1; commit;

select pg_sleep(1); rollback

select pg_advisory_xact_lock(hashtext('job')), txid_current(), pg_current_wal_lsn()

select currval('orders_id_seq'), lastval(), nextval('public.orders_id_seq'::regclass)

select has_table_privilege('app', 'customers', 'select'), to_regclass('public.customers'), 'customers'::regclass::oid

select set_config('app.user_id', '42', true)

select current_setting('app.user_id', true)

select pg_notify('jobs', json_build_object('id', 1)::text)

select pg_reload_conf(), pg_switch_wal(), pg_create_restore_point('x')

select * from pg_logical_slot_get_changes('slot', null, null)

select pg_create_logical_replication_slot('slot', 'pgoutput')

select nullif(trim(both ' ' from name), ''), coalesce(nick, name, 'anon'), greatest(a, b), least(a, b) from users

select position('@' in email), overlay(email placing '***' from 2 for 3), substring(email from '@(.*)$'), substring(email from 2 for 3) from users

select name collate "C", upper(name) collate "de_DE" from users order by name collate "C" using <

select count(distinct (a, b)), bool_and(x), every(y), mode() within group (order by z) from t

select sum(x) over (), row_number() over (order by y range between interval '1 day' preceding and current row exclude ties) from t

select * from t for no key update of t nowait

select grouping(a, b), a, b from t group by rollup (a, b)

select x from t order by x nulls first limit all offset 0

select into nt from t

select a, b into temp nt from t where c > 1

reassign owned by old_app to app
