/* Products of bfloat16 by AMX, whose registers are tiles of 16 rows of 64 bytes: the two products of `products.h`.
 *
 * A right tile holds pairs of numbers that are summed in its rows, as panels and pairs of pixels have them. A left tile
 * holds a pixel in each row, or a channel of 32 pixels. Rows that lie evenly apart are read where they lie; others are
 * copied together.
 */
#define SIDE 16    /* rows of a tile, and floats or pairs of a row */
#define BATCH 256  /* pairs of pixels whose channels are in rows at a time */

#if HALVES && defined(__AMX_BF16__) && defined(__linux__) && !defined(WITHOUT_TILES)
long syscall(long number, ...);

/* Whether the system lets this process use tiles, which a process must ask for. */
static int has_tiles(void) {
    static int known = -1;
    const long arch_prctl = 158, ask_for_state = 0x1023, of_tiles = 18;
    if (known < 0) known = syscall(arch_prctl, ask_for_state, of_tiles) == 0;
    return known;
}

/* Begins to use tiles: sums in 0 to 3, left tiles in 4 and 5, right ones in 6 and 7, `depth` pairs deep. */
INLINE void shape_tiles(int64_t depth) {
    struct {
        uint8_t palette, start, unused[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int i = 0; i < 8; i++) shape.bytes[i] = 4 * SIDE, shape.rows[i] = SIDE;
    for (int i = 4; i < 6; i++) shape.bytes[i] = (uint16_t)(4 * depth), shape.rows[i + 2] = (uint8_t)depth;
    _tile_loadconfig(&shape);
}
INLINE void release_tiles(void) { _tile_release(); }
INLINE void zero_sums(void) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

/* Adds left times right to the sums: one or two left tiles below each other, one or two right ones side by side. */
INLINE void add_to_sums(const int tall, const int wide, const void *left, const void *below, int64_t apart, const float *right,
                        int64_t bytes) {
    _tile_loadd(4, left, apart);
    _tile_loadd(6, right, bytes);
    _tile_dpbf16ps(0, 4, 6);
    if (wide == 2) _tile_loadd(7, right + SIDE, bytes);
    if (wide == 2) _tile_dpbf16ps(1, 4, 7);
    if (tall == 2) _tile_loadd(5, below, apart);
    if (tall == 2) _tile_dpbf16ps(2, 5, 6);
    if (tall == 2 && wide == 2) _tile_dpbf16ps(3, 5, 7);
}

INLINE void store_sums(const int tall, const int wide, float *to) {
    int64_t bytes = 4 * SIDE * wide;
    _tile_stored(0, to, bytes);
    if (wide == 2) _tile_stored(1, to + SIDE, bytes);
    if (tall == 2) _tile_stored(2, to + SIDE * SIDE * wide, bytes);
    if (tall == 2 && wide == 2) _tile_stored(3, to + SIDE * SIDE * wide + SIDE, bytes);
}

/* As `product`, of two tiles of pixels; k counts pairs. Behind the panels follow zeros for a tile. */
INLINE void product_by_tiles(const int vectors, const uint16_t *a, const struct pixel *at, int64_t rows, int64_t stride,
                             int64_t k, int64_t depth, const float *b, float *tile) {
    // Pixels of one row of an image lie evenly apart; others are copied together.
    int64_t step = at[1].from - at[0].from, even = 1;
    UNROLL for (int p = 2; p < 2 * SIDE; p++) even &= p == SIDE || at[p].from - at[p - 1].from == step;
    zero_sums();
    for (int64_t r = 0; r < rows; r++, a += stride)
        for (int64_t j = 0; j < k; j += depth) {
            int64_t pairs = k - j < depth ? k - j : depth;
            const float *next = b + pairs * SIDE * vectors;
            if (even && pairs == depth) {
                UNROLL for (int p = 0; p < SIDE * vectors; p++) _mm_prefetch((const char *)(next + p * SIDE), _MM_HINT_T0);
                add_to_sums(2, vectors, a + at[0].from + 2 * j, a + at[SIDE].from + 2 * j, 2 * step, b, 4 * SIDE * vectors);
            } else {
                float left[2 * SIDE * SIDE];
                __mmask16 there = (__mmask16)((1u << pairs) - 1);
                UNROLL for (int p = 0; p < 2 * SIDE; p++) {
                    if (p < SIDE * vectors) _mm_prefetch((const char *)(next + p * SIDE), _MM_HINT_T0);
                    _mm512_storeu_ps(left + p * SIDE, _mm512_maskz_loadu_ps(there, a + at[p].from + 2 * j));
                }
                add_to_sums(2, vectors, left, left + SIDE * SIDE, 4 * SIDE, b, 4 * SIDE * vectors);
            }
            b = next;
        }
    store_sums(2, vectors, tile);
}

/* Where the next pairs of a walk lie in both images, at most BATCH; returns how many there are. */
static int64_t next_pairs(const struct walk *w, int64_t first, int64_t *u, int64_t *v) {
    int64_t found = 0, x = first % w->width, y = first / w->width % w->height, n = first / w->width / w->height;
    for (; n < w->images && found < BATCH; found++) {
        u[found] = n * w->u_image + y * w->u_row + x * w->u_step;
        v[found] = n * w->v_image + y * w->v_row + x * w->v_step;
        if (++x == w->width) x = 0, y++;
        if (y == w->height) y = 0, n++;
    }
    return found;
}

/* Channels of v in rows, 16 pairs of pixels in each, and 0 where there are none: `tall` tiles of channels below each other,
 * for all pixels, then the next channels. */
static void turn_pairs(const int tall, const float *v, int64_t columns, const int64_t *at, int64_t pairs, float *turned) {
    for (int64_t j = 0; j < columns; j += tall * SIDE)
        for (int64_t p = 0; p < pairs; p += SIDE)
            for (int t = 0; t < tall; t++, turned += SIDE * SIDE) {
                vector row[LANES];
                for (int l = 0; l < SIDE; l++) row[l] = p + l < pairs ? at_vector(v + at[p + l] + j + t * SIDE) : (vector){0};
                transpose(row);
                for (int l = 0; l < SIDE; l++) put(turned + l * SIDE, row[l]);
            }
}

/* sum[i][j] += found[j][i], of `tall` tiles below each other and two side by side. */
static void add_turned(const int tall, const float *found, int64_t rows, int64_t columns, float *sum, int64_t stride) {
    for (int t = 0; t < 2 * tall; t++) {
        int64_t i = t % 2 * SIDE, j = t / 2 * SIDE, many = columns - j < SIDE ? columns - j : SIDE;
        vector row[LANES];
        UNROLL for (int l = 0; l < SIDE; l++) row[l] = at_vector(found + (j + l) * 2 * SIDE + i);
        transpose(row);
        for (int l = 0; l < SIDE && i + l < rows; l++) {
            float *to = sum + (i + l) * stride + j;
            if (many == SIDE)
                put(to, at_vector(to) + row[l]);
            else
                for (int64_t n = 0; n < many; n++) to[n] += row[l][n];
        }
    }
}

/* sum[y][i][j] += sum over pairs of pixels of u[i] v[j], for rows y of a kernel, whose u lie `apart`. u and v may be read up
 * to 32 numbers beyond; `turned` has room for BATCH pairs of v. */
INLINE void correlate_tall(const int tall, const float *u, int64_t rows, int64_t k, int64_t apart, const float *v,
                           int64_t columns, const struct walk *w, float *sum, float *turned, int threads) {
    int64_t across = divided_up(rows, 2 * SIDE), at_u[BATCH], at_v[BATCH], pairs;
    for (int64_t first = 0; (pairs = next_pairs(w, first, at_u, at_v)) > 0; first += pairs) {
        int64_t deep = divided_up(pairs, SIDE);
        turn_pairs(tall, v, columns, at_v, pairs, turned);
        _Pragma("omp parallel for num_threads(threads) if (threads > 1 && k * across > 1)")
        for (int64_t block = 0; block < k * across; block++) {
            int64_t y = block / across, i = block % across * 2 * SIDE;
            float copied[BATCH * 2 * SIDE], found[4 * SIDE * SIDE];
            const float *from = u + y * apart + i, *left = turned, *right[BATCH / SIDE];
            int64_t bytes[BATCH / SIDE];
            for (int64_t d = 0; d < deep; d++) {
                // Pairs of one row of pixels lie evenly apart; others are copied together.
                const int64_t *at = at_u + d * SIDE, there = pairs - d * SIDE;
                const int64_t step = there >= SIDE && w->width >= SIDE ? at[1] - at[0] : 0;
                if (step && at[SIDE - 1] - at[0] == (SIDE - 1) * step) {
                    right[d] = from + at[0], bytes[d] = 4 * step;
                    continue;
                }
                float *to = copied + d * 2 * SIDE * SIDE;
                for (int64_t p = 0; p < SIDE; p++)
                    for (int l = 0; l < 2; l++)
                        put(to + (2 * p + l) * SIDE, p < there ? at_vector(from + at[p] + l * SIDE) : (vector){0});
                right[d] = to, bytes[d] = 8 * SIDE;
            }
            shape_tiles(SIDE);
            for (int64_t j = 0; j < columns; j += tall * SIDE) {
                zero_sums();
                for (int64_t d = 0; d < deep; d++, left += tall * SIDE * SIDE)
                    add_to_sums(tall, 2, left, left + SIDE * SIDE, 4 * SIDE, right[d], bytes[d]);
                store_sums(tall, 2, found);
                add_turned(tall, found, rows - i, columns - j, sum + (y * rows + i) * columns + j, columns);
            }
            release_tiles();
        }
    }
}

static void correlate_by_tiles(const float *u, int64_t rows, int64_t k, int64_t apart, const float *v, int64_t columns,
                               const struct walk *w, float *sum, float *turned, int threads) {
    if (columns > SIDE)
        correlate_tall(2, u, rows, k, apart, v, columns, w, sum, turned, threads);
    else
        correlate_tall(1, u, rows, k, apart, v, columns, w, sum, turned, threads);
}
#else
static int has_tiles(void) { return 0; }
INLINE void shape_tiles(int64_t depth) { (void)depth; }
INLINE void release_tiles(void) {}
INLINE void product_by_tiles(const int vectors, const uint16_t *a, const struct pixel *at, int64_t rows, int64_t stride,
                             int64_t k, int64_t depth, const float *b, float *tile) {
    (void)vectors, (void)a, (void)at, (void)rows, (void)stride, (void)k, (void)depth, (void)b, (void)tile;
}
static void correlate_by_tiles(const float *u, int64_t rows, int64_t k, int64_t apart, const float *v, int64_t columns,
                               const struct walk *w, float *sum, float *turned, int threads) {
    (void)u, (void)rows, (void)k, (void)apart, (void)v, (void)columns, (void)w, (void)sum, (void)turned, (void)threads;
}
#endif
