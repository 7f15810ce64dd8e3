// The nearest of a quantizer's centers for each latent, and the slope of the soft assignment there.
//
//     slope = 2 / T  (sum_k w_k c_k^2 - (sum_k w_k c_k)^2),      w_k ~ e^(-(x - c_k)^2 / T)
//
// x is held within the outermost centers for the slope, and within `reach` of them for the nearest. NaN goes through: no
// comparison below is true of it where that would hide it.
#include <math.h>
#include <stdint.h>

#include "../exponential.h"

enum { BLOCK = 64 };

static inline float within(float x, float lowest, float highest) {
    float above = x < lowest ? lowest : x;
    return above > highest ? highest : above;
}

// 2 Var(c) / T of latents whose nearest centers are known; sums are of centers less the nearest, which is the largest term.
static void slopes(const float *x, const float *nearest, int64_t n, const float *centers, int64_t levels, float lowest,
                   float highest, float temperature, float *slope) {
    const float largest = largest_exponent;
    float inside[BLOCK], least[BLOCK], weight[BLOCK], first[BLOCK], second[BLOCK];
    for (int64_t i = 0; i < n; i++) {
        inside[i] = within(x[i], lowest, highest);
        least[i] = (inside[i] - nearest[i]) * (inside[i] - nearest[i]);
        weight[i] = first[i] = second[i] = 0;
    }
    for (int64_t k = 0; k < levels; k++)
        for (int64_t i = 0; i < n; i++) {
            float d = inside[i] - centers[k], e = exp_minus((d * d - least[i]) / temperature, largest);
            float from = centers[k] - nearest[i];
            weight[i] += e;
            first[i] += e * from;
            second[i] += e * from * from;
        }
    for (int64_t i = 0; i < n; i++) {
        float mean = first[i] / weight[i];
        slope[i] = 2 * (second[i] / weight[i] - mean * mean) / temperature;
    }
}

// `slope` may be 0, where it is not wanted.
void quantizer(const float *latent, int64_t size, const float *centers, int64_t levels, double reach, double temperature,
               float *values, uint8_t *symbols, float *slope) {
    float lowest = centers[0], highest = centers[0];
    for (int64_t k = 1; k < levels; k++) {
        lowest = centers[k] < lowest ? centers[k] : lowest;
        highest = centers[k] > highest ? centers[k] : highest;
    }
    const float low = lowest - (float)reach, high = highest + (float)reach;
    for (int64_t start = 0; start < size; start += BLOCK) {
        const int64_t n = size - start < BLOCK ? size - start : BLOCK;
        float held[BLOCK], least[BLOCK];
        int32_t best[BLOCK];
        for (int64_t i = 0; i < n; i++) {
            held[i] = within(latent[start + i], low, high);
            least[i] = fabsf(held[i] - centers[0]);
            best[i] = 0;
        }
        for (int32_t k = 1; k < levels; k++)
            for (int64_t i = 0; i < n; i++) {
                float d = fabsf(held[i] - centers[k]);
                best[i] = d < least[i] ? k : best[i];
                least[i] = d < least[i] ? d : least[i];
            }
        float nearest[BLOCK];
        for (int64_t i = 0; i < n; i++) {
            nearest[i] = centers[best[i]];
            symbols[start + i] = (uint8_t)best[i];
            values[start + i] = held[i] == held[i] ? nearest[i] : held[i];
        }
        if (slope) slopes(held, nearest, n, centers, levels, lowest, highest, (float)temperature, slope + start);
    }
}
