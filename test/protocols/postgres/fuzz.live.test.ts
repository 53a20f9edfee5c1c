/** Bent bytes: nothing but the codec's own errors comes of them, at once. `HOPLINE_FUZZ` says how many inputs. */
import { isAscii } from 'node:buffer';
import t, { type Test } from 'tap';
import { decodeBackend, decodeFrontend } from '../../../src/protocols/postgres/decode.ts';
import { ProtocolError } from '../../../src/protocols/postgres/errors.ts';
import type { Disposition } from '../../../src/protocols/postgres/frame.ts';
import { Framer } from '../../../src/protocols/postgres/frame.ts';
import { backendLimits, frontendLimits } from '../../../src/protocols/postgres/limits.ts';
import { AuthenticationCode, type AuthenticationType } from '../../../src/protocols/postgres/messages.ts';
import { StartupReader } from '../../../src/protocols/postgres/startup.ts';
import { clientEncoding } from '../../../src/protocols/postgres/text.ts';
import { Random } from '../../core/random.ts';
import { Recorder } from './record.ts';
import { backend, frontend, startup } from './vectors.ts';
import { writtenBackend, writtenFrontend, writtenStartup } from './wire.ts';

const INPUTS = Number(process.env.HOPLINE_FUZZ ?? 100_000);
const SEED = Number(process.env.HOPLINE_SEED ?? 20_260_101);
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

/** @returns whether it was refused */
function tried(t: Test, input: Buffer, what: () => void): boolean {
  try {
    what();
    return false;
  } catch (error) {
    if (!(error instanceof ProtocolError)) t.fail(`${input.toString('hex')}: ${(error as Error).stack}`);
    return true;
  }
}

t.test('decoders', async (t) => {
  const random = new Random(SEED);
  let refused = 0;
  for (let n = 0; n < INPUTS; n += 1) {
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
  }
  t.ok(refused > INPUTS / 10 && refused < INPUTS, `${refused} of ${INPUTS} refused`);
});

t.test('startup packets', async (t) => {
  const random = new Random(SEED + 1);
  let refused = 0;
  for (let n = 0; n < INPUTS / 5; n += 1) {
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
  }
  t.ok(refused > 0, `${refused} refused`);
});

t.test('the framer', async (t) => {
  const random = new Random(SEED + 2);
  const limits = [frontendLimits({ Query: 64, CopyData: 64 }, 4096), backendLimits({ DataRow: 64 }, 4096)];
  let refused = 0;
  for (let n = 0; n < INPUTS / 10; n += 1) {
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
  }
  t.ok(refused > 0, `${refused} refused`);
});
