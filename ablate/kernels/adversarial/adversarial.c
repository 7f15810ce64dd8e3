// One player's adversarial loss over all scales, with its gradient by every logit, in one call.
//
//     L = sum_k  w_k / n_k  sum_i phi_k(x_ki),      phi(x) = factor f(x) + linear x
//     dL/dx_ki = w_k / n_k  (factor f'(x_ki) + linear)
//
// A term k is one scale's logits of one image; f is one of
//     SQUARE    (x - a)^2
//     HINGE     relu(1 + a x)       slope 0 at the kink, as torch has it
//     SOFTPLUS  log(1 + e^(a x))    a is 1 or -1
// with its parameter a. NaN goes through: no comparison below is true of it where that would hide it.
#include <math.h>
#include <stdint.h>

#include "../exponential.h"

enum { NOTHING, SQUARE, HINGE, SOFTPLUS };

typedef struct {
    const float *logits;
    float *gradient;
    int64_t size;
    int64_t form;
    double a, factor, linear, weight;
} Term;

enum { BLOCK = 512 };  // summed in float; the sums of blocks are added in double

// log(1 + t) for 0 <= t <= 1, to 1e-7: 2 artanh(t / (2 + t)) by its series.
static inline float log_one_plus(float t) {
    float u = t / (2.0f + t), q = u * u;
    return 2.0f * u *
           (1.0f + q * (1.0f / 3 + q * (1.0f / 5 + q * (1.0f / 7 + q * (1.0f / 9 + q * (1.0f / 11 + q * (1.0f / 13)))))));
}

static float square(const float *x, float *g, int64_t n, float a, float factor, float linear, float scale) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        float e = x[i] - a;
        sum += factor * e * e + linear * x[i];
        g[i] = scale * (2 * factor * e + linear);
    }
    return sum;
}

static float hinge(const float *x, float *g, int64_t n, float a, float factor, float linear, float scale) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        float margin = 1 + a * x[i];
        sum += factor * (margin <= 0 ? 0 : margin) + linear * x[i];
        g[i] = scale * ((margin <= 0 ? 0 : factor * a) + linear);
    }
    return sum;
}

static float softplus(const float *x, float *g, int64_t n, float a, float factor, float linear, float scale) {
    const float largest = largest_exponent;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        float z = a * x[i], t = exp_minus(fabsf(z), largest);
        float top = z >= 0 ? 1 : t, sigmoid = top / (1 + t);
        float positive = z > 0 ? z : 0;
        sum += factor * (positive + log_one_plus(t)) + linear * x[i];
        g[i] = scale * (factor * a * sigmoid + linear);
    }
    return sum;
}

static float nothing(const float *x, float *g, int64_t n, float linear, float scale) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        sum += linear * x[i];
        g[i] = scale * linear;
    }
    return sum;
}

void adversarial(const Term *terms, int64_t count, float *value) {
    double total = 0;
    for (int64_t k = 0; k < count; k++) {
        const Term t = terms[k];
        const float a = (float)t.a, factor = (float)t.factor, linear = (float)t.linear;
        const float scale = (float)(t.weight / (double)t.size);
        double sum = 0;
        for (int64_t start = 0; start < t.size; start += BLOCK) {
            const int64_t n = t.size - start < BLOCK ? t.size - start : BLOCK;
            const float *x = t.logits + start;
            float *g = t.gradient + start;
            switch (t.form) {
                case SQUARE: sum += square(x, g, n, a, factor, linear, scale); break;
                case HINGE: sum += hinge(x, g, n, a, factor, linear, scale); break;
                case SOFTPLUS: sum += softplus(x, g, n, a, factor, linear, scale); break;
                default: sum += nothing(x, g, n, linear, scale);
            }
        }
        total += t.weight / (double)t.size * sum;
    }
    *value = (float)total;
}
