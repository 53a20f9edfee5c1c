/** Why a host's certificate is not taken, in words for both: the one that refuses it, and the one whose it is. */
import { X509Certificate } from 'node:crypto';

export interface Refusal {
  /** For this host: of the other's certificate. The same for the same certificate, whatever the time. */
  readonly why: string;
  /** What time it is here, where that is to be compared; else empty. */
  readonly clock: string;
  /** For the other host, of its own. */
  readonly told: string;
}

const CLOCK = 'a clock is wrong, there or here';

/**
 * @param code of OpenSSL's verification, or its words: of several that it found, the last
 * @param certificate that was shown
 * @param of `ca`: the fleet's authority, PEM. `wanted`: the host that it has to be
 */
export function refusalOf(
  code: string,
  certificate: X509Certificate | undefined,
  of: { readonly ca: string; readonly wanted?: string },
): Refusal {
  // Threat: anybody can make one with the name of a host, that is not valid yet.
  const ours = certificate?.verify(new X509Certificate(of.ca).publicKey) ?? false;
  const what = ours ? code : 'its authority is another';
  switch (what) {
    case 'CERT_NOT_YET_VALID':
      return clocks(`is not valid before ${dated(certificate?.validFrom ?? '')}`, CLOCK);
    case 'CERT_HAS_EXPIRED':
      return clocks(`ended on ${dated(certificate?.validTo ?? '')}`, `${CLOCK}, or it has to join again`);
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        ...{ why: `its certificate is of another host than ${of.wanted}`, clock: '' },
        told: `this host's certificate is not ${of.wanted}'s, who was to be reached here`,
      };
    default:
      return {
        ...{ why: `its certificate is not of this fleet: ${what}`, clock: '' },
        told: `this host's certificate is not of its fleet: ${what}`,
      };
  }
}

/** One that was put out of the fleet here. */
export const REMOVED: Refusal = {
  why: 'its host is not in the fleet',
  clock: '',
  told: 'this host was put out of the fleet there (hopline peer invite lets it join again)',
};

function clocks(what: string, todo: string): Refusal {
  const now = dated();
  return {
    why: `its certificate ${what}: ${todo}`,
    clock: `; here it is ${now}`,
    told: `this host's certificate ${what}, and there it is ${now}: ${todo}`,
  };
}

/** RFC 3339 to the second. @param text as OpenSSL writes a time; without one, it is now */
function dated(text?: string): string {
  const date = text === undefined ? new Date() : new Date(text);
  return Number.isNaN(date.getTime()) ? 'an unknown time' : `${date.toISOString().slice(0, 19)}Z`;
}
