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
#define FEW_VECTORS 7
#elif defined(__AVX__)
#define LANES 8
#define TILE 6
#define FEW_VECTORS 3
#else
#define LANES 4
#define TILE 6
#define FEW_VECTORS 3
#endif
#define FEW 3
#define PANEL (2 * LANES)
#define MOST 24
#define UNROLL _Pragma("GCC unroll 24")
#define INLINE static inline __attribute__((always_inline))

typedef float vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float anywhere __attribute__((aligned(1), may_alias));

/* Products of bfloat16 come in pairs that are summed in float32: a float then stands for two numbers of a sum. */
#if defined(__AVX512BF16__) && LANES == 16
#include <immintrin.h>
#define HALVES 1
INLINE vector plus(const int halves, vector sum, float left, vector right) {
    if (halves) return (vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_ps(left), (__m512bh)right);
    return sum + left * right;
}

INLINE __m512i rounded(vector v) { return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)v)); }
INLINE vector pair(vector low, vector high) {
    return (vector)_mm512_or_si512(rounded(low), _mm512_slli_epi32(rounded(high), 16));
}

/* Rounds n floats to half their room, which may be where they lie. */
INLINE void halve(void *to, const float *from, int64_t n) {
    uint16_t *half = to;
    for (int64_t i = 0; i < n; i += LANES) {
        __mmask16 there = n - i >= LANES ? 0xffff : (__mmask16)((1 << (n - i)) - 1);
        _mm256_mask_storeu_epi16(half + i, there, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(there, from + i)));
    }
}

/* Pairs each float in place with the one that lies `apart` behind it, 0 behind the last. */
static void pair_up(float *a, int64_t n, int64_t apart) {
    for (int64_t i = 0; i < n; i += LANES) {
        int64_t left = n - apart - i;
        __mmask16 there = left >= LANES ? 0xffff : left <= 0 ? 0 : (__mmask16)((1 << left) - 1);
        *(vector *)(a + i) = pair(*(const vector *)(a + i), (vector)_mm512_maskz_loadu_ps(there, a + i + apart));
    }
}

/* Pairs the places of each row of panels in place; where k is large, 16 rows of zeros follow, which tiles read. */
static void pair_places(float *b, int64_t rows, int64_t k, int64_t columns) {
    float *to = b;
    int64_t width = 0;
    for (int64_t n = 0; n < columns; n += PANEL) {
        width = columns - n > LANES ? PANEL : LANES;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < k; b += (j + 1 < k ? 2 : 1) * width, j += 2)
                for (int64_t i = 0; i < width; i += LANES, to += LANES)
                    *(vector *)to = pair(*(const vector *)(b + i), j + 1 < k ? *(const vector *)(b + width + i) : (vector){0});
    }
    if (k > 2 * LANES) memset(to, 0, sizeof(float) * LANES * width);
}
#else
#define HALVES 0
INLINE vector plus(const int halves, vector sum, float left, vector right) {
    (void)halves;
    return sum + left * right;
}
INLINE void halve(void *to, const float *from, int64_t n) { (void)to, (void)from, (void)n; }
static void pair_up(float *a, int64_t n, int64_t apart) { (void)a, (void)n, (void)apart; }
static void pair_places(float *b, int64_t rows, int64_t k, int64_t columns) { (void)b, (void)rows, (void)k, (void)columns; }
#endif

INLINE int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
INLINE vector at_vector(const float *p) { return *(const vector *)p; }
INLINE void put(float *p, vector v) { *(vector *)p = v; }

/* Exchanges rows and lanes: after the step of width h, rows and lanes that differ in h alone have changed places. */
#if defined(__GNUC__) && !defined(__clang__)
typedef int32_t order __attribute__((vector_size(4 * LANES)));
INLINE void transpose(vector *row) {
    UNROLL for (int h = 1; h < LANES; h *= 2) {
        order low, high;
        for (int l = 0; l < LANES; l++) low[l] = l & h ? LANES + l - h : l, high[l] = l & h ? LANES + l : l + h;
        UNROLL for (int i = 0; i < LANES; i++) {
            if (i & h) continue;
            vector a = row[i], b = row[i + h];
            row[i] = __builtin_shuffle(a, b, low), row[i + h] = __builtin_shuffle(a, b, high);
        }
    }
}
#else
INLINE void transpose(vector *row) {
    float turned[LANES][LANES];
    for (int i = 0; i < LANES; i++)
        for (int l = 0; l < LANES; l++) turned[l][i] = row[i][l];
    for (int i = 0; i < LANES; i++) row[i] = at_vector(turned[i]);
}
#endif

/* Where a pixel, or several side by side, is computed from, where it goes, and how many numbers of it are wanted. */
struct pixel {
    int32_t from, to, count;
};

/* Pixels of two images in step: of each row of each image `width` places, `u_step` and `v_step` numbers apart. */
struct walk {
    int64_t images, height, width;
    int64_t u_image, u_row, u_step;
    int64_t v_image, v_row, v_step;
};

#include "tiles.h"

/* tile[p][n] = sum over rows r and k of a[at[p].from + r stride + k] b[r][k][n]; TILE pixels, `vectors` of lanes. Of
 * halves, k counts pairs. */
INLINE void product(const int vectors, const int halves, const float *a, const struct pixel *at, int64_t rows, int64_t stride, int64_t k,
                    const float *b, float *tile) {
    vector sum[2 * TILE];
    UNROLL for (int i = 0; i < TILE * vectors; i++) sum[i] = (vector){0};
    for (int64_t r = 0; r < rows; r++) {
        const anywhere *from[TILE];
        UNROLL for (int p = 0; p < TILE; p++)
            from[p] = (const anywhere *)((const char *)a + (halves ? 2 : 4) * (at[p].from + r * stride));
        for (int64_t j = 0; j < k; j++, b += LANES * vectors) {
            vector right[2];
            UNROLL for (int v = 0; v < vectors; v++) right[v] = *(const vector *)(b + LANES * v);
            UNROLL for (int p = 0; p < TILE; p++)
                UNROLL for (int v = 0; v < vectors; v++) sum[p * vectors + v] = plus(halves, sum[p * vectors + v], from[p][j], right[v]);
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

/* c[at.to + n] = bias[n] + sum a b, or += without a bias, for all pixels; b in panels as `packed` has them. Halves are as
 * `halve` and `pair_places` have left them. */
static void multiply(const float *a, const struct pixel *at, int64_t pixels, int64_t rows, int64_t stride, int64_t k,
                     const float *b, int64_t n, const float *bias, int add, float *c, int halves, int threads) {
    if (halves) k = (k + 1) / 2;
    const int64_t tiles = halves && has_tiles(), together = tiles ? 2 * SIDE : TILE, times = divided_up(k, SIDE);
    const int64_t depth = divided_up(k, times);
    for (int64_t first = 0; first < n; first += PANEL) {
        int vectors = n - first > LANES ? 2 : 1;
        int64_t wanted = n - first < PANEL ? n - first : PANEL;
        const float *offset = bias ? bias + first : 0;
        _Pragma("omp parallel num_threads(threads) if (threads > 1 && pixels * rows * k > 20000)")
        {
            if (tiles) shape_tiles(depth);
            _Pragma("omp for")
            for (int64_t p = 0; p < pixels; p += together) {
                float tile[2 * SIDE * PANEL];
                struct pixel last[2 * SIDE];
                const struct pixel *here = at + p;
                int many = (int)(pixels - p < together ? pixels - p : together);
                if (many < together) {
                    for (int i = 0; i < together; i++) last[i] = at[p + (i < many ? i : 0)];
                    here = last;
                }
                if (tiles && vectors == 2)
                    product_by_tiles(2, (const uint16_t *)a, here, rows, stride, k, depth, b, tile);
                else if (tiles)
                    product_by_tiles(1, (const uint16_t *)a, here, rows, stride, k, depth, b, tile);
                else if (vectors == 2 && halves)
                    product(2, HALVES, a, here, rows, stride, k, b, tile);
                else if (vectors == 2)
                    product(2, 0, a, here, rows, stride, k, b, tile);
                else if (halves)
                    product(1, HALVES, a, here, rows, stride, k, b, tile);
                else
                    product(1, 0, a, here, rows, stride, k, b, tile);
                store(tile, LANES * vectors, here, many, first, wanted, offset, add, c);
            }
            if (tiles) release_tiles();
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

/* sum[i][j] += sum over pixels of u[i] v[j], for a tile of i and vectors of j. */
INLINE void outer(const int tall, const int vectors, const int halves, const float *u, const float *v, const struct walk *w,
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
                    UNROLL for (int j = 0; j < vectors; j++) part[i * vectors + j] = plus(halves, part[i * vectors + j], left[i], each[j]);
            }
        }
    float found[MOST * LANES];
    UNROLL for (int i = 0; i < tall * vectors; i++) *(vector *)(found + LANES * i) = part[i];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) sum[i * stride + j] += found[i * LANES * vectors + j];
}

/* sum[i][j] += sum over pixels of u[i] v[j]; u and v may be read up to a tile beyond their numbers. Of halves, u and v are
 * pairs of pixels. */
static void correlate(const float *u, int64_t rows, const float *v, int64_t columns, const struct walk *w, float *sum,
                      int64_t stride, int halves, int threads) {
    int few = rows <= FEW;
    int64_t tall = few ? FEW : TILE;
    int64_t wide = few ? FEW_VECTORS * LANES : columns > LANES ? PANEL : LANES;
    int64_t across = (columns + wide - 1) / wide, down = (rows + tall - 1) / tall;
    _Pragma("omp parallel for num_threads(threads) if (threads > 1 && across * down > 1)")
    for (int64_t tile = 0; tile < across * down; tile++) {
        int64_t i = tile / across * tall, j = tile % across * wide;
        int64_t r = rows - i < tall ? rows - i : tall, c = columns - j < wide ? columns - j : wide;
        float *to = sum + i * stride + j;
        if (few && halves)
            outer(FEW, FEW_VECTORS, HALVES, u + i, v + j, w, r, c, to, stride);
        else if (few)
            outer(FEW, FEW_VECTORS, 0, u + i, v + j, w, r, c, to, stride);
        else if (c > LANES && halves)
            outer(TILE, 2, HALVES, u + i, v + j, w, r, c, to, stride);
        else if (c > LANES)
            outer(TILE, 2, 0, u + i, v + j, w, r, c, to, stride);
        else if (halves)
            outer(TILE, 1, HALVES, u + i, v + j, w, r, c, to, stride);
        else
            outer(TILE, 1, 0, u + i, v + j, w, r, c, to, stride);
    }
}
