/* simd.h by instructions of the DSP extension. Included by simd.h only. */
#pragma once

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)

/* sum + a.low * b.low + a.high * b.high */
GLYPHITE_KERNEL int32_t glyphite_smlad(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + a.low * b.low */
GLYPHITE_KERNEL int32_t glyphite_smlabb(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + a.low * b.high */
GLYPHITE_KERNEL int32_t glyphite_smlabt(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + a.high * b.low */
GLYPHITE_KERNEL int32_t glyphite_smlatb(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + a.high * b.high */
GLYPHITE_KERNEL int32_t glyphite_smlatt(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* Bytes 0 and 2 of a word as a pair. */
GLYPHITE_KERNEL uint32_t glyphite_even_bytes(uint32_t word) {
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    return pair;
}

/* Bytes 1 and 3 of a word as a pair. */
GLYPHITE_KERNEL uint32_t glyphite_odd_bytes(uint32_t word) {
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

/* (a.low, b.low) */
GLYPHITE_KERNEL uint32_t glyphite_pack_low(uint32_t a, uint32_t b) {
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
    return pair;
}

/* (a.high, b.high) */
GLYPHITE_KERNEL uint32_t glyphite_pack_high(uint32_t a, uint32_t b) {
    uint32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
    return pair;
}

/* Both halves a + b, modulo 2^16. */
GLYPHITE_KERNEL uint32_t glyphite_add_pair(uint32_t a, uint32_t b) {
    uint32_t pair;
    __asm__("sadd16 %0, %1, %2" : "=r"(pair) : "r"(a), "r"(b) : "cc");
    return pair;
}

/* Both halves a - b, modulo 2^16. */
GLYPHITE_KERNEL uint32_t glyphite_subtract_pair(uint32_t a, uint32_t b) {
    uint32_t pair;
    __asm__("ssub16 %0, %1, %2" : "=r"(pair) : "r"(a), "r"(b) : "cc");
    return pair;
}

/* The larger of each of four signed bytes. */
GLYPHITE_KERNEL uint32_t glyphite_max_bytes(uint32_t a, uint32_t b) {
    uint32_t larger; /* SSUB8 sets a flag for each byte where a >= b; SEL reads it */
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(larger) : "r"(a), "r"(b) : "cc");
    return larger;
}

/* sum + a * b / 2^32, rounded down. */
GLYPHITE_KERNEL int32_t glyphite_smmla(int32_t a, int32_t b, int32_t sum) {
    int32_t result;
    __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* a * b / 2^32, halves rounded up. */
GLYPHITE_KERNEL int32_t glyphite_smmulr(int32_t a, int32_t b) {
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* value / 2^shift, rounded down, kept within a signed byte. A shift known to the compiler is part
 * of the saturating instruction. */
GLYPHITE_KERNEL int32_t glyphite_shift_to_byte(int32_t value, int shift) {
    int32_t result;
    if (__builtin_constant_p(shift) && shift > 0) {
        __asm__("ssat %0, #8, %1, asr %2" : "=r"(result) : "r"(value), "i"(shift));
        return result;
    }
    value >>= shift;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
    return result;
}

#endif
