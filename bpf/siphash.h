/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * SipHash-2-4 of one 64-bit word. Jean-Philippe Aumasson and Daniel J. Bernstein, "SipHash: a fast
 * short-input PRF" (2012), section 2; src/core/siphash.ts is the same for any length.
 */
#pragma once

#include <linux/types.h>

#define SIP_ROTATE(x, bits) ((x) = (x) << (bits) | (x) >> (64 - (bits)))

#define SIP_ROUND(v0, v1, v2, v3)                                          \
	do {                                                               \
		v0 += v1, SIP_ROTATE(v1, 13), v1 ^= v0, SIP_ROTATE(v0, 32); \
		v2 += v3, SIP_ROTATE(v3, 16), v3 ^= v2;                     \
		v0 += v3, SIP_ROTATE(v3, 21), v3 ^= v0;                     \
		v2 += v1, SIP_ROTATE(v1, 17), v1 ^= v2, SIP_ROTATE(v2, 32); \
	} while (0)

static __always_inline __u64 siphash_word(__u64 k0, __u64 k1, __u64 word)
{
	__u64 v0 = k0 ^ 0x736f6d6570736575ull, v1 = k1 ^ 0x646f72616e646f6dull;
	__u64 v2 = k0 ^ 0x6c7967656e657261ull, v3 = k1 ^ 0x7465646279746573ull;
	const __u64 last = 8ull << 56; /* the length in bytes, modulo 256, and no byte beside it */

	v3 ^= word;
	SIP_ROUND(v0, v1, v2, v3);
	SIP_ROUND(v0, v1, v2, v3);
	v0 ^= word;
	v3 ^= last;
	SIP_ROUND(v0, v1, v2, v3);
	SIP_ROUND(v0, v1, v2, v3);
	v0 ^= last;
	v2 ^= 0xff;
	SIP_ROUND(v0, v1, v2, v3);
	SIP_ROUND(v0, v1, v2, v3);
	SIP_ROUND(v0, v1, v2, v3);
	SIP_ROUND(v0, v1, v2, v3);
	return v0 ^ v1 ^ v2 ^ v3;
}
