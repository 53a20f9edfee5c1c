import type { PROTOCOLS } from './names.ts';
import { postgres } from './postgres/index.ts';
import type { ProtocolRoom } from './room.ts';
import { ssh } from './ssh/index.ts';
import { tcp } from './tcp/index.ts';

/** Every protocol, one line each; its name is in names.ts. `tcp` takes what no other claims. */
const all: Readonly<Record<(typeof PROTOCOLS)[number], ProtocolRoom>> = {
  tcp,
  postgres,
  ssh,
};

export const rooms: ReadonlyMap<string, ProtocolRoom> = new Map(Object.entries(all));
