/* A whole sequence of each recurrence in one call, forward and backward.

   `at` lists the arrays. Those of a state hold one row for each sequence, and are written over at each step; those of a
   trace hold one row for each sequence of each step, step behind step: `sizes[t]` sequences are there at step t. A row
   holds its gates one behind the other. One line of a step is one equation of the book, with its label.
   setup.py compiles it once for float and once for double, by -D real=float and -D real=double. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <sys/mman.h>
#endif

const uint32_t made_from = MADE_FROM; /* the CRC-32 of this file */

/* Part one: what happens between two products. */

/* e^x = 2^n e^r with |r| below ln(2)/2, e^r by Taylor's series. A loop over it can be vectorised, one over the C
   library's exp cannot. x + MAGIC has the nearest whole number in its last bits; ln 2 is LN2_HIGH + LN2_LOW. */
#define float_bits int32_t
#define double_bits int64_t
#define JOIN(a, b) a##b
#define BITS(real) JOIN(real, _bits)
typedef BITS(real) bits;
#define WIDE (sizeof(real) == 8)
#define TERMS (WIDE ? 14 : 7)
#define MANTISSA (WIDE ? 52 : 23)
#define BIAS (WIDE ? 1023 : 127)
#define MAGIC ((real)(WIDE ? 6755399441055744.0 : 12582912.0))
#define LN2_HIGH ((real)(WIDE ? 6.93147180369123816490e-01 : 0.693145751953125))
#define LN2_LOW ((real)(WIDE ? 1.90821492927058770002e-10 : 1.428606820309417e-06))
#define LARGEST ((real)(WIDE ? 708 : 87))

static const real one_over_factorial[] = {
    1, 1, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800,
    1. / 39916800, 1. / 479001600, 1. / 6227020800, 1. / 87178291200,
};

static inline real exponential(real x) {
    x = x < -LARGEST ? -LARGEST : x;
    x = x > LARGEST ? LARGEST : x;
    real shifted = x * (real)1.4426950408889634 + MAGIC;
    real n = shifted - MAGIC;
    real r = x - n * LN2_HIGH - n * LN2_LOW;
    real series = 0;
#pragma GCC unroll 16
    for (int k = TERMS; k >= 0; k--)
        series = series * r + one_over_factorial[k];
    bits whole;
    real power; /* 2^n, made from n in its exponent's place */
    memcpy(&whole, &shifted, sizeof whole);
    whole = (bits)((uint64_t)(whole + BIAS) << MANTISSA);
    memcpy(&power, &whole, sizeof power);
    return series * power;
}

static inline real sigmoid(real x) { return 1 / (1 + exponential(-x)); }
static inline real tanh_(real x) { return 2 / (1 + exponential(-2 * x)) - 1; }

#define ROWS for (long row = first; row < last; row++)
#define STATE(k, gates) (at[k] + row * (gates)*H)
#define TRACE(k, gates) (at[k] + (start + row) * (gates)*H)
#define PRODUCT (product + (row - first) * width)
#define DA(gates) (da + (row - first) * (gates)*H)
#ifdef __clang__ /* no unit reads what another one writes; neither compiler can know it */
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
#define EVERY_UNIT INDEPENDENT for (long j = 0; j < H; j++)
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define VERSIONS /* for the processors of every age, the newest that the machine can run */
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline)) /* so that each version below has its own */
/* One step of the rows first ... last - 1. Their product with W_hh stands in rows of this width; going back, it comes
   from the step behind, and `da` takes what the next product is made of. Row `start` of a trace begins the step. */
#define OF_A_STEP \
    real *const *at, real *product, long width, real *da, long first, long last, long start, long H

INLINE void rnn_forward_step(OF_A_STEP, int relu) {
    ROWS {
        const real *restrict a = PRODUCT;
        real *restrict h = STATE(1, 1), *restrict h_prev = TRACE(3, 1), *restrict out = TRACE(4, 1);
        real *restrict u = TRACE(2, 1); /* written over with h */
        EVERY_UNIT {
            real sum = u[j] + a[j];                                                      /* eq-rnn-preactivation */
            h_prev[j] = h[j];
            h[j] = u[j] = out[j] = relu ? (sum < 0 ? 0 : sum) : tanh_(sum);              /* eq-rnn-hidden */
        }
    }
}

INLINE void rnn_backward_step(OF_A_STEP, int relu) {
    ROWS {
        const real *restrict h = TRACE(2, 1), *restrict dh_out = TRACE(3, 1);
        real *restrict back = PRODUCT, *restrict da_t = DA(1);
        EVERY_UNIT {
            real dh = back[j] + dh_out[j];                                               /* eq-rnn-back-hidden */
            real slope = relu ? (h[j] > 0 ? 1 : 0) : 1 - h[j] * h[j];
            da_t[j] = slope * dh, back[j] = 0;                                            /* eq-rnn-back-preactivation */
        }
    }
}

INLINE void rnn_tanh_forward_step(OF_A_STEP) { rnn_forward_step(at, product, width, da, first, last, start, H, 0); }
INLINE void rnn_relu_forward_step(OF_A_STEP) { rnn_forward_step(at, product, width, da, first, last, start, H, 1); }
INLINE void rnn_tanh_backward_step(OF_A_STEP) { rnn_backward_step(at, product, width, da, first, last, start, H, 0); }
INLINE void rnn_relu_backward_step(OF_A_STEP) { rnn_backward_step(at, product, width, da, first, last, start, H, 1); }

INLINE void gru_forward_step(OF_A_STEP) {
    const real *restrict b_hh = at[6];
    ROWS {
        const real *restrict v = PRODUCT;
        real *restrict h = STATE(1, 1), *restrict gate = TRACE(2, 3); /* u, written over with r, z, n */
        real *restrict h_prev = TRACE(3, 1), *restrict v_ns = TRACE(4, 1), *restrict out = TRACE(5, 1);
        EVERY_UNIT {
            real v_n = v[2 * H + j] + b_hh[2 * H + j];                                   /* eq-gru-from-hidden */
            real r = sigmoid(gate[j] + v[j] + b_hh[j]);                                  /* eq-gru-reset */
            real z = sigmoid(gate[H + j] + v[H + j] + b_hh[H + j]);                      /* eq-gru-update */
            real n = tanh_(gate[2 * H + j] + r * v_n);                                   /* eq-gru-candidate */
            h_prev[j] = h[j];
            gate[j] = r, gate[H + j] = z, gate[2 * H + j] = n, v_ns[j] = v_n;
            h[j] = out[j] = (1 - z) * n + z * h[j];                                      /* eq-gru-hidden */
        }
    }
}

INLINE void gru_backward_step(OF_A_STEP) {
    ROWS {
        const real *restrict gate = TRACE(2, 3), *restrict h_prev = TRACE(3, 1), *restrict v_ns = TRACE(4, 1);
        const real *restrict dh_out = TRACE(5, 1);
        real *restrict back = PRODUCT, *restrict dv = DA(3), *restrict du = TRACE(6, 3), *restrict dv_n = TRACE(7, 1);
        EVERY_UNIT {
            real r = gate[j], z = gate[H + j], n = gate[2 * H + j];
            real dh = back[j] + dh_out[j];                                               /* eq-gru-back-hidden */
            real da_n = dh * (1 - z) * (1 - n * n);                                      /* eq-gru-back-candidate */
            real da_z = dh * (h_prev[j] - n) * z * (1 - z);                              /* eq-gru-back-update */
            real da_r = da_n * v_ns[j] * r * (1 - r);                                    /* eq-gru-back-reset */
            du[j] = dv[j] = da_r, du[H + j] = dv[H + j] = da_z, du[2 * H + j] = da_n;
            dv[2 * H + j] = dv_n[j] = r * da_n;                                          /* eq-gru-back-from-hidden */
            back[j] = z * dh;                                                            /* eq-gru-back-state */
        }
    }
}

INLINE void lstm_forward_step(OF_A_STEP) {
    ROWS {
        const real *restrict a = PRODUCT;
        real *restrict h = STATE(1, 1), *restrict c = STATE(2, 1);
        real *restrict gate = TRACE(3, 4); /* u, written over with i, f, g, o */
        real *restrict h_prev = TRACE(4, 1), *restrict c_prev = TRACE(5, 1);
        real *restrict out = TRACE(6, 1);
        EVERY_UNIT {
            real i = sigmoid(gate[j] + a[j]);                /* eq-lstm-input */
            real f = sigmoid(gate[H + j] + a[H + j]);        /* eq-lstm-forget */
            real g = tanh_(gate[2 * H + j] + a[2 * H + j]);  /* eq-lstm-candidate */
            real o = sigmoid(gate[3 * H + j] + a[3 * H + j]);   /* eq-lstm-output */
            h_prev[j] = h[j], c_prev[j] = c[j];
            gate[j] = i, gate[H + j] = f, gate[2 * H + j] = g, gate[3 * H + j] = o;
            real c_new = f * c[j] + i * g;                   /* eq-lstm-carry */
            c[j] = c_new;
            h[j] = out[j] = o * tanh_(c_new);                /* eq-lstm-hidden */
        }
    }
}

INLINE void lstm_backward_step(OF_A_STEP) {
    ROWS {
        const real *restrict gate = TRACE(3, 4), *restrict c_prev = TRACE(4, 1), *restrict dh_out = TRACE(5, 1);
        real *restrict back = PRODUCT, *restrict dc_next = STATE(2, 1), *restrict da_t = DA(4);
        EVERY_UNIT {
            real i = gate[j], f = gate[H + j], g = gate[2 * H + j], o = gate[3 * H + j];
            real tanh_c = tanh_(f * c_prev[j] + i * g);
            real dh = back[j] + dh_out[j];                                               /* eq-lstm-back-hidden */
            real dc = dc_next[j] + dh * o * (1 - tanh_c * tanh_c);                       /* eq-lstm-back-carry */
            da_t[j] = dc * g * i * (1 - i);                                                /* eq-lstm-back-input */
            da_t[H + j] = dc * c_prev[j] * f * (1 - f);                                    /* eq-lstm-back-forget */
            da_t[2 * H + j] = dc * i * (1 - g * g);                                        /* eq-lstm-back-candidate */
            da_t[3 * H + j] = dh * tanh_c * o * (1 - o);                                   /* eq-lstm-back-output */
            dc_next[j] = dc * f;                                                         /* eq-lstm-back-carry-next */
            back[j] = 0;
        }
    }
}

/* Part two: the product. C (rows, N) = or += A (rows, K) W (K, N), where W is packed: its columns in panels of a few
   vectors, so that a panel is read from its beginning to its end, while the sums of a tile of C stay in registers. */

#define LANES ((long)(64 / sizeof(real))) /* of what is called a vector: 64 bytes, AVX-512's, or four of NEON's */

struct panels {
    real *first;   /* panel behind panel; in each, K times a few vectors, the last one filled up with zeros */
    long K, N;     /* N in vectors */
    long panels;   /* as many vectors in each as in any other, or one more */
};

/* Pack W, whose element (k, j) stands at W[k * step_k + j * step_j]. */
static struct panels pack(const real *W, long K, long N, long step_k, long step_j, int vectors) {
    long whole = (N + LANES - 1) / LANES, at = 0;
    long panels = (whole + vectors - 1) / vectors;
    struct panels packed = {aligned_alloc(64, (size_t)(K * whole * LANES) * sizeof(real)), K, whole, panels};
    for (long panel = 0; panel < panels; panel++) {
        long begin = whole * panel / panels * LANES, end = whole * (panel + 1) / panels * LANES;
        for (long k = 0; k < K; k++)
            for (long j = begin; j < end; j++)
                packed.first[at++] = j < N ? W[k * step_k + j * step_j] : 0;
    }
    return packed;
}

/* A tile in vectors of so many bytes as the processor has: wider ones would be taken apart, through memory. */
#define TILE_IN(bytes)                                                                                               \
    typedef real vector_##bytes __attribute__((vector_size(bytes), aligned(sizeof(real))));                          \
    INLINE void tile_##bytes(const int rows, const int vectors, const real *A, long stride, const real *panel,       \
                             long K, real *C, long width, int add) {                                                 \
        const int lanes = bytes / sizeof(real), columns = vectors * (64 / bytes);                                    \
        vector_##bytes sum[6][4];                                                                                    \
        _Pragma("GCC unroll 6") for (int r = 0; r < rows; r++)                                                       \
            _Pragma("GCC unroll 4") for (int v = 0; v < columns; v++)                                                \
                sum[r][v] = add ? *(vector_##bytes *)(C + r * width + v * lanes) : (vector_##bytes){0};              \
        for (long k = 0; k < K; k++, panel += columns * lanes)                                                       \
            _Pragma("GCC unroll 6") for (int r = 0; r < rows; r++)                                                   \
                _Pragma("GCC unroll 4") for (int v = 0; v < columns; v++)                                            \
                    sum[r][v] += A[r * stride + k] * *(const vector_##bytes *)(panel + v * lanes);                   \
        _Pragma("GCC unroll 6") for (int r = 0; r < rows; r++)                                                       \
            _Pragma("GCC unroll 4") for (int v = 0; v < columns; v++)                                                \
                *(vector_##bytes *)(C + r * width + v * lanes) = sum[r][v];                                          \
    }
TILE_IN(64)
TILE_IN(32)
TILE_IN(16)

#define TILE(b, rows, vectors)                                                                                       \
    case 8 * rows + vectors: tile_##b(rows, vectors, A, stride, panel, p->K, C, width, add); break;
#define TILES(b, vectors) TILE(b, 1, vectors) TILE(b, 2, vectors) TILE(b, 3, vectors)
#define MORE_TILES(b, vectors) TILE(b, 4, vectors) TILE(b, 5, vectors) TILE(b, 6, vectors)
#define PRODUCT_OF(...)                                                                                              \
    (long rows, const real *A, long stride, const struct panels *p, real *C, long width, int add) {                  \
        const real *panel = p->first;                                                                                \
        for (long k = 0; k < p->panels; k++) {                                                                       \
            long vectors = p->N * (k + 1) / p->panels - p->N * k / p->panels;                                        \
            switch (8 * rows + vectors) { __VA_ARGS__ }                                                              \
            panel += vectors * LANES * p->K, C += vectors * LANES;                                                   \
        }                                                                                                            \
    }
typedef void product_function(long, const real *, long, const struct panels *, real *, long, int);

#ifdef VERSIONS
__attribute__((target("arch=x86-64-v4"))) static void product_v4
PRODUCT_OF(TILES(64, 1) TILES(64, 2) TILES(64, 3) TILES(64, 4)
           MORE_TILES(64, 1) MORE_TILES(64, 2) MORE_TILES(64, 3) MORE_TILES(64, 4))
__attribute__((target("arch=x86-64-v3"))) static void product_v3 PRODUCT_OF(TILES(32, 1) TILES(32, 2))
#endif
static void product_base PRODUCT_OF(TILES(16, 1) MORE_TILES(16, 1))

#ifdef __aarch64__
#define BASE_ROWS 6 /* of a tile; as many sums as there are registers */
#else
#define BASE_ROWS 3
#endif
int version = 4; /* the newest that is taken; for tests */

/* Part three: the loop over time. Rows do not see each other: a block of them goes through all steps by itself. */

struct work {
    real *const *at;
    const long *sizes;
    long T, H, start, first, blocks, last; /* blocks of rows: this thread's are first ... last - 1 */
    const struct panels *panels;           /* NULL: the product stands in at[0], of one step */
    product_function *times;
};

INLINE void forward(const struct work *w, long gates, void step(OF_A_STEP)) {
    const struct panels *p = w->panels;
    long H = w->H, B = w->sizes[0], width = p ? p->N * LANES : gates * H;
    real *own = p ? aligned_alloc(64, 6 * width * sizeof(real)) : NULL;
    for (long k = w->first; k < w->last; k++) {
        long begin = B * k / w->blocks, end = B * (k + 1) / w->blocks, start = w->start;
        real *product = p ? own : w->at[0] + begin * width;
        for (long t = 0; t < w->T && w->sizes[t] > begin; start += w->sizes[t++]) {
            long last = w->sizes[t] < end ? w->sizes[t] : end;
            if (p)
                w->times(last - begin, w->at[1] + begin * H, H, p, product, width, 0);
            step(w->at, product, width, NULL, begin, last, start, H);
        }
    }
    free(own);
}

INLINE void backward(const struct work *w, long gates, int das, void step(OF_A_STEP)) {
    const struct panels *p = w->panels;
    long H = w->H, B = w->sizes[0], width = p ? p->N * LANES : H, rows = 0;
    for (long t = 0; t < w->T; t++)
        rows += w->sizes[t];
    real *own = p ? aligned_alloc(64, 6 * (width + gates * width) * sizeof(real)) : NULL;
    for (long k = w->first; k < w->last; k++) {
        long begin = B * k / w->blocks, end = B * (k + 1) / w->blocks, start = w->start + rows;
        real *state = w->at[1] + begin * H, *product = p ? own : state; /* what comes back from the step behind */
        for (long row = 0; p && row < end - begin; row++)
            memcpy(product + row * width, state + row * H, H * sizeof(real));
        for (long t = w->T - 1; t >= 0; t--) {
            start -= w->sizes[t];
            long last = w->sizes[t] < end ? w->sizes[t] : end;
            if (last <= begin)
                continue;
            real *da = das ? w->at[das] + (start + begin) * gates * H : p ? own + 6 * width : w->at[0] + begin * gates * H;
            step(w->at, product, width, da, begin, last, start, H);
            if (p)
                w->times(last - begin, da, gates * H, p, product, width, 1);
        }
        for (long row = 0; p && row < end - begin; row++)
            memcpy(state + row * H, product + row * width, H * sizeof(real));
    }
    free(own);
}

#define MOST_THREADS 64

static void in_threads(void part(const struct work *), struct work w, long threads) {
    struct work parts[MOST_THREADS];
    threads = threads < MOST_THREADS ? threads : MOST_THREADS;
    threads = threads < w.blocks ? threads : w.blocks;
    for (long k = 0; k < threads; k++) {
        parts[k] = w;
        parts[k].first = w.blocks * k / threads, parts[k].last = w.blocks * (k + 1) / threads;
    }
#if defined(__unix__) || defined(__APPLE__)
    pthread_t others[MOST_THREADS];
    int started[MOST_THREADS];
    for (long k = 1; k < threads; k++)
        started[k] = !pthread_create(&others[k], NULL, (void *(*)(void *))(void (*)(void))part, &parts[k]);
    part(&parts[0]);
    for (long k = 1; k < threads; k++)
        if (started[k])
            pthread_join(others[k], NULL);
        else
            part(&parts[k]);
#else
    for (long k = 0; k < threads; k++)
        part(&parts[k]);
#endif
}

static void run(void part(const struct work *), real *const *at, const long *sizes, long T, long start, long H,
                long gates, int back, int packed, long threads) {
    struct work w = {at, sizes, T, H, start, 0, 1, 1, NULL, product_base};
    int vectors = 1, rows = BASE_ROWS;
#ifdef VERSIONS
    if (version >= 4 && __builtin_cpu_supports("x86-64-v4"))
        w.times = product_v4, vectors = 4, rows = 6;
    else if (version >= 3 && __builtin_cpu_supports("x86-64-v3"))
        w.times = product_v3, vectors = 2, rows = 3;
#endif
    w.blocks = (sizes[0] + rows - 1) / rows;
    if (!packed) {
        in_threads(part, w, threads);
        return;
    }
    struct panels p = back ? pack(at[0], gates * H, H, H, 1, vectors) : pack(at[0], H, gates * H, 1, H, vectors);
    w.panels = &p;
    in_threads(part, w, threads);
    free(p.first);
}

#define SEQUENCE(name, gates, back, ...)                                                                             \
    CLONES void name##_part(const struct work *w) { __VA_ARGS__; }                                                   \
    void name(real *const *at, const long *sizes, long T, long start, long H, int packed, long threads) {            \
        run(name##_part, at, sizes, T, start, H, gates, back, packed, threads);                                      \
    }

SEQUENCE(rnn_tanh_forward, 1, 0, forward(w, 1, rnn_tanh_forward_step))
SEQUENCE(rnn_relu_forward, 1, 0, forward(w, 1, rnn_relu_forward_step))
SEQUENCE(rnn_tanh_backward, 1, 1, backward(w, 1, 4, rnn_tanh_backward_step))
SEQUENCE(rnn_relu_backward, 1, 1, backward(w, 1, 4, rnn_relu_backward_step))
SEQUENCE(gru_forward, 3, 0, forward(w, 3, gru_forward_step))
SEQUENCE(gru_backward, 3, 1, backward(w, 3, 0, gru_backward_step))
SEQUENCE(lstm_forward, 4, 0, forward(w, 4, lstm_forward_step))
SEQUENCE(lstm_backward, 4, 1, backward(w, 4, 6, lstm_backward_step))

/* Ask Linux for large pages: to touch 100 MB of new memory in small ones takes longer than the arithmetic of a step. */
void large_pages(char *start, long bytes) {
#ifdef MADV_HUGEPAGE
    long page = 4096, inside = (page - (long)start % page) % page;
    madvise(start + inside, (size_t)((bytes - inside) / page * page), MADV_HUGEPAGE);
#else
    (void)start, (void)bytes;
#endif
}
