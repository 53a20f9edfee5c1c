/** hopline.yaml: its keys, their defaults and what each may be. */
import { z } from 'zod';
import type { Settings } from './types.ts';
import {
  absolutePath,
  address,
  duration,
  endpoint,
  fingerprint,
  loopbackEndpoint,
  port,
  prefix,
  refuse,
  section,
  size,
  text,
} from './values.ts';

const hostName = text(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/, 'a host name');

export interface Surroundings {
  readonly hostname: string;
  readonly processors: number;
  /** The directory of hopline.yaml. */
  readonly directory: string;
}

/** hopline.yaml as written: resolvers may still be `auto`. */
export type Written = Omit<Settings, 'dns'> & {
  readonly dns: { readonly resolvers: 'auto' | readonly string[] };
};

/** The shape of hopline.yaml, on this host. Every key is optional. */
export function settingsShape(here: Surroundings): z.ZodType<Written> {
  const optional = <S extends z.core.$ZodLooseShape>(shape: S) => section(shape).prefault({});
  const programs = (...paths: string[]) => z.array(absolutePath).default(paths);
  return section({
    host: hostName.default(here.hostname),
    mode: z.enum(['enforce', 'observe']).default('enforce'),
    scope: text(
      /^\/(?!\/)(?!.*(^|\/)\.\.?(\/|$)).*$/,
      'a cgroup path such as / or /system.slice',
      4095,
    ).default('/'),
    paths: optional({
      state: absolutePath.default('/var/lib/hopline'),
      run: absolutePath.default('/run/hopline'),
      pins: absolutePath.default('/sys/fs/bpf/hopline'),
      config: absolutePath.default(here.directory),
    }),
    proxy: optional({
      listen: optional({
        v4: loopbackEndpoint(4).prefault('127.0.0.1:15001'),
        v6: loopbackEndpoint(6).prefault('[::1]:15001'),
      }),
      workers: z
        .union([z.literal('auto'), z.int().min(1).max(256)])
        .default('auto')
        .transform((count) => (count === 'auto' ? Math.max(1, here.processors) : count)),
      user: text(/^[a-z_][a-z0-9_-]*\$?$/, 'the name of a host account', 32).default('hopline'),
      timeouts: optional({
        claim: duration.prefault('5s'),
        dial: duration.prefault('30s'),
        drain: duration.prefault('30s'),
        idle: z.union([z.literal('off').transform(() => null), duration]).prefault('off'),
      }),
    }),
    dns: optional({ resolvers: z.union([z.literal('auto'), z.array(address)]).default('auto') }),
    udp: optional({ allow: z.array(udpRule).default([]) }),
    sockets: optional({ ping: z.enum(['allow', 'deny']).default('deny') }),
    ssh: optional({ daemons: programs('/usr/sbin/sshd') }),
    origins: optional({
      cron: programs('/usr/sbin/cron', '/usr/sbin/crond'),
      at: programs('/usr/sbin/atd'),
      console: programs('/bin/login', '/usr/bin/login'),
    }),
    unlisted: z.enum(['inspect', 'direct']).default('inspect'),
    loopback: z.enum(['inspect', 'direct']).default('direct'),
    peers: z
      .array(section({ host: hostName, ca: fingerprint.optional(), nat: z.boolean().default(false) }))
      .default([]),
    peering: optional({
      listen: z.union([z.literal('off').transform(() => null), endpoint]).prefault('off'),
      advertise: endpoint.optional(),
      syn_option: z.boolean().default(true),
      addresses: z.union([z.literal('auto').transform(() => null), z.array(address)]).prefault('auto'),
    }),
    record: optional({ argv_bytes: z.int().min(64).max(4096).default(4096) }),
    recording: optional({
      rows: z
        .union([z.literal('none').transform(() => 0), z.literal('all'), z.int().min(1).max(1e9)])
        .prefault('none'),
      terminals: z.enum(['none', 'text', 'all']).default('text'),
      on_failure: z.enum(['end', 'continue']).optional(),
      keep_days: z
        .union([z.literal('forever').transform(() => null), z.int().min(1).max(36_500)])
        .prefault(90),
      max_size: size.prefault('1GB'),
    }),
    tripwire: optional({
      enabled: z.boolean().default(true),
      interfaces: z
        .union([z.literal('auto'), z.array(text(/^[^\s/:]+$/, 'the name of a network interface', 15))])
        .default('auto'),
    }),
    log: optional({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info') }),
  }).transform(({ record, recording, peering: { syn_option: synOption, ...peering }, ...rest }) => ({
    ...rest,
    peering: { ...peering, synOption },
    record: { argvBytes: record.argv_bytes },
    recording: {
      rows: recording.rows,
      terminals: recording.terminals,
      onFailure: recording.on_failure ?? (rest.mode === 'enforce' ? ('end' as const) : ('continue' as const)),
      keepDays: recording.keep_days,
      maxBytes: recording.max_size,
    },
  }));
}

const udpRule = section({
  to: prefix,
  port: port.optional(),
  quic: z.boolean().default(false),
}).transform(({ to, port: number = 0, quic }, ctx) => {
  if (number === 443 && !quic) {
    return refuse(ctx, 'UDP port 443 is QUIC, which carries HTTPS past every inspection', {
      hint: 'add quic: true if that is meant, or leave the rule out so that browsers fall back to TCP',
    });
  }
  if (quic && number !== 443) {
    return refuse(ctx, 'quic: true is for port 443', { hint: 'write port: 443 beside it' });
  }
  return { to, port: number, quic };
});
