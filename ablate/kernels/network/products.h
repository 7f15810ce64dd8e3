/* The arithmetic of convolutions over images with the channels as the fastest dimension (N, H, W, C).
 *
 * In a row of such an image the pixels below a kernel's row lie one after another: each row of a kernel is a product of
 * matrices whose left one is read where it lies, overlapping itself. Widths are those at which the accumulators fill a
 * core's registers.
 */
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define LANES 16
#define TILE 12
#define FEW_VECTORS 4
#elif defined(__AVX__)
#define LANES 8
#define TILE 6
#define FEW_VECTORS 2
#else
#define LANES 4
#define TILE 6
#define FEW_VECTORS 2
#endif
#define FEW 4
#define PANEL (2 * LANES)
#define MOST 24
#define UNROLL _Pragma("GCC unroll 24")
#define INLINE static inline __attribute__((always_inline))

typedef float vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* Where a pixel, or several side by side, is computed from, where it goes, and how many numbers of it are wanted. */
struct pixel {
    int32_t from, to, count;
};

/* tile[p][n] = sum over rows r and k of a[at[p].from + r stride + k] b[r][k][n]; TILE pixels, `vectors` of lanes. */
INLINE void product(const int vectors, const float *a, const struct pixel *at, int64_t rows, int64_t stride, int64_t k,
                    const float *b, float *tile) {
    vector sum[2 * TILE];
    UNROLL for (int i = 0; i < TILE * vectors; i++) sum[i] = (vector){0};
    for (int64_t r = 0; r < rows; r++) {
        const float *from[TILE];
        UNROLL for (int p = 0; p < TILE; p++) from[p] = a + at[p].from + r * stride;
        for (int64_t j = 0; j < k; j++, b += LANES * vectors) {
            vector right[2];
            UNROLL for (int v = 0; v < vectors; v++) right[v] = *(const vector *)(b + LANES * v);
            UNROLL for (int p = 0; p < TILE; p++)
                UNROLL for (int v = 0; v < vectors; v++) sum[p * vectors + v] += from[p][j] * right[v];
        }
    }
    UNROLL for (int i = 0; i < TILE * vectors; i++) *(vector *)(tile + LANES * i) = sum[i];
}

INLINE void store(const float *tile, int width, const struct pixel *at, int pixels, int64_t first, int64_t n,
                  const float *bias, int add, float *c) {
    for (int p = 0; p < pixels; p++) {
        int64_t count = at[p].count - first < n ? at[p].count - first : n;
        float *to = c + at[p].to + first;
        const float *from = tile + p * width;
        if (add)
            for (int64_t i = 0; i < count; i++) to[i] += from[i];
        else if (bias)
            for (int64_t i = 0; i < count; i++) to[i] = from[i] + bias[i];
        else
            for (int64_t i = 0; i < count; i++) to[i] = from[i];
    }
}

/* c[at.to + n] = bias[n] + sum a b, or += without a bias, for all pixels; b in panels as `packed` has them. */
static void multiply(const float *a, const struct pixel *at, int64_t pixels, int64_t rows, int64_t stride, int64_t k,
                     const float *b, int64_t n, const float *bias, int add, float *c, int threads) {
    for (int64_t first = 0; first < n; first += PANEL) {
        int vectors = n - first > LANES ? 2 : 1;
        int64_t wanted = n - first < PANEL ? n - first : PANEL;
        const float *offset = bias ? bias + first : 0;
        _Pragma("omp parallel for num_threads(threads) if (threads > 1 && pixels * rows * k > 20000)")
        for (int64_t p = 0; p < pixels; p += TILE) {
            float tile[TILE * PANEL];
            struct pixel here[TILE];
            int many = pixels - p < TILE ? (int)(pixels - p) : TILE;
            for (int i = 0; i < TILE; i++) here[i] = at[p + (i < many ? i : 0)];
            if (vectors == 2)
                product(2, a, here, rows, stride, k, b, tile);
            else
                product(1, a, here, rows, stride, k, b, tile);
            store(tile, LANES * vectors, here, many, first, wanted, offset, add, c);
        }
        b += rows * k * vectors * LANES;
    }
}

/* Where the weight of row r, place k and column n stands in the panels of a right matrix with n_all columns. */
INLINE int64_t packed(int64_t rows, int64_t k_all, int64_t n_all, int64_t r, int64_t k, int64_t n) {
    int64_t panel = n / PANEL, inside = n % PANEL;
    int64_t width = n_all - panel * PANEL > LANES ? PANEL : LANES;
    return panel * PANEL * rows * k_all + (r * k_all + k) * width + inside;
}

static int64_t packed_size(int64_t rows, int64_t k, int64_t n) {
    return rows * k * ((n + LANES - 1) / LANES) * LANES;
}

/* Pixels of two images in step: of each row of each image `width` places, `u_step` and `v_step` numbers apart. */
struct walk {
    int64_t images, height, width;
    int64_t u_image, u_row, u_step;
    int64_t v_image, v_row, v_step;
};

/* sum[i][j] += sum over pixels of u[i] v[j], for a tile of i and vectors of j. */
INLINE void outer(const int tall, const int vectors, const float *u, const float *v, const struct walk *w,
                  int64_t rows, int64_t columns, float *sum, int64_t stride) {
    vector part[MOST];
    UNROLL for (int i = 0; i < tall * vectors; i++) part[i] = (vector){0};
    for (int64_t n = 0; n < w->images; n++)
        for (int64_t y = 0; y < w->height; y++) {
            const float *left = u + n * w->u_image + y * w->u_row, *right = v + n * w->v_image + y * w->v_row;
            for (int64_t x = 0; x < w->width; x++, left += w->u_step, right += w->v_step) {
                vector each[FEW_VECTORS];
                UNROLL for (int j = 0; j < vectors; j++) each[j] = *(const vector *)(right + LANES * j);
                UNROLL for (int i = 0; i < tall; i++)
                    UNROLL for (int j = 0; j < vectors; j++) part[i * vectors + j] += left[i] * each[j];
            }
        }
    float found[MOST * LANES];
    UNROLL for (int i = 0; i < tall * vectors; i++) *(vector *)(found + LANES * i) = part[i];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) sum[i * stride + j] += found[i * LANES * vectors + j];
}

/* sum[i][j] += sum over pixels of u[i] v[j]; u and v may be read up to a tile beyond their numbers. */
static void correlate(const float *u, int64_t rows, const float *v, int64_t columns, const struct walk *w, float *sum,
                      int64_t stride, int threads) {
    int few = rows <= FEW;
    int64_t tall = few ? FEW : TILE;
    int64_t wide = few ? FEW_VECTORS * LANES : columns > LANES ? PANEL : LANES;
    int64_t across = (columns + wide - 1) / wide, down = (rows + tall - 1) / tall;
    _Pragma("omp parallel for num_threads(threads) if (threads > 1 && across * down > 1)")
    for (int64_t tile = 0; tile < across * down; tile++) {
        int64_t i = tile / across * tall, j = tile % across * wide;
        int64_t r = rows - i < tall ? rows - i : tall, c = columns - j < wide ? columns - j : wide;
        float *to = sum + i * stride + j;
        if (few)
            outer(FEW, FEW_VECTORS, u + i, v + j, w, r, c, to, stride);
        else if (c > LANES)
            outer(TILE, 2, u + i, v + j, w, r, c, to, stride);
        else
            outer(TILE, 1, u + i, v + j, w, r, c, to, stride);
    }
}
