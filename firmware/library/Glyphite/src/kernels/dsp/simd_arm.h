/* simd.h by instructions of the DSP extension. Included by simd.h only. */
#pragma once

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__OPTIMIZE__)

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

/* (a.low, b.high) */
GLYPHITE_KERNEL uint32_t glyphite_pack_low_high(uint32_t a, uint32_t b) {
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2" : "=r"(pair) : "r"(a), "r"(b));
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
GLYPHITE_KERNEL int32_t glyphite_shift_to_byte(int32_t value, int32_t shift) {
    int32_t result;
    if (__builtin_constant_p(shift) && shift > 0) {
        __asm__("ssat %0, #8, %1, asr %2" : "=r"(result) : "r"(value), "i"(shift));
        return result;
    }
    value >>= shift;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
    return result;
}

/* Stores two words at a multiple of 4; gives where the next go. */
GLYPHITE_KERNEL int32_t *glyphite_store_two(int32_t *to, int32_t first, int32_t second) {
    __asm__ volatile("strd %[first], %[second], [%[to]], #8"
                     : [to] "+r"(to)
                     : [first] "r"(first), [second] "r"(second)
                     : "memory");
    return to;
}

/* simd.h says what these two do. They are written in assembly because of LDRD, STRD and SXTB with a
 * rotation, which a compiler does not form here. */
GLYPHITE_KERNEL uint32_t *glyphite_order_column(const int8_t *const rows[3], int32_t at,
                                                uint32_t *column) {
    const int8_t *a = rows[0] + at; /* then the words themselves, and what they become */
    const int8_t *b = rows[1] + at;
    const int8_t *c = rows[2] + at;
    uint32_t d, e, f, g;
    __asm__ volatile("ldr %[a], [%[a]]\n\t"
                     "ldr %[b], [%[b]]\n\t"
                     "ldr %[c], [%[c]]\n\t"
                     "sxtb16 %[d], %[a]\n\t"
                     "sxtb16 %[a], %[a], ror #8\n\t"
                     "sxtb16 %[e], %[b]\n\t"
                     "sxtb16 %[b], %[b], ror #8\n\t"
                     "pkhbt %[f], %[d], %[e], lsl #16\n\t"
                     "sxtb %[g], %[c]\n\t"
                     "strd %[f], %[g], [%[column]], #8\n\t"
                     "pkhbt %[f], %[a], %[b], lsl #16\n\t"
                     "sxtb %[g], %[c], ror #8\n\t"
                     "strd %[f], %[g], [%[column]], #8\n\t"
                     "pkhtb %[f], %[e], %[d], asr #16\n\t"
                     "sxtb %[g], %[c], ror #16\n\t"
                     "strd %[f], %[g], [%[column]], #8\n\t"
                     "pkhtb %[f], %[b], %[a], asr #16\n\t"
                     "sxtb %[g], %[c], ror #24\n\t"
                     "strd %[f], %[g], [%[column]], #8"
                     : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "=&r"(d), [e] "=&r"(e),
                       [f] "=&r"(f), [g] "=&r"(g), [column] "+r"(column)
                     :
                     : "memory");
    return column;
}

/* Four rows of four channels as pairs, those of rows 0 and 1, then those of rows 2 and 3. */
GLYPHITE_KERNEL uint32_t *glyphite_order_column_4(const int8_t *const rows[4], int32_t at,
                                                  uint32_t *column) {
    const int8_t *a = rows[0] + at; /* then the words themselves, and what they become */
    const int8_t *b = rows[1] + at;
    const int8_t *c = rows[2] + at;
    const int8_t *d = rows[3] + at;
    uint32_t e, f, g, h;
    __asm__ volatile("ldr %[a], [%[a]]\n\t"
                     "ldr %[b], [%[b]]\n\t"
                     "ldr %[c], [%[c]]\n\t"
                     "ldr %[d], [%[d]]\n\t"
                     "sxtb16 %[e], %[a]\n\t"
                     "sxtb16 %[f], %[b]\n\t"
                     "pkhbt %[g], %[e], %[f], lsl #16\n\t"
                     "pkhtb %[e], %[f], %[e], asr #16\n\t"
                     "sxtb16 %[f], %[c]\n\t"
                     "sxtb16 %[h], %[d]\n\t"
                     "sxtb16 %[a], %[a], ror #8\n\t"
                     "sxtb16 %[b], %[b], ror #8\n\t"
                     "sxtb16 %[c], %[c], ror #8\n\t"
                     "sxtb16 %[d], %[d], ror #8\n\t"
                     "strd %[f], %[h], [%[column], #16]\n\t"
                     "pkhbt %[h], %[f], %[h], lsl #16\n\t"
                     "strd %[g], %[h], [%[column]]\n\t"
                     "pkhbt %[g], %[a], %[b], lsl #16\n\t"
                     "pkhbt %[h], %[c], %[d], lsl #16\n\t"
                     "strd %[g], %[h], [%[column], #8]\n\t"
                     "ldrd %[f], %[h], [%[column], #16]\n\t"
                     "pkhtb %[f], %[h], %[f], asr #16\n\t"
                     "strd %[e], %[f], [%[column], #16]\n\t"
                     "pkhtb %[g], %[b], %[a], asr #16\n\t"
                     "pkhtb %[h], %[d], %[c], asr #16\n\t"
                     "strd %[g], %[h], [%[column], #24]"
                     : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [e] "=&r"(e),
                       [f] "=&r"(f), [g] "=&r"(g), [h] "=&r"(h)
                     : [column] "r"(column)
                     : "memory");
    return column + 8;
}

#define GLYPHITE_COLUMN(ADDRESS, PAIR, LOWER, SUM)                                                 \
    "ldrd %[a], %[b], [%[columns]" ADDRESS "]\n\t"                                                 \
    "smlad %[sum], %[a], %[" PAIR "], %[" SUM "]\n\t" LOWER "\n\t"

GLYPHITE_KERNEL int32_t glyphite_dot_columns(const uint32_t *columns, const uint32_t weights[5],
                                             int32_t bias) {
    int32_t sum;
    uint32_t a, b;
    /* clang-format off */
    __asm__(
        GLYPHITE_COLUMN("", "w0", "smlabb %[sum], %[b], %[w3], %[sum]", "bias")
        GLYPHITE_COLUMN(", #32", "w1", "smlabt %[sum], %[b], %[w3], %[sum]", "sum")
        GLYPHITE_COLUMN(", #64", "w2", "smlabb %[sum], %[b], %[w4], %[sum]", "sum")
        : [sum] "=&r"(sum), [a] "=&r"(a), [b] "=&r"(b)
        : [columns] "r"(columns), [w0] "r"(weights[0]), [w1] "r"(weights[1]), [w2] "r"(weights[2]),
          [w3] "r"(weights[3]), [w4] "r"(weights[4]), [bias] "r"(bias)
        : "memory");
    /* clang-format on */
    return sum;
}

#define GLYPHITE_COLUMN_4(ADDRESS, UPPER, LOWER, FIRST, SECOND)                                    \
    "ldrd %[a], %[b], [%[columns]" ADDRESS "]\n\t"                                                 \
    "smlad %[s0], %[a], %[" UPPER "], %[" FIRST "]\n\t"                                            \
    "smlatb %[s1], %[a], %[" UPPER "], %[" SECOND "]\n\t"                                          \
    "smlabt %[s0], %[b], %[" LOWER "], %[s0]\n\t"                                                  \
    "smlad %[s1], %[b], %[" LOWER "], %[s1]\n\t"

GLYPHITE_KERNEL void glyphite_dot_columns_4(const uint32_t *columns, const uint32_t weights[6],
                                            int32_t bias, int32_t sums[2]) {
    uint32_t a, b;
    /* clang-format off */
    __asm__(
        GLYPHITE_COLUMN_4("", "w0", "w1", "bias", "bias")
        GLYPHITE_COLUMN_4(", #32", "w2", "w3", "s0", "s1")
        GLYPHITE_COLUMN_4(", #64", "w4", "w5", "s0", "s1")
        : [s0] "=&r"(sums[0]), [s1] "=&r"(sums[1]), [a] "=&r"(a), [b] "=&r"(b)
        : [columns] "r"(columns), [w0] "r"(weights[0]), [w1] "r"(weights[1]), [w2] "r"(weights[2]),
          [w3] "r"(weights[3]), [w4] "r"(weights[4]), [w5] "r"(weights[5]), [bias] "r"(bias)
        : "memory");
    /* clang-format on */
}

#endif
