/** Why a host's certificate is not taken, in words for both: the one that refuses it, and the one whose it is. */
import type { X509Certificate } from 'node:crypto';

export interface Refusal {
  /** For this host: of the other's certificate. The same for the same certificate, whatever the time. */
  readonly why: string;
  /** What time it is here, where that is to be compared; else empty. */
  readonly clock: string;
  /** For the other host, of its own. */
  readonly told: string;
}

const CLOCK = 'a clock is wrong, there or here';

/** @param code of OpenSSL's verification, or its words. @param certificate that was shown. @param wanted the host that it has to be */
export function refusalOf(code: string, certificate: X509Certificate | undefined, wanted = ''): Refusal {
  const time = dated(new Date());
  switch (certificate === undefined ? '' : code) {
    case 'CERT_NOT_YET_VALID': {
      const from = `is not valid before ${dated(new Date(certificate?.validFrom ?? ''))}`;
      return clocks(`${from}`, CLOCK, time);
    }
    case 'CERT_HAS_EXPIRED': {
      const until = `ended on ${dated(new Date(certificate?.validTo ?? ''))}`;
      return clocks(until, `${CLOCK}, or it has to join again`, time);
    }
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        ...{ why: `its certificate is of another host than ${wanted}`, clock: '' },
        told: `this host's certificate is not ${wanted}'s, who was to be reached here`,
      };
    default:
      return {
        ...{ why: `its certificate is not of this fleet: ${code}`, clock: '' },
        told: `this host's certificate is not of its fleet: ${code}`,
      };
  }
}

/** One that was put out of the fleet here. */
export const REMOVED: Refusal = {
  why: 'its host is not in the fleet',
  clock: '',
  told: 'this host was put out of the fleet there (hopline peer invite lets it join again)',
};

function clocks(what: string, todo: string, time: string): Refusal {
  return {
    why: `its certificate ${what}: ${todo}`,
    clock: `; here it is ${time}`,
    told: `this host's certificate ${what}, and there it is ${time}: ${todo}`,
  };
}

/** RFC 3339 to the second. */
function dated(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'an unknown time' : `${date.toISOString().slice(0, 19)}Z`;
}
