/** The detectors by name, and what a text has to have for each. */
import { findCards } from './card.ts';
import { findTaxIds } from './de-tax-id.ts';
import { findEmails } from './email.ts';
import { findNirs } from './fr-nir.ts';
import type { Find } from './hit.ts';
import { findIbans } from './iban.ts';
import type { DetectorName } from './names.ts';
import { findBsns } from './nl-bsn.ts';
import { findPhones } from './phone.ts';
import { NEEDS } from './prefilter.ts';
import { findNinos } from './uk-nino.ts';
import { findSsns } from './us-ssn.ts';

export interface BuiltIn {
  readonly name: DetectorName;
  readonly find: Find;
  /** One of `NEEDS`. */
  readonly need: number;
}

const ALL: readonly BuiltIn[] = [
  { name: 'card', find: findCards, need: NEEDS.card },
  { name: 'iban', find: findIbans, need: NEEDS.iban },
  { name: 'email', find: findEmails, need: NEEDS.at },
  { name: 'phone', find: findPhones, need: NEEDS.phone },
  { name: 'us-ssn', find: findSsns, need: NEEDS.ssn },
  { name: 'uk-nino', find: findNinos, need: NEEDS.nino },
  { name: 'de-tax-id', find: findTaxIds, need: NEEDS.taxId },
  { name: 'fr-nir', find: findNirs, need: NEEDS.nir },
  { name: 'nl-bsn', find: findBsns, need: NEEDS.bsn },
];

export const BUILT_IN: ReadonlyMap<string, BuiltIn> = new Map<string, BuiltIn>(
  ALL.map((detector) => [detector.name, detector]),
);
