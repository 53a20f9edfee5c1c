/** The messages of authentication: RFC 4252, RFC 4256. */
import { WireError, WireReader, WireWriter } from '../../../core/ssh-wire.ts';
import { Message } from '../numbers.ts';

export const CONNECTION = 'ssh-connection';
export const USERAUTH = 'ssh-userauth';

/** What a method brings with SSH_MSG_USERAUTH_REQUEST. */
export type Method =
  | { readonly method: 'none' }
  | {
      readonly method: 'publickey';
      readonly algorithm: string;
      readonly key: Buffer;
      /** Null asks whether a signature with this key would do. */
      readonly signature: Buffer | null;
    }
  | { readonly method: 'password'; readonly password: Buffer; readonly newPassword: Buffer | null }
  | { readonly method: 'keyboard-interactive'; readonly submethods: string }
  | { readonly method: 'other' };

export interface UserauthRequest {
  readonly user: string;
  readonly service: string;
  readonly asked: Method;
}

/** SSH_MSG_USERAUTH_INFO_REQUEST (RFC 4256 section 3.2). */
export interface InfoRequest {
  readonly name: string;
  readonly instruction: string;
  readonly prompts: readonly { readonly prompt: string; readonly echo: boolean }[];
}

export interface Failure {
  readonly methods: readonly string[];
  readonly partial: boolean;
}

/** OpenSSH asks no more at once (auth2-chall.c has 10 devices, sshconnect2.c any number); more is no question. */
const MOST_PROMPTS = 100;

/** @throws WireError. Texts are copied: passwords as bytes, for they need not be UTF-8. */
export function decodeRequest(payload: Buffer): UserauthRequest {
  const reader = new WireReader(payload, 1);
  const [user, service, method] = [reader.text(), reader.text(), reader.text()];
  return { user, service, asked: decodeMethod(method, reader) };
}

function decodeMethod(method: string, reader: WireReader): Method {
  switch (method) {
    case 'none':
      return { method };
    case 'publickey': {
      const signed = reader.boolean();
      const algorithm = reader.text();
      const key = Buffer.from(reader.string());
      return { method, algorithm, key, signature: signed ? Buffer.from(reader.string()) : null };
    }
    case 'password': {
      const changes = reader.boolean();
      const password = Buffer.from(reader.string());
      return { method, password, newPassword: changes ? Buffer.from(reader.string()) : null };
    }
    case 'keyboard-interactive':
      reader.string(); // language tag
      return { method, submethods: reader.text() };
    default:
      return { method: 'other' };
  }
}

/** @param fields those of the method, behind its name */
export function encodeRequest(user: string, method: string, fields: Buffer): Buffer {
  const head = new WireWriter().byte(Message.USERAUTH_REQUEST).string(user).string(CONNECTION);
  return head.string(method).raw(fields).bytes();
}

export function encodeFailure({ methods, partial }: Failure): Buffer {
  return new WireWriter().byte(Message.USERAUTH_FAILURE).names(methods).boolean(partial).bytes();
}

export function decodeFailure(payload: Buffer): Failure {
  const reader = new WireReader(payload, 1);
  return { methods: reader.names(), partial: reader.boolean() };
}

export function encodeBanner(message: string): Buffer {
  return new WireWriter().byte(Message.USERAUTH_BANNER).string(message).string('').bytes();
}

export function encodeInfoRequest({ name, instruction, prompts }: InfoRequest): Buffer {
  const writer = new WireWriter().byte(Message.USERAUTH_INFO_REQUEST).string(name).string(instruction);
  writer.string('').uint32(prompts.length);
  for (const { prompt, echo } of prompts) writer.string(prompt).boolean(echo);
  return writer.bytes();
}

/** @throws WireError */
export function decodeInfoRequest(payload: Buffer): InfoRequest {
  const reader = new WireReader(payload, 1);
  const [name, instruction] = [reader.string().toString(), reader.string().toString()];
  reader.string(); // language tag
  const prompts = counted(reader, () => ({ prompt: reader.string().toString(), echo: reader.boolean() }));
  return { name, instruction, prompts };
}

export function encodeInfoResponse(responses: readonly Buffer[]): Buffer {
  const writer = new WireWriter().byte(Message.USERAUTH_INFO_RESPONSE).uint32(responses.length);
  for (const response of responses) writer.string(response);
  return writer.bytes();
}

/** @throws WireError */
export function decodeInfoResponse(payload: Buffer): Buffer[] {
  const reader = new WireReader(payload, 1);
  return counted(reader, () => Buffer.from(reader.string()));
}

function counted<T>(reader: WireReader, each: () => T): T[] {
  const count = reader.uint32();
  if (count > MOST_PROMPTS) throw new WireError('more prompts than anybody answers');
  return Array.from({ length: count }, each);
}
