/** One message of each type, written out from the message formats of the manual (54.7) as bytes, and what it says. */
import type { AuthenticationType } from '../../../src/protocols/postgres/messages.ts';
import { wire } from './wire.ts';

const text = (value: string): { bytes: Buffer; text: string } => ({ bytes: Buffer.from(value), text: value });
const bytes = (value: string): Buffer => Buffer.from(value);
const hex = (value: string): Buffer => Buffer.from(value, 'hex');

interface Says {
  readonly name: string;
  readonly [field: string]: unknown;
}

export interface Vector {
  readonly bytes: Buffer;
  /** The decoded message, lists of values as arrays. */
  readonly says: Says;
  /** What a `p` answers. */
  readonly asked?: AuthenticationType;
  /** Data to the end of the message: more of it is no error, nor is less, down to this length of the message. */
  readonly openFrom?: number;
}

/** The message of this name has no body. */
const alone = (type: string, name: string): Vector => ({ bytes: wire(`'${type}' 00000004`), says: { name } });

export const frontend: readonly Vector[] = [
  { bytes: wire(`'Q' 0000000d 'SELECT 1' 00`), says: { name: 'Query', query: text('SELECT 1') } },
  { bytes: wire(`'Q' 00000005 00`), says: { name: 'Query', query: text('') } },
  {
    bytes: wire(`'P' 0000001b 's1' 00 'SELECT $1' 00 0002 00000017 00000000`),
    says: { name: 'Parse', statement: 's1', query: text('SELECT $1'), parameterTypes: [23, 0] },
  },
  {
    bytes: wire(`'P' 00000010 00 'SELECT 1' 00 0000`),
    says: { name: 'Parse', statement: '', query: text('SELECT 1'), parameterTypes: [] },
  },
  {
    bytes:
      wire(`'B' 0000002c 'p' 00 's1' 00 0003 0000 0001 0000 0003 00000003 'abc' 00000004 0000002a ffffffff
      0002 0001 0000`),
    says: {
      name: 'Bind',
      portal: 'p',
      statement: 's1',
      parameterFormats: [0, 1, 0],
      parameters: [bytes('abc'), hex('0000002a'), null],
      resultFormats: [1, 0],
    },
  },
  {
    bytes: wire(`'B' 0000000c 00 00 0000 0000 0000`),
    says: {
      name: 'Bind',
      portal: '',
      statement: '',
      parameterFormats: [],
      parameters: [],
      resultFormats: [],
    },
  },
  {
    bytes: wire(`'B' 00000012 00 00 0000 0001 00000000 0001 0001`),
    says: {
      name: 'Bind',
      portal: '',
      statement: '',
      parameterFormats: [],
      parameters: [bytes('')],
      resultFormats: [1],
    },
  },
  { bytes: wire(`'D' 00000008 'S' 's1' 00`), says: { name: 'Describe', kind: 'S', target: 's1' } },
  { bytes: wire(`'D' 00000006 'P' 00`), says: { name: 'Describe', kind: 'P', target: '' } },
  { bytes: wire(`'C' 00000007 'P' 'c' 00`), says: { name: 'Close', kind: 'P', target: 'c' } },
  { bytes: wire(`'C' 00000006 'S' 00`), says: { name: 'Close', kind: 'S', target: '' } },
  { bytes: wire(`'E' 0000000a 'p' 00 00000064`), says: { name: 'Execute', portal: 'p', maxRows: 100 } },
  { bytes: wire(`'E' 00000009 00 ffffffff`), says: { name: 'Execute', portal: '', maxRows: -1 } },
  {
    bytes: wire(`'F' 0000001e 000003bc 0001 0001 0002 00000004 00004001 00000002 0001 0001`),
    says: {
      name: 'FunctionCall',
      objectId: 956,
      argumentFormats: [1],
      arguments: [hex('00004001'), hex('0001')],
      resultFormat: 1,
    },
  },
  alone('H', 'Flush'),
  alone('S', 'Sync'),
  alone('X', 'Terminate'),
  alone('c', 'CopyDone'),
  {
    bytes: wire(`'d' 0000000a '1' 09 'one' 0a`),
    says: { name: 'CopyData', data: bytes('1\tone\n') },
    openFrom: 5,
  },
  {
    bytes: wire(`'f' 0000000f 'no more 5%' 00`),
    says: { name: 'CopyFail', message: text('no more 5%') },
  },
  {
    bytes: wire(`'p' 0000000c 'swordfi' 00`),
    says: { name: 'PasswordMessage', password: bytes('swordfi') },
    asked: 'AuthenticationCleartextPassword',
  },
  {
    bytes: wire(`'p' 00000028 'md5' '0123456789abcdef0123456789abcdef' 00`),
    says: { name: 'PasswordMessage', password: bytes('md50123456789abcdef0123456789abcdef') },
    asked: 'AuthenticationMD5Password',
  },
  {
    bytes: wire(`'p' 0000002d 'SCRAM-SHA-256' 00 00000017 'n,,n=*,r=rOprNGfwEbeRWg'`),
    says: {
      name: 'SASLInitialResponse',
      mechanism: 'SCRAM-SHA-256',
      response: bytes('n,,n=*,r=rOprNGfwEbeRWg'),
    },
    asked: 'AuthenticationSASL',
  },
  {
    bytes: wire(`'p' 00000014 'OAUTHBEARER' 00 ffffffff`),
    says: { name: 'SASLInitialResponse', mechanism: 'OAUTHBEARER', response: null },
    asked: 'AuthenticationSASL',
  },
  {
    bytes: wire(`'p' 0000000b 'c=biws,'`),
    says: { name: 'SASLResponse', data: bytes('c=biws,') },
    asked: 'AuthenticationSASLContinue',
    openFrom: 5,
  },
  {
    bytes: wire(`'p' 00000007 604800`),
    says: { name: 'GSSResponse', data: hex('604800') },
    asked: 'AuthenticationGSS',
    openFrom: 5,
  },
];

export const backend: readonly Vector[] = [
  { bytes: wire(`'R' 00000008 00000000`), says: { name: 'AuthenticationOk' } },
  { bytes: wire(`'R' 00000008 00000002`), says: { name: 'AuthenticationKerberosV5' } },
  { bytes: wire(`'R' 00000008 00000003`), says: { name: 'AuthenticationCleartextPassword' } },
  {
    bytes: wire(`'R' 0000000c 00000005 9f31c0de`),
    says: { name: 'AuthenticationMD5Password', salt: hex('9f31c0de') },
  },
  { bytes: wire(`'R' 00000008 00000007`), says: { name: 'AuthenticationGSS' } },
  {
    bytes: wire(`'R' 0000000b 00000008 604801`),
    says: { name: 'AuthenticationGSSContinue', data: hex('604801') },
    openFrom: 9,
  },
  { bytes: wire(`'R' 00000008 00000009`), says: { name: 'AuthenticationSSPI' } },
  {
    bytes: wire(`'R' 0000002a 0000000a 'SCRAM-SHA-256-PLUS' 00 'SCRAM-SHA-256' 00 00`),
    says: { name: 'AuthenticationSASL', mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] },
  },
  {
    bytes: wire(`'R' 00000012 0000000b 'r=1,s=2,i='`),
    says: { name: 'AuthenticationSASLContinue', data: bytes('r=1,s=2,i=') },
    openFrom: 9,
  },
  {
    bytes: wire(`'R' 0000000c 0000000c 'v=6r'`),
    says: { name: 'AuthenticationSASLFinal', data: bytes('v=6r') },
    openFrom: 9,
  },
  {
    bytes: wire(`'K' 0000000c 00000d05 0badcafe`),
    says: { name: 'BackendKeyData', processId: 3333, secretKey: hex('0badcafe') },
    openFrom: 13,
  },
  {
    bytes: wire(`'K' 00000028 00000d05 ${'5a'.repeat(32)}`),
    says: { name: 'BackendKeyData', processId: 3333, secretKey: Buffer.alloc(32, 0x5a) },
    openFrom: 13,
  },
  {
    bytes: wire(`'S' 00000019 'client_encoding' 00 'UTF8' 00`),
    says: { name: 'ParameterStatus', parameter: 'client_encoding', value: bytes('UTF8') },
  },
  {
    bytes: wire(`'v' 0000001b 00030000 00000002 '_pq_.a' 00 '_pq_.bc' 00`),
    says: {
      name: 'NegotiateProtocolVersion',
      version: 0x30000,
      unrecognizedOptions: ['_pq_.a', '_pq_.bc'],
    },
  },
  { bytes: wire(`'Z' 00000005 'I'`), says: { name: 'ReadyForQuery', status: 'I' } },
  { bytes: wire(`'Z' 00000005 'T'`), says: { name: 'ReadyForQuery', status: 'T' } },
  { bytes: wire(`'Z' 00000005 'E'`), says: { name: 'ReadyForQuery', status: 'E' } },
  alone('1', 'ParseComplete'),
  alone('2', 'BindComplete'),
  alone('3', 'CloseComplete'),
  alone('n', 'NoData'),
  alone('I', 'EmptyQueryResponse'),
  alone('s', 'PortalSuspended'),
  alone('c', 'CopyDone'),
  {
    bytes: wire(`'t' 0000000e 0002 00000017 00000019`),
    says: { name: 'ParameterDescription', parameterTypes: [23, 25] },
  },
  {
    bytes: wire(`'T' 00000032 0002 'id' 00 00004001 0001 00000017 0004 ffffffff 0000
      'ctid' 00 00004001 ffff 0000001b 0006 ffffffff 0001`),
    says: {
      name: 'RowDescription',
      fields: [
        {
          name: bytes('id'),
          tableObjectId: 16385,
          columnAttribute: 1,
          typeObjectId: 23,
          typeSize: 4,
          typeModifier: -1,
          format: 0,
        },
        {
          name: bytes('ctid'),
          tableObjectId: 16385,
          columnAttribute: -1,
          typeObjectId: 27,
          typeSize: 6,
          typeModifier: -1,
          format: 1,
        },
      ],
    },
  },
  { bytes: wire(`'T' 00000006 0000`), says: { name: 'RowDescription', fields: [] } },
  {
    bytes: wire(`'D' 00000015 0003 00000001 '7' ffffffff 00000002 'ab'`),
    says: { name: 'DataRow', columns: [bytes('7'), null, bytes('ab')] },
  },
  { bytes: wire(`'D' 00000006 0000`), says: { name: 'DataRow', columns: [] } },
  {
    bytes: wire(`'C' 0000000f 'INSERT 0 5' 00`),
    says: { name: 'CommandComplete', tag: 'INSERT 0 5', rows: 5 },
  },
  {
    bytes: wire(`'C' 00000010 'SELECT 1234' 00`),
    says: { name: 'CommandComplete', tag: 'SELECT 1234', rows: 1234 },
  },
  {
    bytes: wire(`'C' 00000011 'CREATE TABLE' 00`),
    says: { name: 'CommandComplete', tag: 'CREATE TABLE', rows: null },
  },
  {
    bytes: wire(`'E' 00000025 'SERROR' 00 'VERROR' 00 'C42501' 00 'Mdenied' 00 'x?' 00 00`),
    says: {
      name: 'ErrorResponse',
      fields: [
        { type: 'S', value: bytes('ERROR') },
        { type: 'V', value: bytes('ERROR') },
        { type: 'C', value: bytes('42501') },
        { type: 'M', value: bytes('denied') },
        { type: 'x', value: bytes('?') },
      ],
    },
  },
  {
    bytes: wire(`'N' 0000000f 'SNOTICE' 00 'M' 00 00`),
    says: {
      name: 'NoticeResponse',
      fields: [
        { type: 'S', value: bytes('NOTICE') },
        { type: 'M', value: bytes('') },
      ],
    },
  },
  {
    bytes: wire(`'A' 00000014 00000d05 'jobs' 00 'done 7' 00`),
    says: {
      name: 'NotificationResponse',
      processId: 3333,
      channel: bytes('jobs'),
      payload: bytes('done 7'),
    },
  },
  {
    bytes: wire(`'G' 0000000b 00 0002 0000 0000`),
    says: { name: 'CopyInResponse', format: 0, columnFormats: [0, 0] },
  },
  {
    bytes: wire(`'H' 0000000b 01 0002 0001 0001`),
    says: { name: 'CopyOutResponse', format: 1, columnFormats: [1, 1] },
  },
  {
    bytes: wire(`'W' 00000007 00 0000`),
    says: { name: 'CopyBothResponse', format: 0, columnFormats: [] },
  },
  {
    bytes: wire(`'d' 00000009 'a' 00 'b' 0d 0a`),
    says: { name: 'CopyData', data: bytes('a\0b\r\n') },
    openFrom: 5,
  },
  {
    bytes: wire(`'V' 0000000c 00000004 00004001`),
    says: { name: 'FunctionCallResponse', value: hex('00004001') },
  },
  { bytes: wire(`'V' 00000008 ffffffff`), says: { name: 'FunctionCallResponse', value: null } },
];

export const startup: readonly Vector[] = [
  { bytes: wire(`00000008 04d2162f`), says: { name: 'SSLRequest' } },
  { bytes: wire(`00000008 04d21630`), says: { name: 'GSSENCRequest' } },
  {
    bytes: wire(`00000010 04d2162e 00000d05 0badcafe`),
    says: { name: 'CancelRequest', processId: 3333, secretKey: hex('0badcafe') },
    openFrom: 16,
  },
  {
    bytes: wire(`0000010c 04d2162e 00000d05 ${'5a'.repeat(256)}`),
    says: { name: 'CancelRequest', processId: 3333, secretKey: Buffer.alloc(256, 0x5a) },
    openFrom: 16,
  },
  {
    bytes: wire(`00000022 00030000 'user' 00 'alice' 00 'database' 00 'shop' 00 00`),
    says: {
      name: 'StartupMessage',
      protocolVersion: 0x30000,
      parameters: [
        { name: 'user', value: bytes('alice') },
        { name: 'database', value: bytes('shop') },
      ],
    },
  },
  {
    bytes: wire(`0000002a 00030002 'user' 00 'alice' 00 '_pq_.command_tag' 00 '1' 00 'x' 00 00 00`),
    says: {
      name: 'StartupMessage',
      protocolVersion: 0x30002,
      parameters: [
        { name: 'user', value: bytes('alice') },
        { name: '_pq_.command_tag', value: bytes('1') },
        { name: 'x', value: bytes('') },
      ],
    },
  },
];
