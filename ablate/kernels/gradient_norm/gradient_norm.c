// A penalty on the norms of gradients g_n, one an image, and its derivative by them.
//
//     s_n = ||g_n||^2,   P = 1/N sum_n cost(s_n),   dP/dg_n = 2/N cost'(s_n) g_n
//     SQUARED   cost(s) = s
//     ONE       cost(s) = (sqrt(s + tiny) - 1)^2,   cost'(s) = 1 - 1 / sqrt(s + tiny)
#include <math.h>
#include <stdint.h>

enum { SQUARED, ONE };
enum { BLOCK = 512 };

void gradient_norm(
    const float *g, float *derivative, int64_t images, int64_t size, int64_t cost, double tiny, int threads,
    double *costs, float *value) {
#pragma omp parallel for num_threads(threads) if (threads > 1) schedule(static)
    for (int64_t n = 0; n < images; n++) {
        const float *image = g + n * size;
        double squared = 0;
        for (int64_t start = 0; start < size; start += BLOCK) {
            const int64_t stop = size - start < BLOCK ? size : start + BLOCK;
            float sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int64_t i = start; i < stop; i++) sum += image[i] * image[i];
            squared += sum;
        }
        const double norm = sqrt(squared + tiny);
        costs[n] = cost == SQUARED ? squared : (norm - 1) * (norm - 1);
        const float scale = (float)(2 / (double)images * (cost == SQUARED ? 1 : 1 - 1 / norm));
        float *out = derivative + n * size;
#pragma omp simd
        for (int64_t i = 0; i < size; i++) out[i] = scale * image[i];
    }
    double total = 0;
    for (int64_t n = 0; n < images; n++) total += costs[n];
    *value = (float)(total / (double)images);
}
