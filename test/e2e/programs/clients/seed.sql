-- What the clients work on: a value of each kind, and an object of each kind for a dump to carry.
create type mood as enum ('sad', 'ok', 'happy');
create type pair as (a integer, b text);
create domain positive as integer check (value > 0);
create table every (
  id integer primary key,
  b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, m money,
  t text, vc varchar(20), c char(5), nm name, by bytea,
  d date, ti time, tz timetz, ts timestamp, tstz timestamptz, iv interval,
  u uuid, j json, jb jsonb, x xml, ia integer[], ta text[], na numeric[], ma integer[][],
  net inet, ci cidr, mac macaddr, pt point, bx box, r int4range, mr datemultirange, bt bit varying(16), tsv tsvector,
  md mood, pr pair, po positive
);
insert into every values
  (1, true, 1, 2, 3, 1.5, 2.25, 12345.678900, 12.34, 'plain', 'varying', 'fix', 'a_name', '\x00010203ff',
   '2024-02-29', '12:34:56.789', '12:34:56+02', '2024-02-29 12:34:56.123456', '2024-02-29 12:34:56.123456+00',
   '1 year 2 mons 3 days 04:05:06.007', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a" : [1, null, "x"]}', '{"b": {"c": 1.50}}',
   '<a b="1">x</a>', '{1,NULL,3}', '{a,"b c",NULL,"\"q\\"}', '{1.10,2}', '{{1,2},{3,4}}',
   '10.0.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', '(1.5,-2)', '((1,1),(0,0))', '[1,10)', '{[2024-01-01,2024-02-01)}', B'10110',
   'a fat cat'::tsvector, 'happy', row(7, 'b,"c'), 5),
  (2, false, -32768, -2147483648, -9223372036854775808, '-Infinity', 'NaN', 'NaN', -0.01,
   E'Grüße \u2603 \U0001F600 e\u0301 \t tab\nline\\ back ''quote'' "double"', '', '', '', '',
   'infinity', '00:00', '24:00:00-15:59', '-infinity', 'infinity', '-1 days +00:00:00.000001',
   '00000000-0000-0000-0000-000000000000', 'null', '[]', '', '{}', '{}', '{}', '{}',
   '::1', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', '(Infinity,NaN)', '((0,0),(0,0))', 'empty', '{}', B'', '', 'sad', row(null, ''), 2147483647);
insert into every (id) values (3);
create table parents (id integer generated always as identity primary key, name text not null unique, note text);
create table children (
  id serial primary key, parent integer not null references parents on delete cascade, amount numeric(12, 2) check (amount >= 0),
  doubled numeric generated always as (amount * 2) stored
);
insert into parents (name, note) select 'parent ' || n, repeat('n', n) from generate_series(1, 50) n;
insert into children (parent, amount) select 1 + n % 50, n / 4.0 from generate_series(1, 2000) n;
create index on children (parent) include (amount) where amount > 10;
create table parted (at date not null, v integer) partition by range (at);
create table parted_2024 partition of parted for values from ('2024-01-01') to ('2025-01-01');
create table parted_rest partition of parted default;
insert into parted select date '2024-12-30' + n, n from generate_series(0, 5) n;
create table blobs (id integer primary key, body bytea);
insert into blobs select n, sha512(n::text::bytea) || decode(repeat('00ff5c0a', n), 'hex') from generate_series(1, 300) n;
create table wide (id integer primary key, body text);
insert into wide select n, n || ':' || repeat(md5(n::text), 30) from generate_series(1, 3000) n;
create table scratch (id integer, t text, by bytea, v numeric);
create view sums as select p.name, sum(c.amount) as total from parents p join children c on c.parent = p.id group by p.name;
create materialized view counts as select parent, count(*) as n from children group by parent;
create function area(w integer, h integer default 2) returns integer language sql immutable return w * h;
create function warns(what text) returns text language plpgsql as $$
begin
  raise notice 'noticed %', what using detail = 'a detail', hint = 'a hint';
  raise warning 'warned %', what;
  if what = 'fail' then
    raise exception 'failed on purpose' using errcode = 'P0042', detail = 'its detail', hint = 'its hint';
  end if;
  return upper(what);
end $$;
create procedure adds(n integer, inout id integer default null) language plpgsql as $$
begin
  insert into scratch (id) values (n);
  commit;
  id := n + 1;
end $$;
create function stamps() returns trigger language plpgsql as $$ begin new.note := coalesce(new.note, 'stamped'); return new; end $$;
create trigger stamps before insert on parents for each row execute function stamps();
create sequence odd start 1 increment 2;
select nextval('odd'), nextval('odd');
comment on table every is 'of every kind: "quoted", Grüße';
select lo_from_bytea(4242, '\x00ff10203040');
