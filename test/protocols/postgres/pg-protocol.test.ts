/** The same bytes, read and written by pg-protocol, which node-postgres uses. */
import { PassThrough } from 'node:stream';
import { DatabaseError, parse, serialize } from 'pg-protocol';
import t from 'tap';
import { decodeBackend } from '../../../src/protocols/postgres/decode.ts';
import { encode } from '../../../src/protocols/postgres/encode.ts';
import {
  errorResponse,
  noticeResponse,
  rowDescription,
} from '../../../src/protocols/postgres/encode-backend.ts';
import * as frontend from '../../../src/protocols/postgres/encode-frontend.ts';
import { errorFields, errorReport } from '../../../src/protocols/postgres/error-fields.ts';
import type { BackendMessage, FieldDescription } from '../../../src/protocols/postgres/messages.ts';
import {
  cancelRequest,
  PROTOCOL_3_0,
  sslRequest,
  startupMessage,
} from '../../../src/protocols/postgres/startup.ts';
import { Random } from '../../core/random.ts';
import { backend } from './vectors.ts';
import { valuesOf } from './wire.ts';

type Theirs = Record<string, unknown>;

async function theirs(bytes: Buffer): Promise<Theirs[]> {
  const stream = new PassThrough();
  const messages: Theirs[] = [];
  const done = parse(stream, (message) => {
    messages.push(message as unknown as Theirs);
  });
  stream.end(bytes);
  await done;
  return messages;
}

/** What both know of a message, in pg-protocol's words; null where it knows none such. */
function inTheirWords(message: BackendMessage): Theirs | null {
  switch (message.name) {
    case 'RowDescription':
      return {
        name: 'rowDescription',
        fieldCount: message.fields.length,
        fields: message.fields.map((field) => ({
          name: field.name.toString(),
          tableID: field.tableObjectId,
          columnID: field.columnAttribute,
          dataTypeID: field.typeObjectId,
          dataTypeSize: field.typeSize,
          dataTypeModifier: field.typeModifier,
          format: field.format === 0 ? 'text' : 'binary',
        })),
      };
    case 'ErrorResponse':
    case 'NoticeResponse': {
      const { severity: _, localizedSeverity, ...report } = errorReport(message.fields);
      const coded = message.fields.some(({ type }) => type === 'C');
      return {
        name: message.name === 'ErrorResponse' ? 'error' : 'notice',
        ...report,
        code: coded ? report.code : undefined,
        severity: localizedSeverity,
      };
    }
    case 'DataRow':
      return { name: 'dataRow', fields: valuesOf(message.columns).map((value) => value?.toString() ?? null) };
    case 'CommandComplete':
      return { name: 'commandComplete', text: message.tag };
    case 'ReadyForQuery':
      return { name: 'readyForQuery', status: message.status };
    case 'ParameterStatus':
      return {
        name: 'parameterStatus',
        parameterName: message.parameter,
        parameterValue: message.value.toString(),
      };
    case 'ParameterDescription':
      return { name: 'parameterDescription', dataTypeIDs: message.parameterTypes };
    case 'NotificationResponse':
      return {
        name: 'notification',
        processId: message.processId,
        channel: message.channel.toString(),
        payload: message.payload.toString(),
      };
    case 'CopyInResponse':
    case 'CopyOutResponse':
      return {
        name: message.name === 'CopyInResponse' ? 'copyInResponse' : 'copyOutResponse',
        binary: message.format === 1,
        columnTypes: message.columnFormats,
      };
    case 'CopyData':
      return { name: 'copyData', chunk: message.data };
    case 'BackendKeyData':
      return message.secretKey.length === 4
        ? {
            name: 'backendKeyData',
            processID: message.processId,
            secretKey: message.secretKey.readInt32BE(0),
          }
        : null;
    case 'AuthenticationMD5Password':
      return { name: 'authenticationMD5Password', salt: message.salt };
    case 'AuthenticationSASL':
      return { name: 'authenticationSASL', mechanisms: message.mechanisms };
    case 'AuthenticationSASLContinue':
    case 'AuthenticationSASLFinal':
      return { name: `a${message.name.slice(1)}`, data: message.data.toString() };
    case 'AuthenticationOk':
    case 'AuthenticationCleartextPassword':
    case 'BindComplete':
    case 'CloseComplete':
    case 'CopyDone':
    case 'NoData':
    case 'ParseComplete':
    case 'PortalSuspended':
      return { name: `${message.name[0]?.toLowerCase()}${message.name.slice(1)}` };
    case 'EmptyQueryResponse':
      return { name: 'emptyQuery' };
    default:
      return null;
  }
}

t.test('every vector that it reads says the same', async (t) => {
  let compared = 0;
  for (const { bytes, says } of backend) {
    const want = inTheirWords(decodeBackend(bytes));
    if (want === null) continue;
    compared += 1;
    const [got] = await theirs(bytes);
    t.match(got, want, says.name);
  }
  t.ok(compared > 30, `${compared} vectors`);
});

t.test('errors and row descriptions, made at random', async (t) => {
  const random = new Random(42);
  const text = (): string => random.pick(['', 'x', 'é ✓', 'Key (id)=(1)', "it's\nso", '42P01']);
  const oid = (): number => random.below(2 ** 32);
  const small = (): number => random.below(65_536) - 32_768;
  for (let n = 0; n < 300; n += 1) {
    const report = {
      severity: random.pick(['ERROR', 'FATAL', 'NOTICE']),
      code: text(),
      message: text(),
      detail: text(),
      hint: text(),
      position: text(),
      internalPosition: text(),
      internalQuery: text(),
      where: text(),
      schema: text(),
      table: text(),
      column: text(),
      dataType: text(),
      constraint: text(),
      file: text(),
      line: text(),
      routine: text(),
    };
    const fields = Array.from(
      { length: random.below(20) },
      (): FieldDescription => ({
        name: Buffer.from(text()),
        tableObjectId: oid(),
        columnAttribute: small(),
        typeObjectId: oid(),
        typeSize: small(),
        typeModifier: random.below(2 ** 32) - 2 ** 31,
        format: random.below(2) ? 1 : 0,
      }),
    );
    const messages = [
      encode(errorResponse, errorFields(report)),
      encode(noticeResponse, errorFields(report)),
      encode(rowDescription, fields),
    ];
    const want = messages.map((bytes) => inTheirWords(decodeBackend(bytes)));
    const got = await theirs(Buffer.concat(messages));
    if (!(got[0] instanceof DatabaseError)) t.fail('an error is theirs too');
    const same = got.every((message, index) => matches(message, want[index] ?? {}));
    if (!same) t.match(got, want, `round ${n}`);
  }
  t.pass('all the same');
});

/** Whether `message` has every field of `want` with that value. */
function matches(message: Theirs, want: Theirs): boolean {
  return Object.entries(want).every(
    ([field, value]) => JSON.stringify(message[field]) === JSON.stringify(value),
  );
}

t.test('what a frontend sends is the same bytes', async (t) => {
  const values = [Buffer.from('7'), null, Buffer.from('two')];
  for (const [name, ours, same] of [
    ['Query', encode(frontend.query, 'select ✓'), serialize.query('select ✓')],
    [
      'Parse',
      encode(frontend.parse, 's', 'select $1', [23]),
      serialize.parse({ name: 's', text: 'select $1', types: [23] }),
    ],
    [
      'Bind',
      encode(frontend.bind, {
        portal: 'p',
        statement: 's',
        parameterFormats: [0, 0, 0],
        parameters: [Buffer.from('7'), null, Buffer.from('two')],
        resultFormats: [1],
      }),
      serialize.bind({ portal: 'p', statement: 's', binary: true, values: ['7', null, 'two'] }),
    ],
    [
      'Bind of bytes',
      encode(frontend.bind, {
        portal: '',
        statement: '',
        parameterFormats: [1, 0, 1],
        parameters: values,
        resultFormats: [0],
      }),
      serialize.bind({ values }),
    ],
    ['Describe', encode(frontend.describe, 'P', 'p'), serialize.describe({ type: 'P', name: 'p' })],
    ['Close', encode(frontend.close, 'S', ''), serialize.close({ type: 'S' })],
    ['Execute', encode(frontend.execute, 'p', 10), serialize.execute({ portal: 'p', rows: 10 })],
    ['Sync', encode(frontend.sync), serialize.sync()],
    ['Flush', encode(frontend.flush), serialize.flush()],
    ['Terminate', encode(frontend.terminate), serialize.end()],
    ['CopyData', encode(frontend.copyData, Buffer.from('1\n')), serialize.copyData(Buffer.from('1\n'))],
    ['CopyDone', encode(frontend.copyDone), serialize.copyDone()],
    ['CopyFail', encode(frontend.copyFail, 'no'), serialize.copyFail('no')],
    ['PasswordMessage', encode(frontend.passwordMessage, Buffer.from('pw')), serialize.password('pw')],
    [
      'SASLInitialResponse',
      encode(frontend.saslInitialResponse, 'SCRAM-SHA-256', Buffer.from('n,,n=*,r=x')),
      serialize.sendSASLInitialResponseMessage('SCRAM-SHA-256', 'n,,n=*,r=x'),
    ],
    [
      'SASLResponse',
      encode(frontend.saslResponse, Buffer.from('c=biws')),
      serialize.sendSCRAMClientFinalMessage('c=biws'),
    ],
    ['SSLRequest', encode(sslRequest), serialize.requestSsl()],
    ['CancelRequest', encode(cancelRequest, 7, Buffer.from([0, 0, 0, 9])), serialize.cancel(7, 9)],
    [
      'StartupMessage',
      encode(startupMessage, PROTOCOL_3_0, [
        { name: 'user', value: 'alice' },
        { name: 'client_encoding', value: 'UTF8' },
      ]),
      serialize.startup({ user: 'alice' }),
    ],
  ] as const)
    t.equal(ours.toString('latin1'), same.toString('latin1'), name);
});
