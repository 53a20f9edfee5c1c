/** `***`. Shared: whoever gets it must not write to it. */
export const STARS = Buffer.from('***');
/** The same as a JSON value. */
export const JSON_STARS = Buffer.from('"***"');
