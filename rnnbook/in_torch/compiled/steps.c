/* One step of each recurrence between two matrix products, forward and backward, for b rows of H numbers.

   `at` lists the arrays. Those of a state hold b rows, and are written over at each step; those of a trace hold b rows
   for each step. A row holds its gates one behind the other. One line is one equation of the book, with its label.
   setup.py compiles it once for float and once for double, by -D real=float and -D real=double. */

#include <stdint.h>
#include <string.h>

const uint32_t made_from = MADE_FROM; /* the CRC-32 of this file */

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

static inline real exponential(real x) {
    x = x < -LARGEST ? -LARGEST : x;
    x = x > LARGEST ? LARGEST : x;
    real shifted = x * (real)1.4426950408889634 + MAGIC;
    real n = shifted - MAGIC;
    real r = x - n * LN2_HIGH - n * LN2_LOW;
    real series = 1;
#pragma GCC unroll 16
    for (int k = TERMS; k > 0; k--)
        series = 1 + series * (r * ((real)1 / k));
    bits whole;
    real power; /* 2^n, made from n in its exponent's place */
    memcpy(&whole, &shifted, sizeof whole);
    whole = (bits)((uint64_t)(whole + BIAS) << MANTISSA);
    memcpy(&power, &whole, sizeof power);
    return series * power;
}

static inline real sigmoid(real x) { return 1 / (1 + exponential(-x)); }
static inline real tanh_(real x) { return 2 / (1 + exponential(-2 * x)) - 1; }

#define ROWS for (long row = 0; row < b; row++)
#define STATE(k, gates) (at[k] + row * (gates)*H)
#define TRACE(k, gates) (at[k] + (t * b + row) * (gates)*H)
#ifdef __clang__ /* no unit reads what another one writes; neither compiler can know it */
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
#define EVERY_UNIT INDEPENDENT for (long j = 0; j < H; j++)
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define STEP __attribute__((target_clones("avx512f", "avx2", "default"))) void /* the newest that the machine can run */
#else
#define STEP void
#endif
#define ARGUMENTS real *const *at, long b, long H, long t

static inline void rnn_forward(ARGUMENTS, int relu) {
    ROWS {
        const real *restrict a = STATE(0, 1);
        real *restrict h = STATE(1, 1), *restrict h_prev = TRACE(3, 1), *restrict out = TRACE(4, 1);
        real *restrict u = TRACE(2, 1); /* written over with h */
        EVERY_UNIT {
            real sum = u[j] + a[j];                                                      /* eq-rnn-preactivation */
            h_prev[j] = h[j];
            h[j] = u[j] = out[j] = relu ? (sum < 0 ? 0 : sum) : tanh_(sum);              /* eq-rnn-hidden */
        }
    }
}

static inline void rnn_backward(ARGUMENTS, int relu) {
    ROWS {
        const real *restrict back = STATE(0, 1), *restrict h = TRACE(2, 1), *restrict dh_out = TRACE(3, 1);
        real *restrict da = STATE(1, 1), *restrict da_t = TRACE(4, 1);
        EVERY_UNIT {
            real dh = back[j] + dh_out[j];                                               /* eq-rnn-back-hidden */
            real slope = relu ? (h[j] > 0 ? 1 : 0) : 1 - h[j] * h[j];
            da[j] = da_t[j] = dh * slope;                                                /* eq-rnn-back-preactivation */
        }
    }
}

STEP rnn_tanh_forward(ARGUMENTS) { rnn_forward(at, b, H, t, 0); }
STEP rnn_relu_forward(ARGUMENTS) { rnn_forward(at, b, H, t, 1); }
STEP rnn_tanh_backward(ARGUMENTS) { rnn_backward(at, b, H, t, 0); }
STEP rnn_relu_backward(ARGUMENTS) { rnn_backward(at, b, H, t, 1); }

STEP gru_forward(ARGUMENTS) {
    const real *restrict b_hh = at[0];
    ROWS {
        const real *restrict v = STATE(1, 3);
        real *restrict h = STATE(2, 1), *restrict gate = TRACE(3, 3); /* u, written over with r, z, n */
        real *restrict h_prev = TRACE(4, 1), *restrict v_ns = TRACE(5, 1), *restrict out = TRACE(6, 1);
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

STEP gru_backward(ARGUMENTS) {
    ROWS {
        const real *restrict back = STATE(0, 1), *restrict gate = TRACE(3, 3), *restrict h_prev = TRACE(4, 1);
        const real *restrict v_ns = TRACE(5, 1), *restrict dh_out = TRACE(6, 1);
        real *restrict dh_next = STATE(1, 1), *restrict dv = STATE(2, 3);
        real *restrict du = TRACE(7, 3), *restrict dv_n = TRACE(8, 1);
        EVERY_UNIT {
            real r = gate[j], z = gate[H + j], n = gate[2 * H + j];
            real dh = dh_next[j] + back[j] + dh_out[j];                                  /* eq-gru-back-hidden */
            real da_n = dh * (1 - z) * (1 - n * n);                                      /* eq-gru-back-candidate */
            real da_z = dh * (h_prev[j] - n) * z * (1 - z);                              /* eq-gru-back-update */
            real da_r = da_n * v_ns[j] * r * (1 - r);                                    /* eq-gru-back-reset */
            du[j] = dv[j] = da_r, du[H + j] = dv[H + j] = da_z, du[2 * H + j] = da_n;
            dv[2 * H + j] = dv_n[j] = r * da_n;                                          /* eq-gru-back-from-hidden */
            dh_next[j] = z * dh;                                                         /* eq-gru-back-state */
        }
    }
}

STEP lstm_forward(ARGUMENTS) {
    ROWS {
        const real *restrict a = STATE(0, 4);
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

STEP lstm_backward(ARGUMENTS) {
    ROWS {
        const real *restrict back = STATE(0, 1), *restrict gate = TRACE(3, 4), *restrict c_prev = TRACE(4, 1);
        const real *restrict dh_out = TRACE(5, 1);
        real *restrict dc_next = STATE(1, 1), *restrict da = STATE(2, 4), *restrict da_t = TRACE(6, 4);
        EVERY_UNIT {
            real i = gate[j], f = gate[H + j], g = gate[2 * H + j], o = gate[3 * H + j];
            real tanh_c = tanh_(f * c_prev[j] + i * g);
            real dh = back[j] + dh_out[j];                                               /* eq-lstm-back-hidden */
            real dc = dc_next[j] + dh * o * (1 - tanh_c * tanh_c);                       /* eq-lstm-back-carry */
            da[j] = da_t[j] = dc * g * i * (1 - i);                                      /* eq-lstm-back-input */
            da[H + j] = da_t[H + j] = dc * c_prev[j] * f * (1 - f);                      /* eq-lstm-back-forget */
            da[2 * H + j] = da_t[2 * H + j] = dc * i * (1 - g * g);                      /* eq-lstm-back-candidate */
            da[3 * H + j] = da_t[3 * H + j] = dh * tanh_c * o * (1 - o);                 /* eq-lstm-back-output */
            dc_next[j] = dc * f;                                                         /* eq-lstm-back-carry-next */
        }
    }
}
