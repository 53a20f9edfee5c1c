/** What is masked in the tests, and what must never be seen. */
import type { MaskKey } from '../../../../src/masking/key.ts';
import type { Masking } from '../../../../src/protocols/room.ts';

/** `schema.table.column` and its form. */
export const MASKED: Readonly<Record<string, string>> = {
  'public.customers.card': 'last4',
  'public.customers.email': 'full',
  'public.customers.ssn': 'full',
  'public.customers.notes': 'full',
  'public.customers.phones': 'full',
  'public.parts.secret': 'full',
  'public.people.secret': 'full',
  'public.typed.a': 'full',
};

export const SCHEMA = `
  create table customers (id int primary key, name text, card text unique check (card not like 'x%'), email varchar(80),
    ssn bigint, notes jsonb, phones text[], born date);
  insert into customers values
    (1, 'Anna', '4111111111111111', 'anna.secret@example.org', 987654321012, '{"pin": "73517351", "k": 1}', '{030-7777123}', '1999-12-31'),
    (2, 'Bert', '5500005555555559', 'bert.secret@example.org', 876543210987, '{"pin": "84628462", "k": 2}', '{030-7777456,030-7777789}', '1989-11-09');
  create table orders (id int primary key, customer int references customers, item text, price numeric);
  insert into orders values (10, 1, 'book', 12.5), (11, 2, 'lamp', 40);
  create view cards as select id as cid, card as number from customers;
  create view hidden as select o.item, c.email as contact from orders o join customers c on c.id = o.customer;
  create materialized view kept as select id, card from customers;
  create function card_of(n int) returns text language sql stable as 'select card from public.customers where id = n';
  create function dynamic(n int) returns text language plpgsql as
    'declare r text; begin execute ''select card from public.customers where id = '' || n into r; return r; end';
  create function opened() returns refcursor language plpgsql as
    'declare c refcursor := ''opened''; begin open c for select card from public.customers; return c; end';
  create function card_always(n int) returns text language sql immutable as 'select card from public.customers where id = n';
  create function plus(n int) returns int language sql immutable as 'select n + 1';
  create table parts (id int, secret text) partition by range (id);
  create table parts_low partition of parts for values from (0) to (100);
  insert into parts values (1, 'part-secret-31337');
  create table copies (id int, value text);
  create table logs (id int primary key, note text);
  create rule noting as on insert to logs do also insert into copies select id, card from customers;
  create view logs_view as select * from logs;
  create table people (id int, secret text);
  create table vips (tier int) inherits (people);
  insert into vips values (1, 'part-secret-vip', 1);
  create table innocent (secret text);
  create table both_of () inherits (people, innocent);
  insert into both_of values (2, 'part-secret-both');
  create type pair as (a text, b text);
  create table typed of pair;
  insert into typed values ('part-secret-typed', 'b');
  create schema other;
  create table other.customers (id int, name text, card text);
  insert into other.customers values (7, 'Other', 'no-secret');
  create role free_of_masks;
  analyze;
`;

/** Anything of which more than the last four characters would tell too much. */
export const SECRETS: readonly string[] = [
  '411111111111',
  '550000555555',
  'secret@example',
  'anna.secret',
  'bert.secret',
  '987654321012',
  '876543210987',
  '73517351',
  '84628462',
  '7777123',
  '7777456',
  'part-secret',
];

/** In the spellings in which a secret could leave: as it is, in hexadecimal, base64, reversed, with separators. */
export function leaked(bytes: Buffer): string | null {
  const latin = bytes.toString('latin1');
  const bare = latin.replace(/[^0-9A-Za-z@]/g, '');
  for (const secret of SECRETS) {
    const encoded = Buffer.from(secret);
    const spellings = [
      secret,
      [...secret].reverse().join(''),
      encoded.toString('hex'),
      encoded.toString('base64').slice(0, 8),
      secret.toUpperCase(),
    ];
    for (const spelling of spellings) if (latin.includes(spelling)) return spelling;
    const plain = secret.replace(/[^0-9A-Za-z@]/g, '');
    if (plain.length > 6 && bare.includes(plain)) return secret;
  }
  for (const number of [987654321012n, 876543210987n]) {
    const binary = Buffer.alloc(8);
    binary.writeBigInt64BE(number);
    if (bytes.includes(binary)) return `${number} in binary`;
  }
  return null;
}

export function maskingOf(
  key: MaskKey,
  masked: Readonly<Record<string, string>> = MASKED,
  more: Partial<Masking> = {},
): Masking {
  return {
    subject: JSON.stringify(masked),
    observed: false,
    key,
    detectors: [],
    patterns: [],
    tagsOf: () => [],
    reveal: ({ schema, table, column }) => ({ mask: masked[`${schema}.${table}.${column}`] ?? null }),
    ...more,
  };
}
