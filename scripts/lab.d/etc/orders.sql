create role alice login;
create role bob login;
create role app login password 'orders-app';
create database orders owner app;
\connect orders
create table orders (
  id integer primary key,
  customer text not null,
  email text not null,
  card text not null,
  amount numeric(10, 2) not null,
  placed timestamptz not null
);
insert into orders
select n, 'customer ' || n, 'customer' || n || '@example.com', '4111111111' || lpad(n::text, 6, '0'),
  (n * 37 % 10000) / 100.0, timestamptz '2025-01-01 00:00:00Z' + n * interval '1 hour'
from generate_series(1, 1000) n;
alter table orders owner to app;
grant select, insert, update, delete on orders to alice, bob;

CREATE TABLE customers (id int PRIMARY KEY, name text, card text UNIQUE, email text, note text);
INSERT INTO customers VALUES
  (1, 'Anna', '4111111111111111', 'anna@customers.example', 'pays by DE89370400440532013000'),
  (2, 'Bert', '5500005555555559', 'bert@customers.example', 'pays by card');
GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO alice, bob;
