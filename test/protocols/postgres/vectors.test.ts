/** Every message type: as bytes, as value, as bytes again; cut short, made longer, and with each byte bent. */
import t from 'tap';
import { decodeBackend, decodeFrontend } from '../../../src/protocols/postgres/decode.ts';
import { DecodeError, ProtocolError } from '../../../src/protocols/postgres/errors.ts';
import {
  Backend,
  type BackendMessage,
  Frontend,
  type FrontendMessage,
  type StartupPacket,
} from '../../../src/protocols/postgres/messages.ts';
import { decodeStartupPacket } from '../../../src/protocols/postgres/startup.ts';
import { backend, frontend, startup, type Vector } from './vectors.ts';
import { plain, writtenBackend, writtenFrontend, writtenStartup } from './wire.ts';

type Message = FrontendMessage | BackendMessage | StartupPacket;

interface Direction {
  readonly vectors: readonly Vector[];
  readonly decode: (bytes: Buffer, vector: Vector) => Message;
  readonly write: (message: never) => Buffer;
  /** Where the length field is. */
  readonly at: number;
}

const directions: Record<string, Direction> = {
  frontend: {
    vectors: frontend,
    decode: (bytes, vector) => decodeFrontend(bytes, vector.asked ?? null),
    write: writtenFrontend,
    at: 1,
  },
  backend: { vectors: backend, decode: (bytes) => decodeBackend(bytes), write: writtenBackend, at: 1 },
  startup: { vectors: startup, decode: (bytes) => decodeStartupPacket(bytes), write: writtenStartup, at: 0 },
};

/** With the length field that the bytes ask for. */
function sized(bytes: Buffer, at: number): Buffer {
  const whole = Buffer.from(bytes);
  whole.writeInt32BE(whole.length - at, at);
  return whole;
}

function refusal(decode: () => unknown): unknown {
  try {
    decode();
    return null;
  } catch (error) {
    return error;
  }
}

for (const [name, { vectors, decode, write, at }] of Object.entries(directions))
  t.test(name, async (t) => {
    for (const vector of vectors) {
      const title = `${vector.says.name} ${vector.bytes
        .subarray(0, 40)
        .toString('latin1')
        .replace(/[^ -~]/g, '.')}`;
      const message = decode(vector.bytes, vector);
      t.same(plain(message), vector.says, title);
      t.same(write(message as never), vector.bytes, `${title}: written`);
      for (let length = at + 4; length < vector.bytes.length; length += 1) {
        if (length >= (vector.openFrom ?? Number.POSITIVE_INFINITY)) continue;
        const cut = sized(vector.bytes.subarray(0, length), at);
        const error = refusal(() => decode(cut, vector));
        if (!(error instanceof DecodeError)) t.fail(`${title}: taken with ${length} bytes`, { error });
      }
      const longer = sized(Buffer.concat([vector.bytes, Buffer.from([0])]), at);
      const error = refusal(() => decode(longer, vector));
      if (vector.openFrom === undefined && !(error instanceof DecodeError))
        t.fail(`${title}: taken with a byte too many`, { error });
      const unsized = refusal(() => decode(Buffer.concat([vector.bytes, Buffer.from([0])]), vector));
      if (!(unsized instanceof DecodeError)) t.fail(`${title}: taken with another length than it says`);
      for (let place = 0; place < vector.bytes.length; place += 1)
        for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
          const bent = Buffer.from(vector.bytes);
          bent[place] = value;
          const bad = refusal(() => decode(bent, vector));
          if (bad !== null && !(bad instanceof ProtocolError)) t.fail(`${title}: byte ${place}`, { bad });
        }
    }
  });

t.test('every type of the specification has a vector', async (t) => {
  const covered = new Set([...frontend, ...backend].map(({ says }) => says.name));
  const named = [...Object.keys(Frontend), ...Object.keys(Backend)].filter(
    (name) => name !== 'Authentication',
  );
  t.same(
    named.filter((name) => !covered.has(name)),
    [],
  );
});

t.test('a p without a question is nothing', async (t) => {
  const { bytes } = frontend.find(({ says }) => says.name === 'PasswordMessage') as Vector;
  for (const asked of [
    null,
    'AuthenticationOk',
    'AuthenticationSASLFinal',
    'AuthenticationKerberosV5',
  ] as const)
    t.throws(() => decodeFrontend(bytes, asked), DecodeError);
});

t.test('an error does not say what the peer sent', async (t) => {
  const secret = Buffer.from('p\0\0\0\x0fplugh-xyz\0x');
  const error = refusal(() => decodeFrontend(secret, 'AuthenticationMD5Password')) as Error;
  t.type(error, DecodeError);
  t.notMatch(`${error.stack}${JSON.stringify(error)}`, /plugh/);
});
