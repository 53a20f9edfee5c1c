/**
 * Bent bytes: nothing but the room's own errors comes of them, at once, and nothing is kept of them. `HOPLINE_FUZZ` says
 * how many inputs; a failure says the input, which belongs into vectors.ts.
 */
import { isAscii } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t, { type Test } from 'tap';
import { parseMaskForm } from '../../../src/masking/forms.ts';
import type { CopyColumn, CopyFormat } from '../../../src/protocols/postgres/copy/index.ts';
import { decodeBackend, decodeFrontend } from '../../../src/protocols/postgres/decode.ts';
import { dataRow } from '../../../src/protocols/postgres/encode-backend.ts';
import { ProtocolError } from '../../../src/protocols/postgres/errors.ts';
import type { Disposition } from '../../../src/protocols/postgres/frame.ts';
import { Framer } from '../../../src/protocols/postgres/frame.ts';
import { backendLimits, frontendLimits } from '../../../src/protocols/postgres/limits.ts';
import type { Plan } from '../../../src/protocols/postgres/masked/plan.ts';
import { MaskingError, RowMasker } from '../../../src/protocols/postgres/masked/rows.ts';
import { AuthenticationCode, type AuthenticationType } from '../../../src/protocols/postgres/messages.ts';
import { loadParser } from '../../../src/protocols/postgres/sql/index.ts';
import { StartupReader } from '../../../src/protocols/postgres/startup.ts';
import { clientEncoding } from '../../../src/protocols/postgres/text.ts';
import { Writer } from '../../../src/protocols/postgres/writer.ts';
import { Random } from '../../core/random.ts';
import { ALL, KEY } from '../../masking/support.ts';
import { masker, outcome } from './copy/support.ts';
import { Recorder } from './record.ts';
import { backend, frontend, startup } from './vectors.ts';
import { writtenBackend, writtenFrontend, writtenStartup } from './wire.ts';

const INPUTS = Number(process.env.HOPLINE_FUZZ ?? 100_000);
const SEED = Number(process.env.HOPLINE_SEED ?? 20_260_101);
t.setTimeout(Math.max(120_000, INPUTS));
const TELLING = [0, 1, 2, 3, 4, 5, 0x20, 0x7f, 0x80, 0xfe, 0xff];
const WAYS: readonly Disposition[] = ['forward', 'tap', 'whole', 'stream', 'drop'];
const ASKED = [null, ...Object.keys(AuthenticationCode)] as (AuthenticationType | null)[];
const ENCODINGS = ['UTF8', 'LATIN1', 'SJIS', 'UHC'].map(clientEncoding);

/** Some bytes changed, cut out, doubled or put in. The length field is mended as often as not. */
function bend(random: Random, bytes: Buffer, at: number): Buffer {
  let bent = Buffer.from(bytes);
  for (let n = 1 + random.below(3); n > 0 && bent.length > 0; n -= 1) {
    const place = random.below(bent.length);
    const value = random.below(2) ? random.pick(TELLING) : random.below(256);
    switch (random.below(5)) {
      case 0:
        bent = bent.subarray(0, place);
        break;
      case 1:
        bent = Buffer.concat([bent.subarray(0, place), Buffer.from([value]), bent.subarray(place)]);
        break;
      case 2:
        bent = Buffer.concat([bent.subarray(0, place), bent.subarray(random.below(bent.length))]);
        break;
      default:
        bent[place] = value;
    }
  }
  if (random.below(2) && bent.length >= at + 4) bent.writeInt32BE(bent.length - at, at);
  return bent;
}

/** Milliseconds: a machine that is busy with other things takes as long now and then, and not twice. */
const AT_ONCE = 1000;

/** @returns whether it was refused */
function tried(t: Test, input: Buffer, what: () => void): boolean {
  const began = performance.now();
  const refused = attempt(t, input, what);
  if (performance.now() - began < AT_ONCE) return refused;
  const again = process.cpuUsage();
  attempt(t, input, what);
  const { user, system } = process.cpuUsage(again);
  if (user + system > AT_ONCE * 1000) t.fail(`${input.toString('hex')}: ${user + system} µs`);
  return refused;
}

function attempt(t: Test, input: Buffer, what: () => void): boolean {
  try {
    what();
    return false;
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof MaskingError))
      t.fail(`${input.toString('hex')}: ${(error as Error).stack}`);
    return true;
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * Bytes, of a run of any length: what is compiled meanwhile, and memory of Buffers that waits to be let go of. Not what is
 * resident: that says more of the allocator and of the machine's load.
 */
const MOST_GROWN = { heap: 4 * 1024 * 1024, external: 64 * 1024 * 1024 };

function held(): { readonly heap: number; readonly external: number } {
  // The second one waits for what the first has found to be let go of.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

/** Tries `each` so many times, of which the first tenth may fill what is kept for good. */
function many(t: Test, times: number, each: (n: number) => void): void {
  const first = Math.ceil(times / 10);
  for (let n = 0; n < first; n += 1) each(n);
  const before = held();
  for (let n = first; n < times; n += 1) each(n);
  const after = held();
  const grown = { heap: after.heap - before.heap, external: after.external - before.external };
  t.ok(grown.heap < MOST_GROWN.heap, `${grown.heap} bytes of the heap more after ${times} inputs`);
  t.ok(grown.external < MOST_GROWN.external, `${grown.external} bytes of memory outside of it more`);
}

t.test('decoders', async (t) => {
  const random = new Random(SEED);
  let refused = 0;
  many(t, INPUTS, (n) => {
    const { bytes } = random.pick(n % 2 ? frontend : backend);
    const input = bend(random, bytes, 1);
    const no = tried(t, input, () => {
      // What is taken can be written, and is the same bytes: nothing was ignored.
      if (n % 2) {
        const message = decodeFrontend(input, random.pick(ASKED), random.pick(ENCODINGS));
        if (isAscii(input) && !writtenFrontend(message).equals(input))
          t.fail(`not the same: ${input.toString('hex')}`);
      } else if (!writtenBackend(decodeBackend(input)).equals(input) && isAscii(input))
        t.fail(`not the same: ${input.toString('hex')}`);
    });
    if (no) refused += 1;
  });
  t.ok(refused > INPUTS / 10 && refused < INPUTS, `${refused} of ${INPUTS} refused`);
});

t.test('startup packets', async (t) => {
  const random = new Random(SEED + 1);
  let refused = 0;
  many(t, INPUTS / 5, () => {
    const input = bend(random, random.pick(startup).bytes, 0);
    const no = tried(t, input, () => {
      const reader = new StartupReader(random.below(2) === 0);
      const middle = random.below(input.length + 1);
      const arrival = reader.push(input.subarray(0, middle)) ?? reader.push(input.subarray(middle));
      if (arrival === null || arrival.packet.name === 'DirectSSL' || !isAscii(input)) return;
      if (!writtenStartup(arrival.packet).equals(arrival.bytes))
        t.fail(`not the same: ${input.toString('hex')}`);
    });
    if (no) refused += 1;
  });
  t.ok(refused > 0, `${refused} refused`);
});

t.test('the framer', async (t) => {
  const random = new Random(SEED + 2);
  const limits = [frontendLimits({ Query: 64, CopyData: 64 }, 4096), backendLimits({ DataRow: 64 }, 4096)];
  let refused = 0;
  many(t, INPUTS / 10, (n) => {
    const vectors = n % 2 ? frontend : backend;
    const whole = Buffer.concat(Array.from({ length: 4 }, () => random.pick(vectors).bytes));
    const input = bend(random, whole, random.below(whole.length - 4));
    const recorder = new Recorder(() => random.pick(WAYS));
    const framer = new Framer(recorder, limits[n % 2 ? 0 : 1] ?? frontendLimits());
    recorder.after = () => {
      if (random.below(6) === 0) framer.pause();
      if (random.below(3) === 0) framer.resume();
    };
    const no = tried(t, input, () => {
      for (let at = 0; at < input.length; ) {
        const next = at + 1 + random.below(input.length);
        framer.push(input.subarray(at, next));
        at = next;
      }
      while (framer.paused) framer.resume();
    });
    if (no) refused += 1;
    const handed = recorder.events.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
    if (handed + framer.kept > input.length) t.fail(`${input.toString('hex')}: more than came`);
  });
  t.ok(refused > 0, `${refused} refused`);
});

/** One way for each column of a row, by turns. */
const columns: readonly CopyColumn[] = [
  { name: 'a', typeOid: 25, limit: -1, mask: parseMaskForm('first2last2', KEY), scan: null },
  { name: 'b', typeOid: 3802, limit: -1, mask: parseMaskForm('hash', KEY), scan: null },
  { name: 'c', typeOid: 1009, limit: 3, mask: parseMaskForm('full', KEY), scan: null },
  {
    name: 'd',
    typeOid: 25,
    limit: -1,
    mask: null,
    scan: { detectors: ALL, form: parseMaskForm('card', KEY) },
  },
  { name: 'e', typeOid: 25, limit: -1, mask: null, scan: null },
];
const VALUES = [
  '',
  'alice@example.com',
  '"{\\u0040}"',
  '{a,"b\\"c",NULL}',
  'é漢',
  '4111 1111 1111 1111',
  'NULL',
];

const someValue = (random: Random): Buffer | null =>
  random.below(5) ? Buffer.from(random.pick(VALUES)) : null;

const PLAN: Plan = {
  forms: columns.map(({ mask }) => mask),
  copy: null,
  scan: columns[3]?.scan ?? null,
  quiet: null,
  opaque: false,
  masked: [],
};
const DESCRIBED = ([0, 1] as const).map((format) =>
  columns.map(({ name, typeOid }) => ({
    name: Buffer.from(name ?? ''),
    tableObjectId: 0,
    columnAttribute: 0,
    typeObjectId: typeOid,
    typeSize: -1,
    typeModifier: -1,
    format,
  })),
);

t.test('rows, masked', async (t) => {
  const random = new Random(SEED + 3);
  let refused = 0;
  many(t, INPUTS / 10, () => {
    const out = new Writer();
    dataRow(
      out,
      columns.map(() => someValue(random)),
    );
    const input = bend(random, out.take(), 1);
    const described = random.pick(DESCRIBED);
    const no = tried(t, input, () => {
      const rows = new RowMasker(PLAN, described, random.pick(ENCODINGS).name);
      decodeBackend(rows.mask(input));
    });
    if (no) refused += 1;
  });
  t.ok(refused > 0, `${refused} refused`);
});

const COPIES = [
  ...[
    '',
    "(delimiter '|', null '')",
    '(header)',
    '(format csv)',
    "(format csv, quote '|', escape '\\', header)",
  ],
  ...['(format csv, force_quote *)', '(format binary)'],
];

t.test('copies, masked', async (t) => {
  await loadParser();
  const formats = COPIES.flatMap((options) => ENCODINGS.map(({ name }) => outcome(options, name)));
  const random = new Random(SEED + 4);
  let refused = 0;
  many(t, INPUTS / 10, () => {
    const read = random.pick(formats);
    if (read.outcome !== 'copy') return;
    const whole = copyOf(random, read.copy);
    const input = random.below(4) ? bend(random, whole, whole.length) : whole;
    const no = tried(t, input, () => {
      const made = masker(read.copy, columns, 4096);
      for (let at = 0; at < input.length; ) {
        const next = at + 1 + random.below(input.length);
        made.push(input.subarray(at, next));
        at = next;
      }
      made.end();
    });
    if (no) refused += 1;
  });
  t.ok(refused > 0, `${refused} refused`);
});

/** Some rows as a server writes them, or nearly so. */
function copyOf(random: Random, { format, delimiter, nullText, quote, header }: CopyFormat): Buffer {
  const parts: Buffer[] = [];
  const rows = random.below(4);
  if (format === 'binary') {
    parts.push(Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1'));
    for (let n = 0; n < rows; n += 1) {
      const out = new Writer();
      dataRow(
        out,
        columns.map(() => someValue(random)),
      );
      parts.push(out.take().subarray(5));
    }
    parts.push(Buffer.from('ffff', 'hex'));
    return Buffer.concat(parts);
  }
  const [between, around] = [String.fromCharCode(delimiter), String.fromCharCode(quote)];
  const written = (value: Buffer | null): string => {
    if (value === null) return nullText.toString();
    const text = value.toString();
    return format === 'csv'
      ? `${around}${text.replaceAll(around, around + around)}${around}`
      : text.replaceAll('\\', '\\\\');
  };
  for (let n = header ? -1 : 0; n < rows; n += 1)
    parts.push(Buffer.from(`${columns.map(() => written(someValue(random))).join(between)}\n`));
  return Buffer.concat(parts);
}
