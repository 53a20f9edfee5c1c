#!/usr/bin/env node
/** The process that `hopline shell` is where there is a terminal: reads its arguments, and hands over. */
import { parseArgs } from 'node:util';
import { shell } from './shell/main.ts';

const { values } = parseArgs({
  options: { run: { type: 'string', default: '/run/hopline' }, files: { type: 'string' } },
});
const files = values.files === undefined ? Number.NaN : Number(values.files);

process.exit(await shell({ run: values.run, files: Number.isSafeInteger(files) ? files : null }));
