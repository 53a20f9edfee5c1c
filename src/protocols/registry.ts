import type { ProtocolRoom } from './room.ts';
import { tcp } from './tcp/index.ts';

/** Every protocol, one line each. `tcp` takes what no other claims. */
export const rooms: ReadonlyMap<string, ProtocolRoom> = new Map([tcp].map((room) => [room.name, room]));
