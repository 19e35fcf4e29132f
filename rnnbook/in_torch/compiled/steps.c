/* A whole sequence of each recurrence in one call, forward and backward.

   `at` lists the arrays, NULL where a layer has none. Those of a state hold one row for each sequence, and are written
   over at each step; those of a trace hold one row for each sequence of each step, one step after another: `sizes[t]`
   sequences are there at step t. A row holds its gates one after another. One line of a step is one equation of the
   book, with its label. setup.py compiles it once for float and once for double, by -D real=float and -D real=double. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <sys/mman.h>
#endif

#pragma GCC diagnostic ignored "-Wunused-parameter" /* each step has the parameters of all */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#ifdef _WIN32 /* it has no aligned_alloc; vectors may begin anywhere, they are only slower */
#define aligned_alloc(alignment, size) malloc(size)
#endif

_Static_assert(sizeof(void *) == 8, "compiled/__init__.py writes addresses of 64 bits");

const uint32_t made_from = MADE_FROM; /* the CRC-32 of this file */

enum { /* the arrays; compiled/__init__.py has the same list */
    W_HH, W_IH, X, B_IH, B_HH,     /* weights (G H, H) and (G H, D), the input (N, D), the biases (G H) */
    H_, C_,                        /* the state (B, H); going back, its gradient */
    GATES, H_PREVS, C_PREVS, V_NS, /* the trace (N, ...); an RNN has its h in GATES, and in H_PREVS the first alone */
    HS,                            /* h after every step (N, H); going back, its gradient */
    DX, DW_IH, DW_HH, DB_IH, DB_HH,
    PRODUCT_, DU, DV               /* what the BLAS multiplies: a step's product, and the gradients of all steps */
};

struct sequence { /* compiled/__init__.py writes it */
    long T, D, H;
    long in_c;    /* how many weights, none, W_hh or both, are multiplied here, the others by the BLAS; T = 1 for none */
    long threads; /* at most */
    long at_once; /* whether all rows of a thread take a step together, so that a large W_hh is read once a step */
    long sizes[];
};

/* Part one: what happens between two products. */

/* e^x - 1, where e^x = 2^n e^r with |r| below ln(2)/2, and e^r - 1 is Taylor's series: so all digits of a small x are
   left. A loop over it can be vectorised, one over the C library's expm1 cannot. x + MAGIC has the nearest whole number
   in its last bits; ln 2 is LN2_HIGH + LN2_LOW. */
#define float_bits uint32_t
#define double_bits uint64_t
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
#define LARGEST ((real)(WIDE ? 500 : 64)) /* of e^x; beyond, arithmetic with e^-x would be slow: denormal numbers */

static const real one_over_factorial[] = {
    1, 1, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800,
    1. / 39916800, 1. / 479001600, 1. / 6227020800, 1. / 87178291200,
};

static inline real exponential_less_one(real x) {
    x = x < -LARGEST ? -LARGEST : x;
    x = x > LARGEST ? LARGEST : x;
    real shifted = x * (real)1.4426950408889634 + MAGIC;
    real n = shifted - MAGIC;
    real r = x - n * LN2_HIGH - n * LN2_LOW;
    real series = 0;
#pragma GCC unroll 16
    for (int k = TERMS; k >= 1; k--)
        series = (series + one_over_factorial[k]) * r;
    bits whole;
    real power; /* 2^n, made from n in its exponent's place */
    memcpy(&whole, &shifted, sizeof whole);
    whole = (whole + BIAS) << MANTISSA;
    memcpy(&power, &whole, sizeof power);
    return series * power + (power - 1);
}

static inline real sigmoid(real x) { return 1 / (2 + exponential_less_one(-x)); }
static inline real tanh_(real x) {
    real e = exponential_less_one(2 * x);
    return e / (2 + e);
}

#define ROWS for (long row = first; row < last; row++)
#define STATE(k) (at[k] + row * H)
#define TRACE(k, gates) (keep ? at[k] + (start + row) * (gates)*H : NULL)
#define OUT (at[HS] + (start + row) * H)
#define ROW_OF(array, width) (array + (row - first) * width)
#ifdef __clang__ /* no unit reads what another one writes; no compiler can know it */
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
#define EVERY_UNIT INDEPENDENT for (long j = 0; j < H; j++)
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && (!defined(__clang__) || __clang_major__ >= 14)
/* One version for processors of each age; the machine runs the newest that it can. A target names features, which are
   added to those of the command line: an architecture (arch=...) would replace them, and fail under -march=native. */
#define VERSIONS
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline)) /* so that each version below has its own */
/* One step of the rows first ... last - 1: u is the input's part, the product that of h and W_hh. Going back, the
   product comes from the later step, and du and dv take the gradients of u and of the product. Rows of these have
   `wide` numbers, the product's `width`. Row `start` of an output or a trace begins the step; `keep` one. */
#define OF_A_STEP                                                                                                   \
    real *const *at, const real *us, real *product, long width, real *dus, real *dvs, long wide, long first, long last, \
        long start, int keep, long H
#define AS_GIVEN at, us, product, width, dus, dvs, wide, first, last, start, keep, H

INLINE void rnn_forward_step(OF_A_STEP, int relu) {
    ROWS {
        const real *u = ROW_OF(us, wide), *a = ROW_OF(product, width);
        real *h = STATE(H_), *h_kept = TRACE(GATES, 1), *out = OUT;
        EVERY_UNIT {
            real sum = u[j] + a[j];                                                      /* eq-rnn-preactivation */
            h[j] = out[j] = relu ? (sum < 0 ? 0 : sum) : tanh_(sum);                     /* eq-rnn-hidden */
            if (keep) { h_kept[j] = h[j]; }
        }
    }
}

INLINE void rnn_backward_step(OF_A_STEP, int relu) {
    ROWS {
        const real *restrict h = TRACE(GATES, 1), *restrict dh_out = OUT;
        real *restrict back = ROW_OF(product, width), *restrict da = ROW_OF(dus, wide);
        EVERY_UNIT {
            real dh = back[j] + dh_out[j];                                               /* eq-rnn-back-hidden */
            real slope = relu ? (h[j] <= 0 ? 0 : 1) : 1 - h[j] * h[j];
            da[j] = slope * dh, back[j] = 0;                                             /* eq-rnn-back-preactivation */
        }
    }
}

INLINE void rnn_tanh_forward_step(OF_A_STEP) { rnn_forward_step(AS_GIVEN, 0); }
INLINE void rnn_relu_forward_step(OF_A_STEP) { rnn_forward_step(AS_GIVEN, 1); }
INLINE void rnn_tanh_backward_step(OF_A_STEP) { rnn_backward_step(AS_GIVEN, 0); }
INLINE void rnn_relu_backward_step(OF_A_STEP) { rnn_backward_step(AS_GIVEN, 1); }

INLINE void gru_forward_step(OF_A_STEP) {
    const real *restrict b_hh = at[B_HH];
    ROWS {
        const real *u = ROW_OF(us, wide), *v = ROW_OF(product, width);
        real *h = STATE(H_), *gate = TRACE(GATES, 3), *h_prev = TRACE(H_PREVS, 1), *v_ns = TRACE(V_NS, 1), *out = OUT;
        EVERY_UNIT {
            real v_n = v[2 * H + j] + b_hh[2 * H + j];                                   /* eq-gru-from-hidden */
            real r = sigmoid(u[j] + v[j] + b_hh[j]);                                     /* eq-gru-reset */
            real z = sigmoid(u[H + j] + v[H + j] + b_hh[H + j]);                         /* eq-gru-update */
            real n = tanh_(u[2 * H + j] + r * v_n);                                      /* eq-gru-candidate */
            if (keep) { gate[j] = r, gate[H + j] = z, gate[2 * H + j] = n, v_ns[j] = v_n, h_prev[j] = h[j]; }
            h[j] = out[j] = (1 - z) * n + z * h[j];                                      /* eq-gru-hidden */
        }
    }
}

INLINE void gru_backward_step(OF_A_STEP) {
    ROWS {
        const real *restrict gate = TRACE(GATES, 3), *restrict h_prev = TRACE(H_PREVS, 1);
        const real *restrict v_ns = TRACE(V_NS, 1), *restrict dh_out = OUT;
        real *restrict back = ROW_OF(product, width), *restrict du = ROW_OF(dus, wide), *restrict dv = ROW_OF(dvs, wide);
        EVERY_UNIT {
            real r = gate[j], z = gate[H + j], n = gate[2 * H + j];
            real dh = back[j] + dh_out[j];                                               /* eq-gru-back-hidden */
            real da_n = dh * (1 - z) * (1 - n * n);                                      /* eq-gru-back-candidate */
            real da_z = dh * (h_prev[j] - n) * z * (1 - z);                              /* eq-gru-back-update */
            real da_r = da_n * v_ns[j] * r * (1 - r);                                    /* eq-gru-back-reset */
            du[j] = dv[j] = da_r, du[H + j] = dv[H + j] = da_z, du[2 * H + j] = da_n;
            dv[2 * H + j] = r * da_n;                                                    /* eq-gru-back-from-hidden */
            back[j] = z * dh;                                                            /* eq-gru-back-state */
        }
    }
}

INLINE void lstm_forward_step(OF_A_STEP) {
    ROWS {
        const real *u = ROW_OF(us, wide), *a = ROW_OF(product, width);
        real *h = STATE(H_), *c = STATE(C_), *gate = TRACE(GATES, 4);
        real *h_prev = TRACE(H_PREVS, 1), *c_prev = TRACE(C_PREVS, 1), *out = OUT;
        EVERY_UNIT {
            real i = sigmoid(u[j] + a[j]);                                               /* eq-lstm-input */
            real f = sigmoid(u[H + j] + a[H + j]);                                       /* eq-lstm-forget */
            real g = tanh_(u[2 * H + j] + a[2 * H + j]);                                 /* eq-lstm-candidate */
            real o = sigmoid(u[3 * H + j] + a[3 * H + j]);                               /* eq-lstm-output */
            if (keep) { gate[j] = i, gate[H + j] = f, gate[2 * H + j] = g, gate[3 * H + j] = o; }
            if (keep) { h_prev[j] = h[j], c_prev[j] = c[j]; }
            real c_new = f * c[j] + i * g;                                               /* eq-lstm-carry */
            c[j] = c_new;
            h[j] = out[j] = o * tanh_(c_new);                                            /* eq-lstm-hidden */
        }
    }
}

INLINE void lstm_backward_step(OF_A_STEP) {
    ROWS {
        const real *restrict gate = TRACE(GATES, 4), *restrict c_prev = TRACE(C_PREVS, 1), *restrict dh_out = OUT;
        real *restrict back = ROW_OF(product, width), *restrict dc_next = STATE(C_), *restrict da = ROW_OF(dus, wide);
        EVERY_UNIT {
            real i = gate[j], f = gate[H + j], g = gate[2 * H + j], o = gate[3 * H + j];
            real tanh_c = tanh_(f * c_prev[j] + i * g);
            real dh = back[j] + dh_out[j];                                               /* eq-lstm-back-hidden */
            real dc = dc_next[j] + dh * o * (1 - tanh_c * tanh_c);                       /* eq-lstm-back-carry */
            da[j] = dc * g * i * (1 - i);                                                /* eq-lstm-back-input */
            da[H + j] = dc * c_prev[j] * f * (1 - f);                                    /* eq-lstm-back-forget */
            da[2 * H + j] = dc * i * (1 - g * g);                                        /* eq-lstm-back-candidate */
            da[3 * H + j] = dh * tanh_c * o * (1 - o);                                   /* eq-lstm-back-output */
            dc_next[j] = dc * f;                                                         /* eq-lstm-back-carry-next */
            back[j] = 0;
        }
    }
}

/* Part two: the product. C (rows, N) = or += A (rows, K) W (K, N). W is taken in panels, a few vectors of columns each, so
   that the sums of a tile of C stay in registers while a panel is read from its first row to its last. */

#define LANES ((long)(64 / sizeof(real))) /* of what is called a vector: 64 bytes, AVX-512's, or four of NEON's */

struct matrix {
    real *first;
    long K, N, step_k, step_j; /* element (k, j) is at first[k * step_k + j * step_j] */
    long panels;               /* each with as many vectors as any other, or one more */
    int packed;                /* panel after panel, the last vector filled up with zeros */
};

static long filled(long count) { return (count + LANES - 1) / LANES * LANES; } /* up to whole vectors */
static long columns(long D) { return D == 1 ? 1 : filled(D); } /* of x: one would leave a vector almost empty */
static real *room(long count) { return aligned_alloc(64, filled(count) * sizeof(real)); }
static real *zeros(long count) { return memset(room(count), 0, filled(count) * sizeof(real)); }

static struct matrix in_panels(struct matrix W, int vectors) {
    W.panels = (filled(W.N) / LANES + vectors - 1) / vectors;
    return W;
}

#define TOGETHER 8 /* columns that are copied together: each vector of these comes from one line of the cache */

static struct matrix pack(struct matrix W, int vectors) {
    struct matrix p = in_panels(W, vectors);
    long whole = filled(W.N) / LANES;
    real *to = p.first = W.N % LANES ? zeros(W.K * filled(W.N)) : room(W.K * W.N);
    p.packed = 1;
    for (long panel = 0; panel < p.panels; panel++) {
        long begin = whole * panel / p.panels * LANES, end = whole * (panel + 1) / p.panels * LANES, width = end - begin;
        const real *from = W.first + begin * W.step_j;
        long there = (end < W.N ? end : W.N) - begin;
        for (long k = 0; W.step_j == 1 && k < W.K; k++)
            memcpy(to + k * width, from + k * W.step_k, there * sizeof(real));
        for (long j = 0; W.step_j != 1 && j < there; j += TOGETHER) {
            const real *column[TOGETHER];
            for (long i = 0; i < TOGETHER; i++) /* in place of columns after the last, the last again */
                column[i] = from + (j + i < there ? j + i : there - 1) * W.step_j;
            for (long k = 0; k < W.K; k++)
                for (long i = 0; i < TOGETHER; i++)
                    to[k * width + j + i] = column[i][k * W.step_k];
        }
        to += W.K * width;
    }
    return p;
}

/* A tile in vectors of so many bytes as the processor has: wider ones would be taken apart, through memory. */
#define TILE_IN(bytes)                                                                                               \
    typedef real vector_##bytes __attribute__((vector_size(bytes), aligned(sizeof(real))));                          \
    INLINE void tile_##bytes(const int rows, const int vectors, const real *A, long step_r, long step_k,             \
                             const real *panel, long step, long K, real *C, long width, int add) {                   \
        const int lanes = bytes / sizeof(real), columns = vectors * (64 / bytes);                                    \
        vector_##bytes sum[6][4];                                                                                    \
        _Pragma("GCC unroll 6") for (int r = 0; r < rows; r++)                                                       \
            _Pragma("GCC unroll 4") for (int v = 0; v < columns; v++)                                                \
                sum[r][v] = add ? *(vector_##bytes *)(C + r * width + v * lanes) : (vector_##bytes){0};              \
        for (long k = 0; k < K; k++, A += step_k, panel += step)                                                     \
            _Pragma("GCC unroll 6") for (int r = 0; r < rows; r++)                                                   \
                _Pragma("GCC unroll 4") for (int v = 0; v < columns; v++)                                            \
                    sum[r][v] += A[r * step_r] * *(const vector_##bytes *)(panel + v * lanes);                       \
        _Pragma("GCC unroll 6") for (int r = 0; r < rows; r++)                                                       \
            _Pragma("GCC unroll 4") for (int v = 0; v < columns; v++)                                                \
                *(vector_##bytes *)(C + r * width + v * lanes) = sum[r][v];                                          \
    }
#ifdef VERSIONS
TILE_IN(64)
TILE_IN(32)
#endif
TILE_IN(16)

#define TILE(b, rows, vectors)                                                                                       \
    case 8 * rows + vectors: tile_##b(rows, vectors, a, step_r, step_k, panel, step, W->K, c, width, add); break;
#define TILES(b, vectors) TILE(b, 1, vectors) TILE(b, 2, vectors) TILE(b, 3, vectors)
#define MORE_TILES(b, vectors) TILE(b, 4, vectors) TILE(b, 5, vectors) TILE(b, 6, vectors)
/* A's element (r, k) is at A[r * step_r + k * step_k], so that a transposed one can be read as it is. */
#define OF_A_PRODUCT                                                                                                 \
    long rows, const real *A, long step_r, long step_k, const struct matrix *W, real *C, long width, int add
#define PRODUCT_OF(most, ...)                                                                                        \
    (OF_A_PRODUCT) {                                                                                                 \
        const real *panel = W->first;                                                                                \
        long whole = filled(W->N) / LANES;                                                                           \
        for (long k = 0; k < W->panels; k++) {                                                                       \
            long vectors = whole * (k + 1) / W->panels - whole * k / W->panels;                                      \
            long step = W->packed ? vectors * LANES : W->step_k;                                                     \
            for (long r = 0; r < rows; r += most) {                                                                  \
                const real *a = A + r * step_r;                                                                      \
                real *c = C + r * width;                                                                             \
                switch (8 * (rows - r < most ? rows - r : most) + vectors) { __VA_ARGS__ }                           \
            }                                                                                                        \
            panel += vectors * LANES * (W->packed ? W->K : 1), C += vectors * LANES;                                 \
        }                                                                                                            \
    }
typedef void product_function(OF_A_PRODUCT);

#ifdef VERSIONS
__attribute__((target("avx512f"))) static void product_v4
PRODUCT_OF(6, TILES(64, 1) TILES(64, 2) TILES(64, 3) TILES(64, 4)
           MORE_TILES(64, 1) MORE_TILES(64, 2) MORE_TILES(64, 3) MORE_TILES(64, 4))
__attribute__((target("avx2,fma"))) static void product_v3 PRODUCT_OF(3, TILES(32, 1) TILES(32, 2))
#endif
#ifdef __aarch64__
#define BASE_ROWS 6 /* of a tile; as many sums as there are registers */
#else
#define BASE_ROWS 3
#endif
static void product_base PRODUCT_OF(BASE_ROWS, TILES(16, 1) MORE_TILES(16, 1))

int version = 4; /* the newest that is taken; for tests */

/* The same for a single step, which reads each weight once: packing would take longer than multiplying. Four columns of W
   are read at a time; if each of them is contiguous, so is a row of A. */
CLONES static void product_once(OF_A_PRODUCT) {
    for (long r = 0; r < rows; r++, A += step_r, C += width) {
        if (!add)
            memset(C, 0, W->N * sizeof(real));
        for (long k = 0; W->step_j == 1 && k < W->K; k++) {
            const real a = A[k * step_k], *w = W->first + k * W->step_k;
            INDEPENDENT for (long j = 0; j < W->N; j++)
                C[j] += a * w[j];
        }
        for (long j = 0; W->step_j != 1 && j < W->N; j += 4) { /* in place of columns after the last, the last again */
            const real *w0 = W->first + j * W->step_j, *w1 = w0 + (j + 1 < W->N) * W->step_j;
            const real *w2 = w1 + (j + 2 < W->N) * W->step_j, *w3 = w2 + (j + 3 < W->N) * W->step_j;
            real sum_0 = 0, sum_1 = 0, sum_2 = 0, sum_3 = 0;
            _Pragma("omp simd reduction(+ : sum_0, sum_1, sum_2, sum_3)") for (long k = 0; k < W->K; k++)
                sum_0 += A[k] * w0[k], sum_1 += A[k] * w1[k], sum_2 += A[k] * w2[k], sum_3 += A[k] * w3[k];
            C[j] += sum_0, C[j + 1] += sum_1, C[j + 2] += sum_2, C[j + 3] += sum_3;
        }
    }
}

/* Part three: the loop over time. Rows do not see each other: a block of them goes through all steps by itself, and no
   more than some steps of it are in the cache at a time. A block has few rows where W_hh stays in the cache. */

#define TILE_ROWS 6 /* of the largest tile */
#define AHEAD 24 /* rows of u, where a single block has several steps in a tile */
#define SOME 96 /* rows, after which the gradients of the weights are added up */

enum { GRU = 3 }; /* gates; it alone has two different gradients of a bias, that of u and that of the product */

struct work {
    real *const *at;
    const struct sequence *s;
    long blocks, first, last; /* blocks of rows: this thread's are first ... last - 1 */
    long rows;                /* of a block, at most */
    struct matrix W_hh, W_ih; /* without a first element, the BLAS multiplies, into an array */
    product_function *times;
    int vectors;
    real *sums; /* this thread's gradients of W_hh, W_ih and the biases, in rows filled up to whole vectors */
    long size;  /* of these */
};

INLINE void forward(const struct work *w, long gates, void step(OF_A_STEP)) {
    real *const *at = w->at;
    const struct sequence *s = w->s;
    const long *sizes = s->sizes;
    long D = s->D, H = s->H, G = gates * H, keep = at[GATES] != NULL;
    long width = w->W_hh.first ? filled(G) : G, wide = w->W_ih.first ? filled(G) : G;
    real *own = zeros(w->rows * width), *u_own = zeros(AHEAD * wide);
    for (long k = w->first; k < w->last; k++) {
        long begin = sizes[0] * k / w->blocks, end = sizes[0] * (k + 1) / w->blocks, start = 0, ready = 0;
        real *u = NULL;
        for (long t = 0; t < s->T && sizes[t] > begin; start += sizes[t++]) {
            long last = sizes[t] < end ? sizes[t] : end, rows = last - begin;
            real *product = w->W_hh.first ? own : at[PRODUCT_] + begin * width;
            if (w->W_hh.first)
                w->times(rows, at[H_] + begin * H, H, 1, &w->W_hh, product, width, 0);
            if (!w->W_ih.first)
                u = at[DU] + (start + begin) * wide;
            else if (!ready) { /* a single block has the rows of its steps one after another */
                for (long next = t; next < s->T && (next == t || (w->blocks == 1 && ready + sizes[next] <= AHEAD)); next++)
                    ready += w->blocks == 1 ? sizes[next] : rows;
                for (long row = 0; row < ready; row++)
                    for (long j = 0; j < G; j++) /* of a GRU, b_hh belongs to the product of h */
                        u_own[row * wide + j] = at[B_IH][j] + (gates == GRU ? 0 : at[B_HH][j]);
                w->times(ready, at[X] + (start + begin) * D, D, 1, &w->W_ih, u_own, wide, 1);
                u = u_own;
            }
            step(at, u, product, width, NULL, NULL, wide, begin, last, start, keep, H);
            u += rows * wide, ready -= rows;
        }
    }
    free(own), free(u_own);
}

/* Add up the gradients of the weights over some rows: those of u and of the product, h before the step, and x. */
INLINE void add_some(const struct work *w, long G, const real *du, const real *dv, long wide, real *h, real *x, long rows) {
    long hs = filled(w->s->H), xs = columns(w->s->D);
    real *dW_hh = w->sums, *dW_ih = dW_hh + G * hs, *db_ih = dW_ih + G * xs, *db_hh = db_ih + G;
    struct matrix h_rows = in_panels((struct matrix){h, rows, hs, hs, 1}, w->vectors);
    struct matrix x_rows = in_panels((struct matrix){x, rows, xs, xs, 1}, w->vectors);
    w->times(G, dv, 1, wide, &h_rows, dW_hh, hs, 1);
    if (xs > 1)
        w->times(G, du, 1, wide, &x_rows, dW_ih, xs, 1);
    for (long row = 0; row < rows; row++, du += wide, dv += wide) {
        const real x_row = x[row * xs];
        INDEPENDENT for (long j = 0; j < G; j++)
            db_ih[j] += du[j];
        if (xs == 1)
            INDEPENDENT for (long j = 0; j < G; j++)
                dW_ih[j] += du[j] * x_row;
        if (G == GRU * w->s->H)
            INDEPENDENT for (long j = 0; j < G; j++)
                db_hh[j] += dv[j];
    }
}

/* The gradient of x over some rows. */
INLINE void of_input(const struct work *w, long G, const real *du, long wide, real *dx, long rows) {
    if (w->s->D > 1)
        w->times(rows, du, wide, 1, &w->W_ih, dx, filled(w->s->D), 0);
    const real *W_ih = w->at[W_IH];
    for (long row = 0; w->s->D == 1 && row < rows; row++, du += wide) {
        real sum = 0;
        _Pragma("omp simd reduction(+ : sum)") for (long j = 0; j < G; j++)
            sum += du[j] * W_ih[j];
        dx[row] = sum;
    }
}

INLINE void copy_rows(real *to, long to_width, const real *from, long width, long rows, long count) {
    for (long row = 0; row < rows; row++)
        memcpy(to + row * to_width, from + row * width, count * sizeof(real));
}

INLINE void backward(const struct work *w, long gates, void step(OF_A_STEP)) {
    real *const *at = w->at;
    const struct sequence *s = w->s;
    const long *sizes = s->sizes;
    long D = s->D, H = s->H, G = gates * H, N = 0, hs = filled(H), xs = columns(D);
    long width = w->W_hh.first ? hs : H, whole = w->W_ih.first != NULL, own_dv = gates == GRU;
    long wide = whole ? G + LANES : G; /* else a column would share few lines of the cache */
    for (long t = 0; t < s->T; t++)
        N += sizes[t];
    long most = N + TILE_ROWS < SOME ? N + TILE_ROWS : SOME, slots = whole * most;
    real *own = zeros(w->rows * width), *du_own = zeros(slots * wide), *dv_own = zeros(slots * own_dv * wide);
    real *h_own = zeros(slots * hs), *x_own = zeros(slots * xs), *dx_own = zeros(whole * AHEAD * xs);
    for (long k = w->first; k < w->last; k++) {
        long begin = sizes[0] * k / w->blocks, end = sizes[0] * (k + 1) / w->blocks, start = N, some = 0, waiting = 0;
        real *state = at[H_] + begin * H, *product = w->W_hh.first ? own : state; /* what comes back from the later step */
        if (w->W_hh.first)
            copy_rows(product, width, state, H, end - begin, H);
        for (long t = s->T - 1; t >= 0; t--) {
            start -= sizes[t];
            long last = sizes[t] < end ? sizes[t] : end, rows = last - begin;
            if (rows <= 0)
                continue;
            some += rows, waiting += rows;
            long slot = most - some, place = start + begin; /* from the last slot to the first, as in the arrays */
            real *du = whole ? du_own + slot * wide : at[DU] + place * wide;
            real *dv = !own_dv ? du : whole ? dv_own + slot * wide : at[DV] + place * wide;
            step(at, NULL, product, width, du, dv, wide, begin, last, start, 1, H);
            if (w->W_hh.first)
                w->times(rows, dv, wide, 1, &w->W_hh, product, width, 1);
            if (!whole)
                continue;
            const real *h_prev = gates > 1 ? at[H_PREVS] + place * H : t ? at[GATES] + (place - sizes[t - 1]) * H
                                                                         : at[H_PREVS] + begin * H;
            copy_rows(h_own + slot * hs, hs, h_prev, H, rows, H);
            copy_rows(x_own + slot * xs, xs, at[X] + place * D, D, rows, D);
            int full = t == 0 || some + TILE_ROWS > most;
            if (at[DX] && (full || w->blocks > 1 || waiting + TILE_ROWS > AHEAD)) {
                of_input(w, G, du, wide, dx_own, waiting);
                copy_rows(at[DX] + place * D, D, dx_own, xs, waiting, D);
                waiting = 0;
            }
            if (full) {
                add_some(w, G, du, dv, wide, h_own + slot * hs, x_own + slot * xs, some);
                some = 0;
            }
        }
        if (w->W_hh.first)
            copy_rows(state, H, product, width, end - begin, H);
    }
    free(own), free(du_own), free(dv_own), free(h_own), free(x_own), free(dx_own);
}

/* Add up what the threads have found, and write it where the gradients belong. */
static void collect(const struct work *w, long threads, long G) {
    long H = w->s->H, D = w->s->D, hs = filled(H), xs = columns(D);
    real *const *at = w->at, *dW_hh = w->sums, *dW_ih = dW_hh + G * hs, *db_ih = dW_ih + G * xs, *db_hh = db_ih + G;
    for (long k = 1; k < threads; k++)
        for (long i = 0; i < w->size; i++)
            w->sums[i] += w->sums[k * w->size + i];
    copy_rows(at[DW_HH], H, dW_hh, hs, G, H);
    copy_rows(at[DW_IH], D, dW_ih, xs, G, D);
    copy_rows(at[DB_IH], G, db_ih, G, 1, G);
    copy_rows(at[DB_HH], G, G == GRU * H ? db_hh : db_ih, G, 1, G);
}

#define MOST_THREADS 64

static void in_threads(void part(const struct work *), struct work w, long threads) {
    struct work parts[MOST_THREADS];
    for (long k = 0; k < threads; k++) {
        parts[k] = w;
        parts[k].first = w.blocks * k / threads, parts[k].last = w.blocks * (k + 1) / threads;
        parts[k].sums = w.sums + k * w.size;
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

/* What is multiplied by: W (G, columns), its transpose going forward; packed, unless there is only one step. */
static struct matrix weight(real *W, long G, long columns, int back, const struct work *w) {
    struct matrix as_it_is = back ? (struct matrix){W, G, columns, columns, 1} : (struct matrix){W, columns, G, 1, columns};
    return w->s->T > 1 ? pack(as_it_is, w->vectors) : as_it_is;
}

static void run(void part(const struct work *), real *const *at, const struct sequence *s, long gates, int back) {
    struct work w = {.at = at, .s = s, .times = product_base, .vectors = 1};
    long G = gates * s->H, rows = BASE_ROWS, threads = s->threads < MOST_THREADS ? s->threads : MOST_THREADS;
#ifdef VERSIONS
    if (version >= 4 && __builtin_cpu_supports("avx512f"))
        w.times = product_v4, w.vectors = 4, rows = 6;
    else if (version >= 3 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        w.times = product_v3, w.vectors = 2, rows = 3;
#endif
    if (s->T == 1)
        w.times = product_once;
    w.blocks = (s->sizes[0] + rows - 1) / rows;
    threads = threads < w.blocks ? threads : w.blocks;
    if (s->at_once && s->in_c < 2) /* else AHEAD and SOME would be too few */
        w.blocks = threads;
    w.rows = (s->sizes[0] + w.blocks - 1) / w.blocks;
    if (s->in_c > 0)
        w.W_hh = weight(at[W_HH], G, s->H, back, &w);
    if (s->in_c > 1)
        w.W_ih = weight(at[W_IH], G, s->D, back, &w);
    if (s->in_c > 1 && back)
        w.size = filled(G * (filled(s->H) + columns(s->D) + 2)), w.sums = zeros(threads * w.size);
    in_threads(part, w, threads);
    if (w.size)
        collect(&w, threads, G);
    if (w.W_hh.packed)
        free(w.W_hh.first);
    if (w.W_ih.packed)
        free(w.W_ih.first);
    free(w.sums);
}

#define SEQUENCE(name, gates, back, ...)                                                                             \
    CLONES void name##_part(const struct work *w) { __VA_ARGS__; }                                                   \
    void name(real *const *at, const struct sequence *s) { run(name##_part, at, s, gates, back); }

SEQUENCE(rnn_tanh_forward, 1, 0, forward(w, 1, rnn_tanh_forward_step))
SEQUENCE(rnn_relu_forward, 1, 0, forward(w, 1, rnn_relu_forward_step))
SEQUENCE(rnn_tanh_backward, 1, 1, backward(w, 1, rnn_tanh_backward_step))
SEQUENCE(rnn_relu_backward, 1, 1, backward(w, 1, rnn_relu_backward_step))
SEQUENCE(gru_forward, 3, 0, forward(w, 3, gru_forward_step))
SEQUENCE(gru_backward, 3, 1, backward(w, 3, gru_backward_step))
SEQUENCE(lstm_forward, 4, 0, forward(w, 4, lstm_forward_step))
SEQUENCE(lstm_backward, 4, 1, backward(w, 4, lstm_backward_step))

/* Ask Linux for large pages: touching 100 MB of new memory in small ones takes longer than the arithmetic of a step. */
void large_pages(char *start, long bytes) {
#ifdef MADV_HUGEPAGE
    long page = 4096, inside = (page - (long)start % page) % page;
    madvise(start + inside, (size_t)((bytes - inside) / page * page), MADV_HUGEPAGE);
#else
    (void)start, (void)bytes;
#endif
}
