/** Rows in the binary format, with node-postgres: `binary.ts HOST SQL PARAMETER…`. */
import pg from 'pg';

const [host = '', text = '', ...values] = process.argv.slice(2);
const client = new pg.Client({ host, user: 'alice', database: 'orders' });
await client.connect();
const { rows } = await client.query({ text, values, binary: true } as pg.QueryConfig);
console.log(JSON.stringify(rows));
await client.end();
