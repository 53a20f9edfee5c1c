"""psycopg2: simple protocol, copies, cursors of the server, large objects, notifications, two phases, cancel."""
import hashlib
import io
import os
import select
import threading

import psycopg2
import psycopg2.extras

NAME = os.environ['PGDATABASE']


def digest(value):
    return hashlib.sha256(value if isinstance(value, bytes) else repr(value).encode()).hexdigest()


def failure(cursor, query, values=None):
    try:
        cursor.execute(query, values)
        return 'no error'
    except psycopg2.Error as error:
        of = error.diag
        return [type(error).__name__, error.pgcode, of.message_primary, of.message_detail, of.message_hint, of.statement_position,
                of.constraint_name, of.source_function]


connection = psycopg2.connect('')
cursor = connection.cursor()
cursor.execute('select id, b, i2, i4, i8, f4, f8, n, t, vc, c, by, ti, iv, u, j, jb, ia, ta, na, ma, net, r, md, pr, po, bt from every order by id')
print([(each.name, each.type_code if each.type_code < 16384 else 'own') for each in cursor.description], cursor.statusmessage)
for row in cursor:
    print([bytes(each) if isinstance(each, memoryview) else each for each in row])
cursor.execute('select %s, %s, %s, %s, %s', ("it's \\ Grüße", 1.5, None, psycopg2.Binary(b'\x00\xff'), [1, 2]))
print([bytes(each) if isinstance(each, memoryview) else each for each in cursor.fetchone()])
psycopg2.extras.execute_values(cursor, 'insert into scratch (id, t) values %s', [(n, f'v{n}') for n in range(500)], page_size=100)
psycopg2.extras.execute_batch(cursor, 'insert into scratch (id, t) values (%s, %s)', [(n, f'b{n}') for n in range(500, 600)])
cursor.execute('select count(*), md5(string_agg(t, chr(44) order by id)) from scratch')
print(cursor.fetchone())
connection.commit()
for query in ('select nope', 'select 1/0', "insert into parents (name) values ('parent 1')", "select warns('fail')", 'selec'):
    print(query, failure(cursor, query), failure(cursor, 'select 1'))
    connection.rollback()
print([line.strip() for line in connection.notices])
with connection, connection.cursor('named') as served:
    served.itersize = 500
    served.execute('select id, body from wide order by id')
    print(digest(list(served)))
out = io.BytesIO()
cursor.copy_expert('copy every to stdout with csv header', out)
print(digest(out.getvalue()))
cursor.copy_from(io.StringIO(''.join(f'{n}\té{n}\n' for n in range(5000, 9000))), 'scratch', columns=('id', 't'))
cursor.execute('select count(*), md5(string_agg(t, chr(44) order by id)) from scratch where id >= 5000')
print(cursor.fetchone())
connection.commit()
large = connection.lobject(4242, 'rwb')
print(large.read(), large.tell())
large.write(b'and more')
large.seek(2)
print(large.read())
large.truncate(3)
large.close()
connection.rollback()
connection.set_session(autocommit=True)
cursor.execute('listen things')
cursor.execute("notify things, 'heard'")
while not connection.notifies:
    select.select([connection], [], [], 1)
    connection.poll()
print([(each.channel, each.payload) for each in connection.notifies])
connection.set_session(autocommit=False)
xid = connection.xid(9, NAME, 'two')
connection.tpc_begin(xid)
cursor.execute('insert into scratch (id) values (9999)')
connection.tpc_prepare()
connection.tpc_commit()
cursor.execute('select count(*) from scratch where id = 9999')
print(cursor.fetchone())
threading.Timer(0.5, connection.cancel).start()
print(failure(cursor, 'select pg_sleep(30)'))
connection.rollback()
with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as dicts:
    dicts.execute('select 1 as a; select 2 as b')
    print(dicts.fetchall())
connection.close()
