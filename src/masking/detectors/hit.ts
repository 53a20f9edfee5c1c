/** A place in a text where something was found. */
export interface Hit {
  /** Its detector's name. */
  readonly detector: string;
  /** In UTF-16 code units, as JavaScript counts. */
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** True where hits of several detectors overlap and became one: it is masked in full, whatever the form. */
  readonly merged: boolean;
}

/** Takes what a detector finds: from `start` to `end`, exclusive. */
export type Report = (start: number, end: number) => void;

/** A detector by content that ships with Hopline. `text` is folded (fold.ts); hits may come in any order. */
export type Find = (text: string, report: Report) => void;
