"""psycopg 3: parameters and results in both formats, pipeline, copies, cursors of the server, notifications, two phases."""
import datetime
import decimal
import hashlib
import json
import os
import threading
import uuid

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

NAME = os.environ['PGDATABASE']


def digest(value):
    return hashlib.sha256(value if isinstance(value, bytes) else repr(value).encode()).hexdigest()


def failure(do):
    try:
        do()
        return 'no error'
    except psycopg.Error as error:
        of = error.diag
        return [type(error).__name__, error.sqlstate] + [
            getattr(of, part)
            for part in ('severity', 'message_primary', 'message_detail', 'message_hint', 'statement_position', 'context',
                         'schema_name', 'table_name', 'column_name', 'constraint_name', 'source_function')
        ]


connection = psycopg.connect(autocommit=True)
notices = []
connection.add_notice_handler(lambda of: notices.append((of.severity, of.sqlstate, of.message_primary, of.message_detail)))
print('server', connection.info.server_version, connection.info.encoding, connection.info.parameter_status('TimeZone'))
MAPPED = ('id, b, i2, i4, i8, f4, f8, n, t, vc, c, nm, by, ti, ts::text, iv::text, u, j, jb, ia, ta, na, ma, net, ci, mac, bx, '
          'md, pr, po, bt')
for binary in (False, True):
    cursor = connection.cursor(binary=binary)
    columns = MAPPED if not binary else MAPPED.replace(' mac, bx,', '').replace(', bt', '')
    cursor.execute('select ' + columns + ' from every order by id')
    print('every', binary, cursor.rowcount, cursor.statusmessage)
    print([(each.name, each.type_code if each.type_code < 16384 else 'own') for each in cursor.description])
    for row in cursor:
        print(row)
    values = (7, 2**40, 1.5, decimal.Decimal('12.3400'), 'Grüße', b'\x00\xff\\', datetime.date(2024, 2, 29),
              datetime.datetime(2024, 2, 29, 1, 2, 3, 4, datetime.timezone.utc), ['a', None, '"'], Jsonb({'a': [1]}), None, True,
              uuid.UUID(int=5), datetime.timedelta(days=3, microseconds=5))
    cursor.execute('select ' + ', '.join(['%b' if binary else '%t'] * len(values)), values)
    print('parameters', cursor.fetchone())
with connection.cursor(row_factory=dict_row) as cursor:
    for name in range(8):
        cursor.execute('select upper(%s::text) as u, count(*) from parents where id < %s', (f'n{name}', name), prepare=None)
        print('prepared after some', cursor.fetchall())
    cursor.execute('select 1 as a; select 2 as b, 3 as c')
    print('several', cursor.fetchall(), cursor.nextset(), cursor.fetchall(), cursor.nextset())
    cursor.executemany('insert into scratch (id, t) values (%s, %s) returning id', [(n, f'm{n}') for n in range(700, 720)], returning=True)
    print('many', cursor.rowcount, cursor.fetchone(), cursor.nextset(), cursor.fetchone())
print('stream', digest([row for row in connection.cursor().stream('select id, body from wide order by id')]))
print('20 MB', digest(connection.execute("select n, repeat(md5(n::text), 200) from generate_series(1, 3000) n").fetchall()))

print('-- pipeline')
with connection.pipeline() as pipeline:
    cursors = [connection.execute('select %s::int * 2', (n,)) for n in range(100)]
    pipeline.sync()
    print(sum(each.fetchone()[0] for each in cursors))


def fails():
    with connection.pipeline():
        connection.execute('select 1 / %s::int', (0,))


print(failure(fails))
print('and goes on', connection.execute('select 1').fetchone())

print('-- transactions')
with connection.transaction():
    connection.execute('insert into scratch (id) values (801)')
    def inner():
        with connection.transaction():
            connection.execute('insert into scratch (id) values (802)')
            connection.execute("insert into parents (name) values ('parent 1')")
    print(failure(inner))
print([row[0] for row in connection.execute('select id from scratch where id between 800 and 810')])
for query, values in (
    ('select * from nowhere where id = %s', (1,)), ('selec', ()), ("select %s::int", ('x',)), ('select 1 / %s', (0,)),
    ('insert into children (parent, amount) values (%s, %s)', (1, -1)),
    ('insert into children (parent, amount) values (%s, %s)', (12345, 1)),
    ('insert into every (id, vc) values (90, %s)', ('x' * 30,)), ('select warns(%s)', ('fail',)), ('select nope', ()),
):
    print(query, failure(lambda: connection.execute(query, values)))
print(notices)

print('-- cursors of the server')
with connection.transaction(), connection.cursor('named', scrollable=True) as cursor:
    cursor.itersize = 100
    cursor.execute('select id, body from wide where id > %s order by id', (10,))
    print(cursor.fetchone()[0], [row[0] for row in cursor.fetchmany(3)])
    cursor.scroll(100)
    print(cursor.fetchone()[0], digest(cursor.fetchall()))
with connection.transaction(), connection.cursor('binary', binary=True) as cursor:
    cursor.execute('select id, body from blobs order by id')
    print(digest([row for row in cursor]))

print('-- copies')
with connection.cursor() as cursor:
    with cursor.copy('copy every to stdout') as copy:
        print(digest(b''.join(bytes(each) for each in copy)))
    with cursor.copy('copy (select * from blobs order by id) to stdout (format binary)') as copy:
        copy.set_types(['int4', 'bytea'])
        print(digest([(number, bytes(body)) for number, body in copy.rows()]))
    with cursor.copy('copy scratch (id, t, v) from stdin') as copy:
        for n in range(20000, 30000):
            copy.write_row((n, f'line\t{n}\\ é' if n % 3 else None, decimal.Decimal(n) / 8))
    print(cursor.rowcount, cursor.statusmessage)
    with cursor.copy('copy scratch (id, by) from stdin (format binary)') as copy:
        copy.set_types(['int4', 'bytea'])
        for n in range(30000, 31000):
            copy.write_row((n, bytes([n % 256] * (n % 50))))
    print(cursor.execute('select count(*), md5(string_agg(concat(id, t, v, by), chr(10) order by id)) from scratch where id >= 20000').fetchone())
    def wrong():
        with cursor.copy('copy scratch (id) from stdin') as copy:
            copy.write('one\n')
    print(failure(wrong))
    def given_up():
        with cursor.copy('copy scratch (id) from stdin') as copy:
            copy.write('1\n')
            raise RuntimeError('given up')
    try:
        given_up()
    except psycopg.errors.QueryCanceled as error:
        print(error, cursor.connection.info.transaction_status.name)

print('-- notifications')
connection.execute('listen things')
with psycopg.connect(autocommit=True) as other:
    for payload in ('one', 'zwei ü', ''):
        other.execute('select pg_notify(%s, %s)', ('things', payload))
heard = []
for each in connection.notifies():
    heard.append((each.channel, each.payload))
    if len(heard) == 3:
        break
print(heard)
connection.execute('unlisten *')

print('-- two phases')
for commit in (True, False):
    two = psycopg.connect()
    xid = two.xid(7, f'{NAME}-{commit}', 'branch')
    two.tpc_begin(xid)
    two.execute('insert into scratch (id) values (%s)', (850 + commit,))
    two.tpc_prepare()
    two.close()
    with psycopg.connect(autocommit=True) as two:
        print([each.gtrid == f'{NAME}-{commit}' for each in two.tpc_recover() if each.database == NAME])
        (two.tpc_commit if commit else two.tpc_rollback)(xid)
print([row[0] for row in connection.execute('select id from scratch where id between 850 and 860')])

print('-- cancel')
timer = threading.Timer(0.5, connection.cancel)
timer.start()
print(failure(lambda: connection.execute('select pg_sleep(30)')))
timer.join()
print(connection.execute(sql.SQL('select {} as {}').format(sql.Literal("it's"), sql.Identifier('a "name"'))).description[0].name)
print(json.dumps(connection.execute('select jb from every where jb is not null order by id').fetchall(), default=str))
connection.close()
