// The implicit step, plane by plane: tridiagonal solves along the rows, then along the columns, by Thomas's algorithm.
//
// A line's recurrence runs over whole rows of the plane, so that the compiler's vectors lie across the lines. For the
// columns the plane is turned in the cache. The backward recomputes both solves and keeps nothing else. The definition
// is `pde_ops/whole_map/implicit.py`.
#include <cstddef>
#include <vector>

namespace pde {
namespace {

template <class T> inline T positive(T x) { return x < T(0) ? T(0) : x; }  // a NaN passes

// One direction on a plane: `lines` side by side in memory, each of `cells`, the next cell a row further.
struct Lines {
  long cells, lines;
  long size() const { return cells * lines; }
};

// What the solves of one direction need, a plane each.
template <class T> struct Factors {
  T *lower, *upper, *inverse;  // beside the diagonal; upper becomes upper * inverse; 1 / pivot
};

// y = (I - t A)^-1 right; y may be right.
template <class T>
void solve(Lines p, T time, T background, const T* __restrict velocity, const T* __restrict diffusivity, Factors<T> f, const T* right,
           T* y) {
  const long w = p.lines;
  for (long i = 0; i < p.cells; ++i) {
    const T below = i > 0 ? time : T(0), above = i + 1 < p.cells ? time : T(0);
    const T *u = velocity + i * w, *d = diffusivity + i * w, *r = right + i * w;
    T *__restrict lower = f.lower + i * w, *__restrict upper = f.upper + i * w, *__restrict inverse = f.inverse + i * w;
    if (i == 0) {
#pragma GCC ivdep
      for (long j = 0; j < w; ++j) {
        const T up = above * (positive(d[j]) + background + positive(u[j]));
        inverse[j] = 1 / (1 + up);
        lower[j] = 0;
        upper[j] = up * inverse[j];
        y[j] = r[j] * inverse[j];
      }
      continue;
    }
    const T *before = upper - w, *y_before = y + (i - 1) * w;
    T* to = y + i * w;
#pragma GCC ivdep
    for (long j = 0; j < w; ++j) {
      const T diffusion = positive(d[j]) + background;
      const T low = below * (diffusion + positive(-u[j])), up = above * (diffusion + positive(u[j]));
      const T one = 1 / (1 + up + low * (1 - before[j]));
      lower[j] = low;
      upper[j] = up * one;
      inverse[j] = one;
      to[j] = (r[j] + low * y_before[j]) * one;
    }
  }
  for (long i = p.cells - 2; i >= 0; --i) {
    T* to = y + i * w;
    const T *after = to + w, *upper = f.upper + i * w;
#pragma GCC ivdep
    for (long j = 0; j < w; ++j) to[j] += upper[j] * after[j];
  }
}

// z = (I - t A)^-T g, in place, with the factors that `solve` left.
template <class T> void solve_transposed(Lines p, Factors<T> f, T* z) {
  const long w = p.lines;
  for (long i = 1; i < p.cells; ++i) {
    T* to = z + i * w;
    const T *before = to - w, *upper = f.upper + (i - 1) * w;
#pragma GCC ivdep
    for (long j = 0; j < w; ++j) to[j] += upper[j] * before[j];
  }
  for (long i = p.cells - 1; i >= 0; --i) {
    T* to = z + i * w;
    const T* inverse = f.inverse + i * w;
    if (i + 1 == p.cells) {
#pragma GCC ivdep
      for (long j = 0; j < w; ++j) to[j] *= inverse[j];
      continue;
    }
    const T *after = to + w, *lower = f.lower + (i + 1) * w;
#pragma GCC ivdep
    for (long j = 0; j < w; ++j) to[j] = inverse[j] * (to[j] + lower[j] * after[j]);
  }
}

// Gradients of one direction's coefficients, from z and the solution y; the time's is given back.
template <class T>
double gradients(Lines p, T time, T background, const T* velocity, const T* diffusivity, const T* z, const T* y, T* __restrict of_velocity,
                 T* __restrict of_diffusivity) {
  const long w = p.lines;
  double sum = 0;
  for (long i = 0; i < p.cells; ++i) {
    const long at = i * w;
    const T below = i > 0, above = i + 1 < p.cells;
    const T *y_before = i > 0 ? y + at - w : y + at, *y_after = above ? y + at + w : y + at;
    T part = 0;
#pragma omp simd reduction(+ : part)
    for (long j = 0; j < w; ++j) {
      const T u = velocity[at + j], d = diffusivity[at + j];
      const T low = below * z[at + j] * (y_before[j] - y[at + j]), up = above * z[at + j] * (y_after[j] - y[at + j]);
      of_velocity[at + j] = time * (u > 0 ? up : u < 0 ? -low : T(0));
      of_diffusivity[at + j] = d > 0 ? time * (low + up) : T(0);
      part += (low + up) * (positive(d) + background) + low * positive(-u) + up * positive(u);
    }
    sum += double(part);
  }
  return sum;
}

// to (cols x rows) = from (rows x cols) turned.
template <class T> void turn(long rows, long cols, const T* __restrict from, T* __restrict to) {
  constexpr long B = 8;
  for (long i0 = 0; i0 < rows; i0 += B)
    for (long j0 = 0; j0 < cols; j0 += B) {
      const long i1 = i0 + B < rows ? i0 + B : rows, j1 = j0 + B < cols ? j0 + B : cols;
      for (long j = j0; j < j1; ++j)
        for (long i = i0; i < i1; ++i) to[j * rows + i] = from[i * cols + j];
    }
}

struct Shape {
  long images, channels, rows, cols;
  int threads;
  long planes() const { return images * channels; }
  long cells() const { return rows * cols; }
  Lines down() const { return {rows, cols}; }
  Lines across() const { return {cols, rows}; }
};

// Planes for one thread.
template <class T> class Memory {
 public:
  Memory(long cells, int planes) : cells_(cells), memory_(size_t(cells * planes)), next_(memory_.data()) {}
  T* take() {
    T* const plane = next_;
    next_ += cells_;
    return plane;
  }
  Factors<T> factors() {
    T *lower = take(), *upper = take(), *inverse = take();
    return {lower, upper, inverse};
  }

 private:
  long cells_;
  std::vector<T> memory_;
  T* next_;
};

// fields: h, source or null, velocity x, y, diffusivity x, y, time (one a channel).
template <class T> void forward(const Shape& s, T* out, const void* const* fields, T background) {
  const T *const h = (const T*)fields[0], *const source = (const T*)fields[1], *const times = (const T*)fields[6];
#pragma omp parallel num_threads(s.threads) if (s.threads > 1)
  {
    Memory<T> memory(s.cells(), 7);
    const Factors<T> f = memory.factors();
    T *y = memory.take(), *turned = memory.take(), *v = memory.take(), *d = memory.take();
#pragma omp for schedule(static)
    for (long plane = 0; plane < s.planes(); ++plane) {
      const long at = plane * s.cells();
      const T time = times[plane % s.channels];
      solve<T>(s.down(), time, background, (const T*)fields[2] + at, (const T*)fields[4] + at, f, h + at, y);
      turn(s.rows, s.cols, y, turned);
      turn(s.rows, s.cols, (const T*)fields[3] + at, v);
      turn(s.rows, s.cols, (const T*)fields[5] + at, d);
      solve<T>(s.across(), time, background, v, d, f, turned, turned);
      T* const to = out + at;
      turn(s.cols, s.rows, turned, to);
      if (source)
        for (long o = 0; o < s.cells(); ++o) to[o] += time * source[at + o];
    }
  }
}

// gradients: of the fields, in their order, that of time one a plane; the source's may be null.
template <class T>
void backward(const Shape& s, void* const* grads, const T* grad, const void* const* fields, T background) {
  const T *const h = (const T*)fields[0], *const source = (const T*)fields[1], *const times = (const T*)fields[6];
#pragma omp parallel num_threads(s.threads) if (s.threads > 1)
  {
    Memory<T> memory(s.cells(), 14);
    const Factors<T> fx = memory.factors(), fy = memory.factors();
    T *y = memory.take(), *turned = memory.take(), *v = memory.take(), *d = memory.take();
    T *z = memory.take(), *of_v = memory.take(), *of_d = memory.take();
#pragma omp for schedule(static)
    for (long plane = 0; plane < s.planes(); ++plane) {
      const long at = plane * s.cells();
      const T time = times[plane % s.channels];
      const T *u = (const T*)fields[2] + at, *diffusivity_x = (const T*)fields[4] + at;
      solve<T>(s.down(), time, background, u, diffusivity_x, fx, h + at, y);
      turn(s.rows, s.cols, y, turned);
      turn(s.rows, s.cols, (const T*)fields[3] + at, v);
      turn(s.rows, s.cols, (const T*)fields[5] + at, d);
      solve<T>(s.across(), time, background, v, d, fy, turned, turned);
      turn(s.rows, s.cols, grad + at, z);
      solve_transposed<T>(s.across(), fy, z);
      double of_time = gradients<T>(s.across(), time, background, v, d, z, turned, of_v, of_d);
      turn(s.cols, s.rows, of_v, (T*)grads[3] + at);
      turn(s.cols, s.rows, of_d, (T*)grads[5] + at);
      T* const of_h = (T*)grads[0] + at;
      turn(s.cols, s.rows, z, of_h);
      solve_transposed<T>(s.down(), fx, of_h);
      of_time += gradients<T>(s.down(), time, background, u, diffusivity_x, of_h, y, (T*)grads[2] + at, (T*)grads[4] + at);
      if (source) {
        T* const of_source = (T*)grads[1] + at;
        T part = 0;
#pragma omp simd reduction(+ : part)
        for (long o = 0; o < s.cells(); ++o) {
          of_source[o] = time * grad[at + o];
          part += grad[at + o] * source[at + o];
        }
        of_time += double(part);
      }
      ((T*)grads[6])[plane] = T(of_time);
    }
  }
}

}  // namespace
}  // namespace pde

// type: 0 float, 1 double. sizes: images, channels, rows, columns.
extern "C" void pde_implicit(int type, void* out, const void* const* fields, double background,
                             const long* sizes, int threads) {
  const pde::Shape s{sizes[0], sizes[1], sizes[2], sizes[3], threads};
  if (type == 0) pde::forward<float>(s, (float*)out, fields, float(background));
  else pde::forward<double>(s, (double*)out, fields, background);
}

extern "C" void pde_implicit_backward(int type, void* const* grads, const void* grad, const void* const* fields,
                                      double background, const long* sizes, int threads) {
  const pde::Shape s{sizes[0], sizes[1], sizes[2], sizes[3], threads};
  if (type == 0) pde::backward<float>(s, grads, (const float*)grad, fields, float(background));
  else pde::backward<double>(s, grads, (const double*)grad, fields, background);
}
