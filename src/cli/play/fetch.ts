/** What is played, asked of the daemon a page at a time. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlClient } from '../../api/client.ts';
import type { ActionJson, RecordingJson } from '../../api/json.ts';
import { ControlError } from '../../api/protocol.ts';
import { SegmentType } from '../../recording/format.ts';
import { DamagedError, recordsIn, SegmentReader } from '../../recording/reader.ts';
import type { Replayed, Replayer } from '../../recording/replay.ts';

const ACTIONS = 500;

/** A hop's actions in their order. */
export async function* actionsOf(client: ControlClient, hop: string): AsyncGenerator<ActionJson, void> {
  for (let after = 0; ; ) {
    const page = await client.call('actions', { hop, after, limit: ACTIONS });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < ACTIONS) return;
    after = last.seq;
  }
}

/** How a recording was found, once it has been read. */
export interface Found {
  /** What is wrong with it: it is not what was recorded, or cannot be read. */
  readonly damage: string | null;
  /** What is missing, and why; null where nothing is. */
  readonly missing: string | null;
}

/** Between two looks at a recording that goes on. */
const FOLLOW_MS = 300;

/**
 * What a recording says, in its order.
 * @param follow waits for what is still to be recorded
 * @returns how it was found
 */
export async function* replay(
  client: ControlClient,
  recording: RecordingJson,
  replayer: Replayer,
  follow = false,
): AsyncGenerator<Replayed, Found> {
  const { id, ended, sha256, reason, removed, removal } = recording;
  let open = ended === null;
  if (removed !== null) return { damage: null, missing: `the file was removed on ${removed}: ${removal}` };
  const hash = createHash('sha256');
  const reader = new SegmentReader();
  try {
    for (let offset = 0; ; ) {
      const { bytes: text, ended } = await client.call('recording.read', { id, offset });
      const bytes = Buffer.from(text, 'base64');
      if (bytes.length === 0) {
        if (!follow) break;
        open = !ended;
        if (ended) break;
        await sleep(FOLLOW_MS);
        continue;
      }
      offset += bytes.length;
      hash.update(bytes);
      for (const segment of reader.push(bytes)) {
        if (segment.type !== SegmentType.data) continue;
        for (const record of recordsIn(segment)) yield* replayer.push(record);
      }
    }
    yield* replayer.rest();
  } catch (error) {
    if (!(error instanceof DamagedError || error instanceof ControlError)) throw error;
    return { damage: error.message, missing: reason };
  }
  if (open) return { damage: null, missing: 'it is still being recorded' };
  // Of one that went on meanwhile neither is known.
  if (ended === null) return { damage: null, missing: null };
  const same = sha256 === '' || hash.digest('hex') === sha256;
  return {
    damage: same ? null : 'the file is not what was recorded: its SHA-256 is another',
    missing: reason,
  };
}
