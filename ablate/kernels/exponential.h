// The exponential that kernels share, in a form that compilers put into vectors.
#include <stdint.h>

// The largest exponent, which keeps e^-x above the smallest normal number. Not a constant: compilers would follow a
// path of its own for it, which keeps them from using vectors.
float largest_exponent = 87.0f;

// e^-x for x >= 0, to 1e-7 of its value: 2^n e^r, n the nearest integer to -x log2(e), e^r by its series.
static inline float exp_minus(float x, float largest) {
    float capped = x > largest ? largest : x;
    int32_t n = (int32_t)(-1.44269504f * capped - 0.5f);
    float r = -capped - (float)n * 0.693359375f + (float)n * 2.12194440e-4f;  // ln 2 in two parts
    float series = 1.0f + r * (1.0f + r * (0.5f + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720))))));
    union { int32_t bits; float value; } power = {(n + 127) << 23};
    return power.value * series;
}
