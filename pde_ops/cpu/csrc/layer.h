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

// Mean and variance over many planes: each plane's own, merged in double.
template <class T> class Moments {
 public:
  void add(const Grid& g, const Valid<T>& valid, int planes, const T* y) {
    const double cells = double(g.rows) * g.cols;
    Vec<T> sum{}, squares{};
    each_valid<T>(g, valid, [&](long o, Mask<T> m) { sum += keep<T>(load(y + o), m); });
    const Vec<T> mean = g.lanes == 1 ? splat(T(total<T>(sum) / cells)) : Vec<T>(sum / T(cells));
    each_valid<T>(g, valid, [&](long o, Mask<T> m) {
      const Vec<T> d = load(y + o) - mean;
      squares += keep<T>(Vec<T>(d * d), m);
    });
    squares_ += total<T>(squares);
    cells_ = cells;
    for (int lane = 0; lane < planes; ++lane) {
      planes_ += 1;
      means_ += mean[lane];
      means_squared_ += double(mean[lane]) * mean[lane];
    }
  }
  double mean() const { return means_ / planes_; }
  double variance() const {
    const double between = means_squared_ / planes_ - mean() * mean();
    return squares_ / (planes_ * cells_) + (between > 0 ? between : 0);
  }

 private:
  double planes_ = 0, cells_ = 0, means_ = 0, means_squared_ = 0, squares_ = 0;
};

// Offsets of the kernel's taps in a padded plane.
inline void tap_offsets(const Grid& g, int kernel, long* offsets) {
  const int r = kernel / 2;
  for (int a = 0; a < kernel; ++a)
    for (int b = 0; b < kernel; ++b) offsets[a * kernel + b] = (a - r) * g.stride + long(b - r) * g.lanes;
}

// W: T, one weight for all lanes, or Vec<T>, one for each.
template <class T, int F, int N, class W, class Finish>
PDE_INLINE void convolve_at(const long* offsets, int taps, const T* x, const W* weight, T* const* y, long at, long to,
                            const W* bias, Finish&& finish) {
  Vec<T> sum[F][N];
  for (int f = 0; f < F; ++f)
    for (int n = 0; n < N; ++n) sum[f][n] = Vec<T>{} + bias[f];
  for (int t = 0; t < taps; ++t) {
    Vec<T> value[N];
    for (int n = 0; n < N; ++n) value[n] = load(x + at + offsets[t] + n * kLanes<T>);
    for (int f = 0; f < F; ++f)
      for (int n = 0; n < N; ++n) sum[f][n] += value[n] * weight[f * taps + t];
  }
  for (int f = 0; f < F; ++f)
    for (int n = 0; n < N; ++n) store(y[f] + to + n * kLanes<T>, finish(f, sum[f][n]));
}

// finish of F depthwise convolutions of one row, from the plane x at `at` into those of y at `to`, N vectors at a time.
template <class T, int F, int N = 2, class W, class Finish>
PDE_INLINE void convolve_row(long width, const long* offsets, int taps, const T* x, const W* weight, const W* bias,
                             T* const* y, long at, long to, Finish&& finish) {
  constexpr int V = kLanes<T>;
  long o = 0;
  if (taps == 9) {
    for (; o + (N - 1) * V < width; o += N * V)
      convolve_at<T, F, N>(offsets, 9, x, weight, y, at + o, to + o, bias, finish);
    for (; o < width; o += V) convolve_at<T, F, 1>(offsets, 9, x, weight, y, at + o, to + o, bias, finish);
  } else {
    for (; o < width; o += V) convolve_at<T, F, 1>(offsets, taps, x, weight, y, at + o, to + o, bias, finish);
  }
}

// The same of one plane of g, read once; into planes of p. x has a halo of zeros.
template <class T, int F, class W, class Finish>
void convolve(const Grid& g, const Grid& p, const long* offsets, int taps, const T* x, const W* weight, const W* bias,
              T* const* y, Finish finish) {
  for (int i = 0; i < g.rows; ++i)
    convolve_row<T, F>(g.width, offsets, taps, x, weight, bias, y, g.origin + i * g.stride, p.origin + i * p.stride,
                       finish);
}

// x += sum over F of the transposed convolutions of d[f] (halo of zeros).
template <class T, int F, int N>
PDE_INLINE void spread_at(const long* offsets, int taps, T* x, const T* weight, T* const* d, long o) {
  Vec<T> sum[N];
  for (int n = 0; n < N; ++n) sum[n] = load(x + o + n * kLanes<T>);
  for (int f = 0; f < F; ++f)
    for (int t = 0; t < taps; ++t)
      for (int n = 0; n < N; ++n)
        sum[n] += load(d[f] + o - offsets[t] + n * kLanes<T>) * weight[f * taps + t];
  for (int n = 0; n < N; ++n) store(x + o + n * kLanes<T>, sum[n]);
}
template <class T, int F>
void spread(const Grid& g, const long* offsets, int taps, T* x, const T* weight, T* const* d) {
  constexpr int V = kLanes<T>;
  for (int i = 0; i < g.rows; ++i) {
    const long row = g.origin + i * g.stride;
    long at = 0;
    if (taps == 9) {
      for (; at + V < g.width; at += 2 * V) spread_at<T, F, 2>(offsets, 9, x, weight, d, row + at);
      for (; at < g.width; at += V) spread_at<T, F, 1>(offsets, 9, x, weight, d, row + at);
    } else {
      for (; at < g.width; at += V) spread_at<T, F, 1>(offsets, taps, x, weight, d, row + at);
    }
  }
}

// gradient[t] += sum over cells of d * x shifted by tap t.
template <class T>
void correlate(const Grid& g, const long* offsets, int taps, const T* x, const T* d, double* gradient) {
  if (taps == 9) {
    Vec<T> sum[9] = {};
    each<T>(g, [&](long o) __attribute__((always_inline)) {
      const Vec<T> value = load(d + o);
      for (int t = 0; t < 9; ++t) sum[t] += value * load(x + o + offsets[t]);
    });
    for (int t = 0; t < 9; ++t) gradient[t] += total<T>(sum[t]);
    return;
  }
  for (int t = 0; t < taps; ++t) {
    Vec<T> sum{};
    each<T>(g, [&](long o) { sum += load(d + o) * load(x + o + offsets[t]); });
    gradient[t] += total<T>(sum);
  }
}

}  // namespace pde
