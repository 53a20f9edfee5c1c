/**
 * The proxy's listening sockets, as bare descriptors: systemd's where it hands some over, else our own.
 * The supervisor only holds them. It never accepts, so what arrives while no worker lives waits in the backlog.
 */
import koffi from 'koffi';
import type { Endpoint } from '../core/types.ts';
import { readAddress, writeAddress } from './sockaddr.ts';

export interface Listener {
  readonly name: 'v4' | 'v6';
  readonly fd: number;
  readonly address: string;
  readonly port: number;
  /** Handed over by systemd. */
  readonly inherited: boolean;
}

export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** The system's errno name, or `activation` where what systemd handed over does not fit. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Connections that wait for a worker; the kernel cuts it to net.core.somaxconn. */
export const BACKLOG = 4096;

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ACCEPTCONN = 30;
const SD_LISTEN_FDS_START = 3;

const libc = koffi.load('libc.so.6');
const socket_ = libc.func('int socket(int domain, int type, int protocol)');
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const int *value, uint32_t size)');
const getsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ int *value, _Inout_ uint32_t *size)',
);
const bind = libc.func('int bind(int fd, const uint8_t *address, uint32_t size)');
const listen = libc.func('int listen(int fd, int backlog)');
const getsockname = libc.func('int getsockname(int fd, uint8_t *address, _Inout_ uint32_t *size)');
const close = libc.func('int close(int fd)');

/**
 * @param wanted where to listen; null is "not". systemd's sockets (named `proxy`) win over it
 * @param env the process's environment; its LISTEN_* variables are removed, so that no child takes them for its own
 * @throws ListenError
 */
export function openListeners(
  wanted: { readonly v4: Endpoint | null; readonly v6: Endpoint | null },
  env: NodeJS.ProcessEnv = process.env,
): Listener[] {
  const opened = inherited(env);
  try {
    for (const name of ['v4', 'v6'] as const) {
      const at = wanted[name];
      if (at !== null && !opened.some((listener) => listener.name === name)) opened.push(open(name, at));
    }
  } catch (error) {
    closeListeners(opened);
    throw error;
  }
  return opened;
}

/** Connections in their backlogs are reset by the kernel once no worker holds them either. */
export function closeListeners(listeners: readonly Listener[]): void {
  for (const { fd } of listeners) close(fd);
}

/** sd_listen_fds_with_names(3). */
function inherited(env: NodeJS.ProcessEnv): Listener[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: text = '' } = env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  if (pid === undefined || count === undefined || Number(pid) !== process.pid) return [];
  const names = text.split(':');
  const found: Listener[] = [];
  for (let index = 0; index < Number(count); index += 1) {
    const fd = SD_LISTEN_FDS_START + index;
    const label = names[index];
    if (label !== 'proxy')
      throw new ListenError(
        'activation',
        `systemd handed over a socket named ${label}, not proxy: see FileDescriptorName=`,
      );
    const value = [0];
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, value, [4]) !== 0 || value[0] !== 1)
      throw new ListenError('activation', `descriptor ${fd} (${label}) is not a listening stream socket`);
    const at = local(fd);
    const name = at.address.includes(':') ? 'v6' : 'v4';
    if (found.some((listener) => listener.name === name))
      throw new ListenError(
        'activation',
        `systemd handed over two ${name} sockets: one address of each family is served`,
      );
    found.push({ name, fd, ...at, inherited: true });
  }
  return found;
}

function open(name: 'v4' | 'v6', at: Endpoint): Listener {
  const fd: number = socket_(name === 'v4' ? AF_INET : AF_INET6, SOCK_STREAM_CLOEXEC, 0);
  if (fd < 0) throw failed('open a socket for', at);
  try {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, [1], 4);
    // An IPv4 connection belongs to the IPv4 listener, whatever bindv6only says.
    if (name === 'v6') setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, [1], 4);
    const address = writeAddress(at);
    if (bind(fd, address, address.length) !== 0) throw failed('bind', at);
    if (listen(fd, BACKLOG) !== 0) throw failed('listen at', at);
    return { name, fd, ...local(fd), inherited: false };
  } catch (error) {
    close(fd);
    throw error;
  }
}

function local(fd: number): Endpoint {
  const address = Buffer.alloc(28);
  if (getsockname(fd, address, [address.length]) !== 0)
    throw new ListenError('activation', `descriptor ${fd} has no address`);
  return readAddress(address);
}

function failed(verb: string, at: Endpoint): ListenError {
  const code = Object.entries(koffi.os.errno).find(([, value]) => value === koffi.errno())?.[0] ?? 'EIO';
  const fix =
    code === 'EADDRINUSE'
      ? `something else listens there: see \`ss -ltnp sport = :${at.port}\`, or set proxy.listen`
      : 'set proxy.listen to an address of this host';
  return new ListenError(code, `cannot ${verb} ${at.address} port ${at.port} (${code}): ${fix}`);
}
