// A weighted sum of MSE, L1 and Charbonnier over any number of pairs of tensors, with its gradient by y, in one pass.
//
//     e = y - x,   L = sum_pairs  1/n sum_i  a e^2 + b |e| + c sqrt(e^2 + epsilon^2)
//     dL/dy = 1/n (2 a e + b sign(e) + c e / sqrt(e^2 + epsilon^2))
//
// Feature matching is b alone over all maps. sign(0) and, as in torch, sign(NaN) are 0; the loss itself is NaN then.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    const float *x, *y;
    float *gradient;
    int64_t size;
} Pair;

// Summed in float, which errs the more the more equal numbers a lane adds; sums of blocks are added in double, in order.
enum { BLOCK = 512 };

// Inlined once for each set of terms, so that a loop has no more of them than it needs.
static inline __attribute__((always_inline)) float block(
    const float *restrict x, const float *restrict y, float *restrict g, int64_t n, float a, float b, float c,
    float epsilon_squared, float scale, int squares, int absolutes, int roots) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        float e = y[i] - x[i], loss = 0, slope = 0;
        if (squares) {
            loss += a * e * e;
            slope += 2 * a * e;
        }
        if (absolutes) {
            loss += b * fabsf(e);
            slope += (e > 0 ? b : 0) - (e < 0 ? b : 0);
        }
        if (roots) {
            float root = sqrtf(e * e + epsilon_squared);
            loss += c * root;
            slope += c * e / root;
        }
        sum += loss;
        g[i] = scale * slope;
    }
    return sum;
}

static float one_block(
    const float *x, const float *y, float *g, int64_t n, float a, float b, float c, float epsilon_squared, float scale) {
    if (b == 0 && c == 0) return block(x, y, g, n, a, 0, 0, 0, scale, 1, 0, 0);
    if (a == 0 && c == 0) return block(x, y, g, n, 0, b, 0, 0, scale, 0, 1, 0);
    if (a == 0 && b == 0) return block(x, y, g, n, 0, 0, c, epsilon_squared, scale, 0, 0, 1);
    return block(x, y, g, n, a, b, c, epsilon_squared, scale, 1, 1, 1);
}

// Returns 0, or 1 where there is no memory.
int distortion(
    const Pair *pairs, int64_t count, double a, double b, double c, double epsilon, int threads, float *value) {
    int64_t largest = 0;
    for (int64_t k = 0; k < count; k++) largest = pairs[k].size > largest ? pairs[k].size : largest;
    float *sums = malloc(sizeof(float) * (size_t)(largest / BLOCK + 1));
    if (!sums) return 1;
    const float epsilon_squared = (float)(epsilon * epsilon);
    double total = 0;
    for (int64_t k = 0; k < count; k++) {
        const Pair p = pairs[k];
        const int64_t blocks = (p.size + BLOCK - 1) / BLOCK;
        const float scale = (float)(1.0 / (double)p.size);
#pragma omp parallel for num_threads(threads) if (threads > 1 && blocks > 128) schedule(static)
        for (int64_t i = 0; i < blocks; i++) {
            const int64_t start = i * BLOCK, n = p.size - start < BLOCK ? p.size - start : BLOCK;
            sums[i] = one_block(
                p.x + start, p.y + start, p.gradient + start, n, (float)a, (float)b, (float)c, epsilon_squared, scale);
        }
        double sum = 0;
        for (int64_t i = 0; i < blocks; i++) sum += sums[i];
        total += sum / (double)p.size;
    }
    free(sums);
    *value = (float)total;
    return 0;
}
