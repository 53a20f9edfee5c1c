/**
 * How long a message of each type may be, by its length field (which counts itself, not the type byte), and how
 * much of it is kept where it is looked at whole.
 *
 * Frontend bounds are the server's own (`SocketBackend` and `PG_MAX_AUTH_TOKEN_LENGTH`), so nothing that it would
 * read is refused. Backend bounds are what the fields can hold, or libpq's: it gives up on an Authentication message
 * above 2,000 bytes, and above 30,000 on every type that is not in its list of long ones.
 */
import { Backend, type BackendType, Frontend, type FrontendType } from './messages.ts';

/** PQ_SMALL_MESSAGE_LIMIT and PQ_LARGE_MESSAGE_LIMIT in PostgreSQL's libpq.h. */
const SMALL = 10_000;
const LARGE = 0x3ffffffe;
/** PG_MAX_AUTH_TOKEN_LENGTH. */
const AUTH_TOKEN = 65_535;
/** libpq's longest message of a type that is not long by nature. */
const LIBPQ_SHORT = 30_000;
const LIBPQ_AUTHENTICATION = 2_000;
const INT32 = 0x7fffffff;
/** An Int16 counts them; every reader takes it unsigned. */
const MOST_COLUMNS = 65_535;

/**
 * Kept whole at most, for types that may be longer. A statement of 1.3 MB already holds the parser for 0.6 s, and
 * this is what one client can make a worker keep for each direction; what is longer can be forwarded, streamed or
 * dropped. RowDescription needs at most 451 kB: 1,664 columns, names of 63 characters of four bytes.
 */
export const WHOLE = 1024 * 1024;
/** What may arrive after `pause`: the rest of one read of the largest size, and one more read. */
const WAITING = 1024 * 1024;

type Bounds = readonly [least: number, most: number];

const FRONTEND: Readonly<Record<FrontendType, Bounds>> = {
  Bind: [12, LARGE],
  Close: [6, SMALL],
  CopyData: [4, LARGE],
  CopyDone: [4, 4],
  CopyFail: [5, SMALL],
  Describe: [6, SMALL],
  Execute: [9, SMALL],
  Flush: [4, 4],
  FunctionCall: [14, LARGE],
  GSSResponse: [4, AUTH_TOKEN],
  Parse: [8, LARGE],
  PasswordMessage: [4, AUTH_TOKEN],
  Query: [5, LARGE],
  SASLInitialResponse: [4, AUTH_TOKEN],
  SASLResponse: [4, AUTH_TOKEN],
  Sync: [4, 4],
  Terminate: [4, 4],
};

const BACKEND: Readonly<Record<BackendType, Bounds>> = {
  Authentication: [8, LIBPQ_AUTHENTICATION],
  BackendKeyData: [12, 264],
  BindComplete: [4, 4],
  CloseComplete: [4, 4],
  CommandComplete: [5, LIBPQ_SHORT],
  CopyBothResponse: [7, 7 + 2 * MOST_COLUMNS],
  CopyData: [4, INT32],
  CopyDone: [4, 4],
  CopyInResponse: [7, 7 + 2 * MOST_COLUMNS],
  CopyOutResponse: [7, 7 + 2 * MOST_COLUMNS],
  DataRow: [6, INT32],
  EmptyQueryResponse: [4, 4],
  ErrorResponse: [5, INT32],
  FunctionCallResponse: [8, INT32],
  NegotiateProtocolVersion: [12, LIBPQ_SHORT],
  NoData: [4, 4],
  NoticeResponse: [5, INT32],
  NotificationResponse: [10, INT32],
  ParameterDescription: [6, 6 + 4 * MOST_COLUMNS],
  ParameterStatus: [6, LIBPQ_SHORT],
  ParseComplete: [4, 4],
  PortalSuspended: [4, 4],
  ReadyForQuery: [5, 5],
  RowDescription: [6, INT32],
};

/** Of one direction, shared by all its connections. The arrays are indexed by type byte. */
export interface Limits {
  readonly least: Int32Array;
  /** 0, below `least`: this direction has no such message. */
  readonly most: Int32Array;
  /** The longest that is kept whole. */
  readonly whole: Int32Array;
  /** Bytes kept while paused. */
  readonly waiting: number;
  /** The specification's name of a type, for errors. */
  name(type: number): string;
}

/** The longest message kept whole by type, in place of `WHOLE`; never above what the type can have. */
export type Caps<Type extends string> = Readonly<Partial<Record<Type, number>>>;

export function frontendLimits(caps: Caps<FrontendType> = {}, waiting = WAITING): Limits {
  return limits(Frontend, FRONTEND, caps, waiting);
}

export function backendLimits(caps: Caps<BackendType> = {}, waiting = WAITING): Limits {
  return limits(Backend, BACKEND, caps, waiting);
}

function limits<Type extends string>(
  types: Readonly<Record<Type, number>>,
  bounds: Readonly<Record<Type, Bounds>>,
  caps: Caps<Type>,
  waiting: number,
): Limits {
  const least = new Int32Array(256).fill(INT32);
  const most = new Int32Array(256);
  const whole = new Int32Array(256);
  const names = new Map<number, string>();
  for (const name of Object.keys(types) as Type[]) {
    const type = types[name];
    const [shortest, longest] = bounds[name];
    least[type] = shortest;
    most[type] = longest;
    whole[type] = Math.min(whole[type] || longest, caps[name] ?? WHOLE);
    if (!names.has(type)) names.set(type, name);
  }
  const nameOf = (type: number): string => names.get(type) ?? `0x${type.toString(16).padStart(2, '0')}`;
  return Object.freeze({ least, most, whole, waiting, name: nameOf });
}
