// Parts of the fused global layer that act on one padded plane, or on a pack of them side by side.
#pragma once

#include <cmath>

#include "argument.h"
#include "scheme.h"

namespace pde {

// A NaN passes, so that a diverging network is noticed.
template <class V> PDE_INLINE V activate(int kind, V x) {
  const V zero{}, six = zero + 6;
  switch (kind) {
    case kRelu: return x < zero ? zero : x;
    case kRelu6: return x < zero ? zero : x > six ? six : x;
    case kHardSwish: return x < zero - 3 ? zero : x > zero + 3 ? x : V(x * (x + 3) / 6);
    case kSoftsign: return x / (1 + (x < zero ? V(-x) : x));
    default: return x;
  }
}
template <class V> PDE_INLINE V slope(int kind, V x) {
  const V zero{}, one = zero + 1;
  switch (kind) {
    case kRelu: return x > zero ? one : zero;
    case kRelu6: return x > zero && x < zero + 6 ? one : zero;
    case kHardSwish: return x < zero - 3 ? zero : x > zero + 3 ? one : V((x * 2 + 3) / 6);
    case kSoftsign: {
      const V inverse = one / (1 + (x < zero ? V(-x) : x));
      return inverse * inverse;
    }
    default: return one;
  }
}

// f(the activation as a compile-time constant), so that the choice stands outside the loops.
template <class F> PDE_INLINE void with_activation(int kind, F&& f) {
  switch (kind) {
    case kRelu: return f(std::integral_constant<int, kRelu>{});
    case kRelu6: return f(std::integral_constant<int, kRelu6>{});
    case kHardSwish: return f(std::integral_constant<int, kHardSwish>{});
    case kSoftsign: return f(std::integral_constant<int, kSoftsign>{});
    default: return f(std::integral_constant<int, kIdentity>{});
  }
}

// The activation of the coefficients of learned field f: velocities, which come first, may have their own.
template <class A, class U> struct FieldActivation {
  A other;
  U velocity;
  int velocities;  // learned ones, 0 or 2
  template <class V> PDE_INLINE V operator()(int f, V x) const {
    return f < velocities ? activate<V>(velocity, x) : activate<V>(other, x);
  }
};
// f(the activation of all, that of learned fields); at compile time where they are one, as mostly.
template <class F> PDE_INLINE void with_activations(const PdeLayer& l, F&& f) {
  if (l.velocity_activation == l.activation)
    return with_activation(l.activation, [&](auto act) { f(act, FieldActivation<decltype(act), decltype(act)>{act, act, 0}); });
  f(int(l.activation), FieldActivation<int, int>{l.activation, l.velocity_activation, l.learned[0] < 0 ? 0 : 2});
}

template <class T> PDE_INLINE double total(Vec<T> v) {
  double sum = 0;
  for (int lane = 0; lane < kLanes<T>; ++lane) sum += v[lane];
  return sum;
}

// Mean and variance over many planes: each plane's own, from its values less a pivot, merged in double. The pivot is
// the mean of the plane before: means are no farther from each other than the variance tells, so nothing is lost.
template <class T> class Moments {
 public:
  const Vec<T>& pivot() const { return pivot_; }  // of the planes that are added next
  // sum, squares: of a pack's values less the pivot, lane by lane.
  void add(const Grid& g, int planes, Vec<T> sum, Vec<T> squares) {
    const double cells = double(g.rows) * g.cols;
    cells_ = cells;
    if (g.lanes == 1) {
      pivot_ += splat(T(add_plane(double(pivot_[0]), total<T>(sum) / cells, total<T>(squares))));
      return;
    }
    for (int lane = 0; lane < planes; ++lane)
      pivot_[lane] += T(add_plane(pivot_[lane], sum[lane] / cells, squares[lane]));
  }
  void add(const Grid& g, const Valid<T>& valid, int planes, const T* y) {
    if (planes_ == 0) choose_pivot(g, valid, y);
    Vec<T> sum{}, squares{};
    const Vec<T> pivot = pivot_;
    each_valid<T>(g, valid, [&](long o, Mask<T> m) __attribute__((always_inline)) {
      const Vec<T> d = keep<T>(Vec<T>(load(y + o) - pivot), m);
      sum += d;
      squares += d * d;
    });
    add(g, planes, sum, squares);
  }
  // Before the first planes, of which these are values.
  void choose_pivot(const Grid& g, const Valid<T>& valid, const T* y) {
    Vec<T> sum{};
    each_valid<T>(g, valid, [&](long o, Mask<T> m) { sum += keep<T>(load(y + o), m); });
    const double cells = double(g.rows) * g.cols;
    pivot_ = g.lanes == 1 ? splat(T(total<T>(sum) / cells)) : Vec<T>(sum / T(cells));
  }
  double mean() const { return means_ / planes_; }
  double variance() const {
    const double between = means_squared_ / planes_ - mean() * mean();
    return squares_ / (planes_ * cells_) + (between > 0 ? between : 0);
  }

 private:
  // apart: the plane's mean less the pivot; returns it.
  double add_plane(double pivot, double apart, double squares) {
    const double mean = pivot + apart, own = squares - cells_ * apart * apart;
    planes_ += 1;
    means_ += mean;
    means_squared_ += mean * mean;
    squares_ += own < 0 ? 0 : own;  // a NaN passes
    return apart;
  }

  Vec<T> pivot_{};
  double planes_ = 0, cells_ = 0, means_ = 0, means_squared_ = 0, squares_ = 0;
};

// Offsets of the kernel's taps in a padded plane.
inline void tap_offsets(const Grid& g, int kernel, long* offsets) {
  const int r = kernel / 2;
  for (int a = 0; a < kernel; ++a)
    for (int b = 0; b < kernel; ++b) offsets[a * kernel + b] = (a - r) * g.stride + long(b - r) * g.lanes;
}

// take(f, n, vector n of field f) of N vectors. W: T, one weight for all lanes, or Vec<T>, one for each.
template <class T, int F, int N, class W, class Take>
PDE_INLINE void convolve_at(const long* offsets, int taps, const T* x, const W* weight, const W* bias, Take&& take) {
  Vec<T> sum[F][N];
  for (int f = 0; f < F; ++f)
    for (int n = 0; n < N; ++n) sum[f][n] = Vec<T>{} + bias[f];
  for (int t = 0; t < taps; ++t) {
    Vec<T> value[N];
    for (int n = 0; n < N; ++n) value[n] = load(x + offsets[t] + n * kLanes<T>);
    for (int f = 0; f < F; ++f)
      for (int n = 0; n < N; ++n) sum[f][n] += value[n] * weight[f * taps + t];
  }
  for (int f = 0; f < F; ++f)
    for (int n = 0; n < N; ++n) take(f, n, sum[f][n]);
}

// take(f, o, vector of field f) for every vector o of a row of F depthwise convolutions, which begins at x.
template <class T, int F, int N = 2, class W, class Take>
PDE_INLINE void each_convolved(long width, const long* offsets, int taps, const T* x, const W* weight, const W* bias,
                               Take&& take) {
  constexpr int V = kLanes<T>;
  long o = 0;
  const auto from = [&](int f, int n, Vec<T> v) __attribute__((always_inline)) { take(f, o + n * V, v); };
  for (; taps == 9 && o + (N - 1) * V < width; o += N * V)
    convolve_at<T, F, N>(offsets, 9, x + o, weight, bias, from);
  for (; taps == 9 && o < width; o += V) convolve_at<T, F, 1>(offsets, 9, x + o, weight, bias, from);
  for (; o < width; o += V) convolve_at<T, F, 1>(offsets, taps, x + o, weight, bias, from);
}

// finish of F depthwise convolutions of one row, from the plane x at `at` into those of y at `to`, N vectors at a time.
template <class T, int F, int N = 2, class W, class Finish>
PDE_INLINE void convolve_row(long width, const long* offsets, int taps, const T* x, const W* weight, const W* bias,
                             T* const* y, long at, long to, Finish&& finish) {
  each_convolved<T, F, N>(width, offsets, taps, x + at, weight, bias, [&](int f, long o, Vec<T> v)
                          __attribute__((always_inline)) { store(y[f] + to + o, finish(f, v)); });
}

// The planes' convolutions, which are not kept, added to their moments, each with a pivot.
template <class T, int F>
void add_convolved(const Grid& g, const Valid<T>& valid, int planes, const long* offsets, int taps, const T* x,
                   const T* weight, const T* bias, Moments<T>* moments) {
  Vec<T> sum[F] = {}, squares[F] = {}, pivot[F];
  for (int f = 0; f < F; ++f) pivot[f] = moments[f].pivot();
  const long last = g.width - kLanes<T>;
  for (int i = 0; i < g.rows; ++i) {
    each_convolved<T, F>(g.width, offsets, taps, x + g.origin + i * g.stride, weight, bias, [&](int f, long o, Vec<T> v)
                         __attribute__((always_inline)) {
      const Vec<T> d = keep<T>(Vec<T>(v - pivot[f]), o < last ? valid.body : valid.last);
      sum[f] += d;
      squares[f] += d * d;
    });
  }
  for (int f = 0; f < F; ++f) moments[f].add(g, planes, sum[f], squares[f]);
}

// The same of one plane of g, read once; into planes of p. x has a halo of zeros.
template <class T, int F, class W, class Finish>
void convolve(const Grid& g, const Grid& p, const long* offsets, int taps, const T* x, const W* weight, const W* bias,
              T* const* y, Finish finish) {
  for (int i = 0; i < g.rows; ++i)
    convolve_row<T, F>(g.width, offsets, taps, x, weight, bias, y, g.origin + i * g.stride, p.origin + i * p.stride,
                       finish);
}

// x += sum over F of the transposed 3x3 convolutions of d[f], of N vectors of each row. A vector of d is read once for
// the three rows that it goes to.
template <class T, int F, int N>
PDE_INLINE void spread_strip(const Grid& g, T* x, const T* weight, T* const* d, long at) {
  constexpr int V = kLanes<T>;
  Vec<T> above[N], here[N], below[N];
  for (int n = 0; n < N; ++n) above[n] = here[n] = load(x + g.origin + at + n * V);
  for (int i = 0; i < g.rows; ++i) {
    const long row = g.origin + i * g.stride + at;
    for (int n = 0; n < N; ++n) below[n] = load(x + row + g.stride + n * V);  // of the last row: what nobody reads
    for (int f = 0; f < F; ++f) {
      for (int b = 0; b < 3; ++b) {
        const T* const w = weight + f * 9 + b;
        for (int n = 0; n < N; ++n) {
          const Vec<T> value = load(d[f] + row + (1 - b) * g.lanes + n * V);
          above[n] += value * w[0];
          here[n] += value * w[3];
          below[n] += value * w[6];
        }
      }
    }
    for (int n = 0; n < N; ++n) {
      if (i > 0) store(x + row - g.stride + n * V, above[n]);
      above[n] = here[n];
      here[n] = below[n];
    }
  }
  for (int n = 0; n < N; ++n) store(x + g.origin + (g.rows - 1) * g.stride + at + n * V, above[n]);
}

// x += sum over F of the transposed convolutions of d[f] (halo of zeros).
template <class T, int F>
void spread(const Grid& g, const long* offsets, int taps, T* x, const T* weight, T* const* d) {
  constexpr int V = kLanes<T>;
  if (taps == 9) {
    long at = 0;
    for (; at + V < g.width; at += 2 * V) spread_strip<T, F, 2>(g, x, weight, d, at);
    for (; at < g.width; at += V) spread_strip<T, F, 1>(g, x, weight, d, at);
    return;
  }
  each<T>(g, [&](long o) __attribute__((always_inline)) {
    Vec<T> sum = load(x + o);
    for (int f = 0; f < F; ++f)
      for (int t = 0; t < taps; ++t) sum += load(d[f] + o - offsets[t]) * weight[f * taps + t];
    store(x + o, sum);
  });
}

// gradient[f][t] += sum over cells of d[f] * x shifted by tap t; d is zero where there is no cell.
template <class T, int F>
void correlate(const Grid& g, const long* offsets, int taps, const T* x, T* const* d, double* gradient) {
  constexpr int kTogether = kVectorBytes == 64 ? 2 : 1;  // fields whose sums fit into the registers
  for (int f = 0; f < F && taps == 9; f += kTogether) {
    Vec<T> sum[kTogether][9] = {};
    each<T>(g, [&](long o) __attribute__((always_inline)) {
      Vec<T> value[kTogether];
      for (int k = 0; k < kTogether; ++k) value[k] = load(d[f + k] + o);
      for (int t = 0; t < 9; ++t) {
        const Vec<T> shifted = load(x + o + (t / 3 - 1) * g.stride + (t % 3 - 1) * g.lanes);
        for (int k = 0; k < kTogether; ++k) sum[k][t] += value[k] * shifted;
      }
    });
    for (int k = 0; k < kTogether; ++k)
      for (int t = 0; t < 9; ++t) gradient[(f + k) * 9 + t] += total<T>(sum[k][t]);
  }
  for (int f = 0; f < F && taps != 9; ++f) {
    for (int t = 0; t < taps; ++t) {
      Vec<T> sum{};
      each<T>(g, [&](long o) { sum += load(d[f] + o) * load(x + o + offsets[t]); });
      gradient[f * taps + t] += total<T>(sum);
    }
  }
}

}  // namespace pde
