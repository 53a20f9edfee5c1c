/** Recordings in a directory, with a store of their own. */
import { WatchHub } from '../../src/api/watch.ts';
import { type RecordingSettings, Recordings } from '../../src/daemon/recordings.ts';
import { StoreRecorder } from '../../src/daemon/store-recorder.ts';
import { hop, id, T0, temporaryStore } from '../store/seed.ts';

export function recordings(over: Partial<RecordingSettings> & { readonly directory: string }) {
  const temporary = temporaryStore();
  const { reader, writer } = temporary.store;
  writer.insertHop(hop());
  const errors: string[] = [];
  const onError = (error: Error) => errors.push(error.message);
  const record = new StoreRecorder({ reader, writer, watch: new WatchHub(), nextProcessId: 1, onError });
  const settings: { onFailure: 'end' | 'continue'; keepDays: number | null } = {
    onFailure: 'end',
    keepDays: null,
    ...over,
  };
  const clock = { now: T0 };
  const { directory } = over;
  const begin = () =>
    new Recordings({ directory, record, reader, settings: () => settings, now: () => clock.now, onError });
  return {
    ...{ reader, writer, record, errors, settings, clock, begin },
    archive: begin(),
    hop: id(5),
    [Symbol.dispose]: () => temporary[Symbol.dispose](),
  };
}
