/** Answers every HTTP request on a port with a page: answer PORT. Where a guest has no other server. */
import { createServer } from 'node:http';

createServer((_, response) => response.end('hello\n')).listen(Number(process.argv[2]), '::', () =>
  console.log('ready'),
);
