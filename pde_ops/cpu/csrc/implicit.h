// The implicit step on one plane, or on a pack of planes side by side: tridiagonal solves along the rows, then along
// the columns, by Thomas's algorithm. The definition is `pde_ops/whole_map/implicit.py`.
//
// A line's recurrence runs over whole rows of the plane, so that the compiler's vectors lie across the lines. For the
// columns a plane is turned in the cache; in a pack the vectors lie across the planes.
#pragma once

#include "grid.h"

namespace pde {

template <class T> inline T positive(T x) { return x < T(0) ? T(0) : x; }  // a NaN passes

// `lines` side by side in memory, each of `cells`, the next cell `apart` further.
struct Lines {
  long cells, lines, apart;
};

// What a step is made of besides its fields.
template <class T> struct Step {
  T time, background;
};

// What the solves of one direction need, a plane each.
template <class T> struct Pivots {
  T *lower, *upper, *inverse;  // beside the diagonal; that times the inverse; 1 / pivot
  Pivots at(long offset) const { return {lower + offset, upper + offset, inverse + offset}; }
};

// y = (I - t A)^-1 right; y may be right. W: the number of lines where it is known, or 0.
template <class T, int W>
void solve(Lines p, Step<T> s, const T* velocity, const T* diffusivity, Pivots<T> f, const T* right, T* y) {
  const long w = W ? W : p.lines;
  for (long i = 0; i < p.cells; ++i) {
    const long at = i * p.apart;
    const T below = i > 0 ? s.time : T(0), above = i + 1 < p.cells ? s.time : T(0);
    const T *u = velocity + at, *d = diffusivity + at, *r = right + at;
    T *lower = f.lower + at, *upper = f.upper + at, *inverse = f.inverse + at, *to = y + at;
    const T *before = i ? upper - p.apart : upper, *y_before = i ? to - p.apart : r;
#pragma GCC ivdep
    for (long j = 0; j < w; ++j) {
      const T diffusion = positive(d[j]) + s.background;
      const T low = below * (diffusion + positive(-u[j])), up = above * (diffusion + positive(u[j]));
      const T one = 1 / (1 + up + (i ? low * (1 - before[j]) : T(0)));
      lower[j] = low;
      upper[j] = up * one;
      inverse[j] = one;
      to[j] = (r[j] + low * y_before[j]) * one;
    }
  }
  for (long i = p.cells - 2; i >= 0; --i) {
    T* to = y + i * p.apart;
    const T *after = to + p.apart, *upper = f.upper + i * p.apart;
#pragma GCC ivdep
    for (long j = 0; j < w; ++j) to[j] += upper[j] * after[j];
  }
}

// z = (I - t A)^-T z with the pivots that `solve` left.
template <class T, int W> void solve_transposed(Lines p, Pivots<T> f, T* z) {
  const long w = W ? W : p.lines;
  for (long i = 1; i < p.cells; ++i) {
    T* to = z + i * p.apart;
    const T *before = to - p.apart, *upper = f.upper + (i - 1) * p.apart;
#pragma GCC ivdep
    for (long j = 0; j < w; ++j) to[j] += upper[j] * before[j];
  }
  for (long i = p.cells - 1; i >= 0; --i) {
    T* to = z + i * p.apart;
    const T* inverse = f.inverse + i * p.apart;
    if (i + 1 == p.cells) {
#pragma GCC ivdep
      for (long j = 0; j < w; ++j) to[j] *= inverse[j];
      continue;
    }
    const T *after = to + p.apart, *lower = f.lower + (i + 1) * p.apart;
#pragma GCC ivdep
    for (long j = 0; j < w; ++j) to[j] = inverse[j] * (to[j] + lower[j] * after[j]);
  }
}

// Gradients of one direction's coefficients, from z and the solution y; they may stand where these coefficients are.
// Gives that of the time.
template <class T, int W>
double gradients(Lines p, Step<T> s, const T* velocity, const T* diffusivity, const T* z, const T* y, T* of_velocity,
                 T* of_diffusivity) {
  const long w = W ? W : p.lines;
  double sum = 0;
  for (long i = 0; i < p.cells; ++i) {
    const long at = i * p.apart;
    const bool last = i + 1 == p.cells;
    const T below = i > 0, above = !last;
    const T *here = y + at, *before = i > 0 ? here - p.apart : here, *after = last ? here : here + p.apart;
    T part = 0;
#pragma omp simd reduction(+ : part)
    for (long j = 0; j < w; ++j) {
      const T u = velocity[at + j], d = diffusivity[at + j];
      const T low = below * z[at + j] * (before[j] - here[j]), up = above * z[at + j] * (after[j] - here[j]);
      of_velocity[at + j] = s.time * (u > 0 ? up : u < 0 ? -low : T(0));
      of_diffusivity[at + j] = d > 0 ? s.time * (low + up) : T(0);
      part += (low + up) * (positive(d) + s.background) + low * positive(-u) + up * positive(u);
    }
    sum += double(part);
  }
  return sum;
}

// to (cols x rows) = from (rows x cols) turned; rows of either are `from_apart` and `to_apart` scalars apart.
template <class T> void turn(long rows, long cols, const T* from, long from_apart, T* to, long to_apart) {
  constexpr long B = 8;
  for (long i0 = 0; i0 < rows; i0 += B)
    for (long j0 = 0; j0 < cols; j0 += B) {
      const long i1 = i0 + B < rows ? i0 + B : rows, j1 = j0 + B < cols ? j0 + B : cols;
      for (long j = j0; j < j1; ++j)
        for (long i = i0; i < i1; ++i) to[j * to_apart + i] = from[i * from_apart + j];
    }
}

// One plane's fields: state, velocities and diffusivities along rows (x) and columns (y).
template <class T> struct ImplicitFields {
  const T *h, *u, *v, *dfx, *dfy;
};
template <class T> struct ImplicitGradients {
  T *h, *u, *v, *dfx, *dfy;
};

// Planes of rows x cols cells, a cell `lanes` wide, whose rows are `apart` scalars apart; and memory for their solves.
template <class T> class ImplicitPlane {
 public:
  static long scalars(long rows, long apart, bool backward) { return (backward ? 13 : 6) * rows * apart; }

  ImplicitPlane(long rows, long cols, long lanes, long apart, T* memory)
      : rows_(rows), cols_(cols), lanes_(lanes), apart_(apart), next_(memory) {}

  // out may be in.h.
  void forward(Step<T> s, const ImplicitFields<T>& in, T* out) {
    T* const start = next_;
    const Pivots<T> f = pivots();
    solve<T, 0>(down(), s, in.u, in.dfx, f, in.h, out);
    if (lanes_ > 1) {
      each_row([&](Lines p, long at) { solve_pack(p, s, in.v + at, in.dfy + at, f.at(at), out + at); });
    } else {
      T *y = turned(out), *v = turned(in.v), *d = turned(in.dfy);
      solve<T, 0>(across(), s, v, d, f, y, y);
      turn_back(y, out);
    }
    next_ = start;
  }

  // grad: at the result; those of the fields may stand where u, v, dfx and dfy are. Gives that of the time.
  double backward(Step<T> s, const ImplicitFields<T>& in, const T* grad, const ImplicitGradients<T>& of) {
    T* const start = next_;
    const Pivots<T> fx = pivots(), fy = pivots();
    T* const middle = take();
    double of_time = 0;
    solve<T, 0>(down(), s, in.u, in.dfx, fx, in.h, middle);
    if (lanes_ > 1) {
      T* const last = take();
      for (long o = 0; o < rows_ * apart_; ++o) last[o] = middle[o];
      each_row([&](Lines p, long at) {
        constexpr int V = kLanes<T>;
        solve_pack(p, s, in.v + at, in.dfy + at, fy.at(at), last + at);
        for (long o = 0; o < cols_ * lanes_; ++o) of.h[at + o] = grad[at + o];
        solve_transposed<T, V>(p, fy.at(at), of.h + at);
        of_time += gradients<T, V>(p, s, in.v + at, in.dfy + at, of.h + at, last + at, of.v + at, of.dfy + at);
      });
    } else {
      T *y = turned(middle), *v = turned(in.v), *d = turned(in.dfy), *z = turned(grad);
      solve<T, 0>(across(), s, v, d, fy, y, y);
      solve_transposed<T, 0>(across(), fy, z);
      of_time += gradients<T, 0>(across(), s, v, d, z, y, v, d);
      turn_back(v, of.v);
      turn_back(d, of.dfy);
      turn_back(z, of.h);
    }
    solve_transposed<T, 0>(down(), fx, of.h);
    of_time += gradients<T, 0>(down(), s, in.u, in.dfx, of.h, middle, of.u, of.dfx);
    next_ = start;
    return of_time;
  }

 private:
  long rows_, cols_, lanes_, apart_;
  T* next_;

  Lines down() const { return {rows_, cols_ * lanes_, apart_}; }
  Lines across() const { return {cols_, rows_, rows_}; }
  T* take() {
    T* const plane = next_;
    next_ += rows_ * apart_;
    return plane;
  }
  Pivots<T> pivots() {
    T *lower = take(), *upper = take(), *inverse = take();
    return {lower, upper, inverse};
  }
  T* turned(const T* plane) {
    T* const to = take();
    turn(rows_, cols_, plane, apart_, to, rows_);
    return to;
  }
  void turn_back(const T* plane, T* to) const { turn(cols_, rows_, plane, rows_, to, apart_); }
  template <class F> void each_row(F&& f) const {
    for (long i = 0; i < rows_; ++i) f(Lines{cols_, lanes_, lanes_}, i * apart_);
  }
  static void solve_pack(Lines p, Step<T> s, const T* v, const T* d, Pivots<T> f, T* y) {
    solve<T, kLanes<T>>(p, s, v, d, f, y, y);
  }
};

}  // namespace pde
