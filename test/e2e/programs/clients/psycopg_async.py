"""psycopg 3 with asyncio: what psycopg_sync.py does of it that differs: many connections and statements under way at once."""
import asyncio
import hashlib

import psycopg


def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()


async def failure(asked):
    try:
        await asked
        return 'no error'
    except psycopg.Error as error:
        of = error.diag
        return [type(error).__name__, error.sqlstate, of.message_primary, of.message_detail, of.message_hint, of.statement_position]


async def works(number):
    async with await psycopg.AsyncConnection.connect() as connection:
        async with connection.cursor(binary=number % 2 == 1) as cursor:
            await cursor.execute('insert into scratch (id, t) values (%s, %s) returning id, t', (number, f'of {number}'))
            mine = await cursor.fetchone()
            await cursor.execute('select id, body from blobs where id <= %s order by id', (number * 10,))
            return mine, digest(await cursor.fetchall())


async def main():
    print(await asyncio.gather(*(works(n) for n in range(1, 13))))
    connection = await psycopg.AsyncConnection.connect(autocommit=True)
    async with connection.cursor() as cursor:
        await cursor.execute('select id, t, by, n, ia, jb, md from every order by id')
        print(await cursor.fetchall(), cursor.statusmessage)
        await cursor.executemany('insert into scratch (id, t) values (%s, %s)', [(n, 'x') for n in range(2000, 2200)])
        print(cursor.rowcount)
        async with cursor.copy('copy wide to stdout') as copy:
            print(digest([bytes(each) async for each in copy]) == digest([]), cursor.statusmessage)
        print(cursor.statusmessage, cursor.rowcount)
        async with cursor.copy('copy scratch (id, t) from stdin') as copy:
            for n in range(3000, 4000):
                await copy.write_row((n, f'é{n}'))
        await cursor.execute('select count(*), md5(string_agg(t, chr(10) order by id)) from scratch where id between 3000 and 3999')
        print(await cursor.fetchone())
    async with connection.pipeline():
        cursors = await asyncio.gather(*(connection.execute('select %s::int + 1', (n,)) for n in range(50)))
        print([(await each.fetchone())[0] for each in cursors])
    async with connection.transaction():
        async with connection.cursor('served') as cursor:
            await cursor.execute('select id from wide order by id')
            print([row[0] async for row in cursor][-3:])
    for query in ('select nope', 'select 1/0', "insert into parents (name) values ('parent 1')", "select warns('fail')", 'selec'):
        print(query, await failure(connection.execute(query)))
    await connection.execute('listen things')
    async with await psycopg.AsyncConnection.connect(autocommit=True) as other:
        await other.execute("notify things, 'heard'")
    async for each in connection.notifies():
        print(each.channel, each.payload)
        break
    sleeping = asyncio.create_task(failure(connection.execute('select pg_sleep(30)')))
    await asyncio.sleep(0.5)
    await asyncio.get_running_loop().run_in_executor(None, connection.cancel)
    print(await sleeping)
    print(await (await connection.execute('select 2')).fetchone())
    await connection.close()


asyncio.run(main())
