/** What npm's ssh2 does as a client: commands, files, forwarding. Argument: a word of this run. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

// biome-ignore lint/suspicious/noExplicitAny: it comes without types
type Any = any;
const { Client } = createRequire(import.meta.url)('ssh2') as Any;
const path = `/tmp/${process.argv[2]}-ssh2`;

const client = new Client();
const ready = new Promise((resolve, reject) => client.on('ready', resolve).on('error', reject));
client.connect({
  // Often, and without an end: three answers that a busy machine gives late would be one.
  ...{ host: 'db1', username: 'alice', keepaliveInterval: 100, keepaliveCountMax: 1000 },
  privateKey: readFileSync(`${process.env.HOME}/.ssh/id_ed25519`),
});
await ready;

const open = (method: string, ...args: unknown[]): Promise<Any> =>
  promisify(client[method].bind(client))(...args);

async function whole(stream: Any): Promise<Buffer> {
  const got: Buffer[] = [];
  stream.on('data', (data: Buffer) => got.push(data));
  await new Promise((resolve) => stream.once('close', resolve));
  return Buffer.concat(got);
}

/** Listens in the callback: a program that ends at once is over in the same read. */
async function run(command: string, options = {}, input: string | Buffer = '') {
  let err = '';
  const [out, end] = await new Promise<[Promise<Buffer>, Promise<unknown>]>((resolve, reject) => {
    client.exec(command, options, (error: Error | undefined, stream: Any) => {
      if (error) return reject(error);
      stream.stderr.on('data', (data: Buffer) => {
        err += data;
      });
      const end = new Promise((told) => stream.once('exit', (...how: unknown[]) => told(how.slice(0, 2))));
      stream.end(input);
      resolve([whole(stream), end]);
    });
  });
  const got = await out;
  const shown = got.length < 1000 ? got.toString() : createHash('md5').update(got).digest('hex');
  console.log([shown, err, await end]);
}

await run('cat; echo err >&2; exit 5', {}, 'hello');
await run('kill -9 $$');
await run('stty size', { pty: { cols: 90, rows: 20 } });
await run('head -c 5000000 /dev/zero');
await run('md5sum', {}, Buffer.alloc(5_000_000));

const sftp = await open('sftp');
const file = (method: string, ...args: unknown[]): Promise<Any> =>
  promisify(sftp[method].bind(sftp))(...args);
const data = randomBytes(2_000_000);
await file('writeFile', path, data);
console.log(data.equals(await file('readFile', path)));
await file('ext_openssh_rename', path, `${path}-2`);
await file('unlink', `${path}-2`);
console.log(await file('stat', path).catch(({ message }) => message));
sftp.end();

const forwarded = await open('forwardOut', '127.0.0.1', 1, 'web1', 80);
forwarded.end('GET / HTTP/1.0\r\n\r\n');
console.log((await whole(forwarded)).subarray(-16).toString());
const port = await open('forwardIn', '127.0.0.1', 0);
client.on('tcp connection', (_: unknown, accept: Any) => accept().end('back\n'));
await run(`bash -c 'cat </dev/tcp/127.0.0.1/${port}'`);
console.log(await open('subsys', 'no-such').catch(({ message }) => message));
client.end();
await new Promise((resolve) => client.once('close', resolve));
