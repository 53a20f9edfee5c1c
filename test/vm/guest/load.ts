/**
 * Loads and attaches the whole kernel half on the kernel that runs, outside of any daemon.
 * usage: load OBJECTS PINS CGROUP. Prints `{missing, links, loadMs, attachMs}` as JSON.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadKernel } from '../../../src/kernel/load.ts';

const [, , objects = '', pins = '', cgroup = ''] = process.argv;
const began = performance.now();
const kernel = loadKernel({ objects, pins, cgroup });
const loaded = performance.now();
kernel.attach('trace');
kernel.attach('enforce');
const attached = performance.now();
const [version = ''] = readdirSync(pins);
console.log(
  JSON.stringify({
    missing: kernel.missing,
    links: readdirSync(join(pins, version, 'links')),
    loadMs: Math.round(loaded - began),
    attachMs: Math.round(attached - loaded),
  }),
);
