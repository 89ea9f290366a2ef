/* simd.h in C, bit for bit what the instructions do. Included by simd.h only. Sums wrap, as there.
 */
#pragma once

#if !defined(__ARM_FEATURE_DSP) || !defined(__thumb2__) || !defined(__OPTIMIZE__)

GLYPHITE_KERNEL int32_t glyphite_low(uint32_t pair) {
    return (int16_t)(pair & 0xFFFF);
}

GLYPHITE_KERNEL int32_t glyphite_high(uint32_t pair) {
    return (int16_t)(pair >> 16);
}

GLYPHITE_KERNEL uint32_t glyphite_pair(int32_t low, int32_t high) {
    return ((uint32_t)low & 0xFFFF) | (uint32_t)high << 16;
}

GLYPHITE_KERNEL int32_t glyphite_wrap_add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

GLYPHITE_KERNEL int32_t glyphite_smlabb(uint32_t a, uint32_t b, int32_t sum) {
    return glyphite_wrap_add(sum, glyphite_low(a) * glyphite_low(b));
}

GLYPHITE_KERNEL int32_t glyphite_smlabt(uint32_t a, uint32_t b, int32_t sum) {
    return glyphite_wrap_add(sum, glyphite_low(a) * glyphite_high(b));
}

GLYPHITE_KERNEL int32_t glyphite_smlatb(uint32_t a, uint32_t b, int32_t sum) {
    return glyphite_wrap_add(sum, glyphite_high(a) * glyphite_low(b));
}

GLYPHITE_KERNEL int32_t glyphite_smlatt(uint32_t a, uint32_t b, int32_t sum) {
    return glyphite_wrap_add(sum, glyphite_high(a) * glyphite_high(b));
}

GLYPHITE_KERNEL int32_t glyphite_smlad(uint32_t a, uint32_t b, int32_t sum) {
    return glyphite_smlatt(a, b, glyphite_smlabb(a, b, sum));
}

GLYPHITE_KERNEL int32_t glyphite_byte(uint32_t word, int index) {
    return (int8_t)(word >> (8 * index) & 0xFF);
}

GLYPHITE_KERNEL uint32_t glyphite_even_bytes(uint32_t word) {
    return glyphite_pair(glyphite_byte(word, 0), glyphite_byte(word, 2));
}

GLYPHITE_KERNEL uint32_t glyphite_odd_bytes(uint32_t word) {
    return glyphite_pair(glyphite_byte(word, 1), glyphite_byte(word, 3));
}

GLYPHITE_KERNEL uint32_t glyphite_pack_low(uint32_t a, uint32_t b) {
    return glyphite_pair(glyphite_low(a), glyphite_low(b));
}

GLYPHITE_KERNEL uint32_t glyphite_pack_high(uint32_t a, uint32_t b) {
    return glyphite_pair(glyphite_high(a), glyphite_high(b));
}

GLYPHITE_KERNEL uint32_t glyphite_pack_low_high(uint32_t a, uint32_t b) {
    return glyphite_pair(glyphite_low(a), glyphite_high(b));
}

GLYPHITE_KERNEL uint32_t glyphite_add_pair(uint32_t a, uint32_t b) {
    return glyphite_pair(glyphite_low(a) + glyphite_low(b), glyphite_high(a) + glyphite_high(b));
}

GLYPHITE_KERNEL uint32_t glyphite_subtract_pair(uint32_t a, uint32_t b) {
    return glyphite_pair(glyphite_low(a) - glyphite_low(b), glyphite_high(a) - glyphite_high(b));
}

GLYPHITE_KERNEL int32_t glyphite_smmla(int32_t a, int32_t b, int32_t sum) {
    return glyphite_wrap_add((int32_t)(((int64_t)a * b) >> 32), sum);
}

GLYPHITE_KERNEL int32_t glyphite_smmulr(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

GLYPHITE_KERNEL int32_t glyphite_shift_to_byte(int32_t value, int32_t shift) {
    value >>= shift;
    return value < -128 ? -128 : value > 127 ? 127 : value;
}

GLYPHITE_KERNEL int32_t *glyphite_store_two(int32_t *to, int32_t first, int32_t second) {
    to[0] = first;
    to[1] = second;
    return to + 2;
}

GLYPHITE_KERNEL uint32_t *glyphite_order_column(const int8_t *const rows[3], int32_t at,
                                                uint32_t *column) {
    for (int32_t channel = 0; channel < 4; channel++) {
        column[2 * channel] = glyphite_pair(rows[0][at + channel], rows[1][at + channel]);
        column[2 * channel + 1] = (uint32_t)rows[2][at + channel];
    }
    return column + 8;
}

GLYPHITE_KERNEL int32_t glyphite_dot_columns(const uint32_t *columns, const uint32_t weights[5],
                                             int32_t bias) {
    int32_t sum = bias;
    for (int32_t column = 0; column < 3; column++) {
        sum = glyphite_smlad(columns[8 * column], weights[column], sum);
    }
    sum = glyphite_smlabb(columns[1], weights[3], sum);
    sum = glyphite_smlabt(columns[9], weights[3], sum);
    return glyphite_smlabb(columns[17], weights[4], sum);
}

GLYPHITE_KERNEL uint32_t *glyphite_order_column_4(const int8_t *const rows[4], int32_t at,
                                                  uint32_t *column) {
    for (int32_t channel = 0; channel < 4; channel++) {
        column[2 * channel] = glyphite_pair(rows[0][at + channel], rows[1][at + channel]);
        column[2 * channel + 1] = glyphite_pair(rows[2][at + channel], rows[3][at + channel]);
    }
    return column + 8;
}

GLYPHITE_KERNEL void glyphite_dot_columns_4(const uint32_t *columns, const uint32_t weights[6],
                                            int32_t bias, int32_t sums[2]) {
    sums[0] = bias;
    sums[1] = bias;
    for (int32_t column = 0; column < 3; column++) {
        const uint32_t *const pairs = columns + 8 * column;
        const uint32_t upper = weights[2 * column];
        const uint32_t lower = weights[2 * column + 1];
        sums[0] = glyphite_smlabt(pairs[1], lower, glyphite_smlad(pairs[0], upper, sums[0]));
        sums[1] = glyphite_smlad(pairs[1], lower, glyphite_smlatb(pairs[0], upper, sums[1]));
    }
}

#endif
