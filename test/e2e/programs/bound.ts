/** A driver's statement with parameters: bound.ts HOST STATEMENT PARAMETER... Says how many rows it was. */
import pg from 'pg';

const [host, text, ...values] = process.argv.slice(2);
const client = new pg.Client({ host, user: 'alice', database: 'orders' });
client.on('notice', ({ message }) => console.error(`NOTICE: ${message}`));
await client.connect();
try {
  const { rowCount } = await client.query(text ?? '', values);
  console.log(`rows ${rowCount}`);
} catch (error) {
  console.log(`${(error as { code?: string }).code} ${(error as Error).message}`);
}
await client.end();
