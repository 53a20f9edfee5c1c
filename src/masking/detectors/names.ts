/** The detectors that come with Hopline, by the names that configuration knows them by. */
export const DETECTOR_NAMES = [
  'card',
  'iban',
  'email',
  'phone',
  'us-ssn',
  'uk-nino',
  'de-tax-id',
  'fr-nir',
  'nl-bsn',
] as const;
export type DetectorName = (typeof DETECTOR_NAMES)[number];
