/** Masking of what COPY … TO STDOUT gives. */
export { type CopyColumn, type Treatment, treatment } from './columns.ts';
export { copyEncoding, encodingName } from './encodings.ts';
export { CopyMasker, type CopyMaskerOptions, MOST_ROW_BYTES } from './masker.ts';
export { type CopyFormat, type CopyOut, copyOut } from './options.ts';
export { pinned } from './pin.ts';
