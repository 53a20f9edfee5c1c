/** The check digit of ISO/IEC 7812-1, annex B. */

/** @param digits values 0 to 9, the check digit last */
export function passesLuhn(digits: Uint8Array): boolean {
  let sum = 0;
  for (let n = 0; n < digits.length; n++) {
    const digit = digits[digits.length - 1 - n] as number;
    const doubled = digit * 2;
    sum += n % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
