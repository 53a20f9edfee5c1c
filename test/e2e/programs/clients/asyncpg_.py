"""asyncpg: binary in the extended protocol throughout, with types that it asks the catalogue about."""
import asyncio
import hashlib
import io
import ssl

import asyncpg


def digest(value):
    return hashlib.sha256(value if isinstance(value, bytes) else repr(value).encode()).hexdigest()


async def failure(asked):
    try:
        await asked
        return 'no error'
    except asyncpg.PostgresError as error:
        return [type(error).__name__, error.sqlstate, *error.as_dict().items()]


async def main():
    connection = await asyncpg.connect()
    rows = await connection.fetch(
        'select id, b, i2, i4, i8, f4, f8, n, t, vc, c, nm, by, d, ti, ts, tstz, iv, u, j, jb, ia, ta, na, ma, net, ci, pt, bx, r, mr, bt,'
        ' md, pr, po from every order by id')
    for row in rows:
        print(dict(row))
    statement = await connection.prepare('select $1::int + 1 as n, $2::mood as m, $3::pair as p, $4::numeric[] as a')
    print([each.type.name for each in statement.get_attributes()], [each.name for each in statement.get_parameters()])
    for n in range(3):
        print(await statement.fetchrow(n, 'happy', (n, 'x'), [n, None]))
    await connection.executemany('insert into scratch (id, t) values ($1, $2)', [(n, f'e{n}') for n in range(300)])
    print(await connection.fetchrow('select count(*), md5(string_agg(t, chr(44) order by id)) from scratch'))
    print(await connection.execute('update scratch set v = 1 where id < 10; delete from scratch where id < 5'))
    print(await connection.copy_records_to_table('scratch', records=[(n, f'é{n}', None) for n in range(1000, 2000)], columns=['id', 't', 'by']))
    out = io.BytesIO()
    print(await connection.copy_from_query('select * from blobs where id < $1 order by id', 50, output=out, format='binary'), digest(out.getvalue()))
    out = io.BytesIO()
    print(await connection.copy_from_table('every', output=out, format='csv', header=True), digest(out.getvalue()))
    print(await connection.copy_to_table('scratch', source=io.BytesIO(b'5000,a\n5001,\n'), columns=['id', 't'], format='csv'))
    async with connection.transaction():
        seen = [row['id'] async for row in connection.cursor('select id, body from wide order by id', prefetch=70)]
        print(len(seen), seen[-1])
        cursor = await connection.cursor('select id from wide order by id')
        print(await cursor.fetch(3), await cursor.forward(10), await cursor.fetchrow())
        try:
            async with connection.transaction():
                await connection.execute('insert into scratch (id) values (7000)')
                raise asyncio.TimeoutError
        except asyncio.TimeoutError:
            print(await connection.fetchval('select count(*) from scratch where id = 7000'))
    for query, values in (('select nope', ()), ('select 1 / $1::int', (0,)), ('selec', ()), ("insert into parents (name) values ($1)", ('parent 1',)),
                          ('select warns($1)', ('fail',)), ('insert into children (parent, amount) values ($1, $2)', (1, -1))):
        print(query, await failure(connection.execute(query, *values)))
    heard = asyncio.Queue()
    await connection.add_listener('things', lambda _, pid, channel, payload: heard.put_nowait((channel, payload)))
    await connection.execute("notify things, 'heard'")
    print(await heard.get())
    await connection.reset()
    try:
        await connection.fetch('select pg_sleep(30)', timeout=0.5)
    except asyncio.TimeoutError as error:
        print('cancelled', type(error).__name__)
    print(await connection.fetchval('select 1'))
    await connection.close()
    async with asyncpg.create_pool(min_size=2, max_size=4) as pool:
        print(await asyncio.gather(*(pool.fetchval('select $1::int * 2', n) for n in range(60))))


asyncio.run(main())
