// The implicit step of a whole batch, plane by plane. The backward recomputes the solves and keeps nothing else.
#include "implicit.h"

namespace pde {
namespace {

thread_local Scratch scratch;

struct Shape {
  long images, channels, rows, cols;
  int threads;
  long planes() const { return images * channels; }
  long cells() const { return rows * cols; }
  template <class T> ImplicitPlane<T> plane(bool backward) const {
    return {rows, cols, 1, cols, scratch.get<T>(ImplicitPlane<T>::scalars(rows, cols, backward))};
  }
};

// h, source or null, velocity x, y, diffusivity x, y, time (one a channel).
template <class T> struct Batch {
  const T *h, *source, *u, *v, *dfx, *dfy, *time;
  explicit Batch(const void* const* fields)
      : h((const T*)fields[0]), source((const T*)fields[1]), u((const T*)fields[2]), v((const T*)fields[3]),
        dfx((const T*)fields[4]), dfy((const T*)fields[5]), time((const T*)fields[6]) {}
  ImplicitFields<T> at(long o) const { return {h + o, u + o, v + o, dfx + o, dfy + o}; }
};

template <class T> void forward(const Shape& s, T* out, const Batch<T>& in, T background) {
#pragma omp parallel num_threads(s.threads) if (s.threads > 1)
  {
    ImplicitPlane<T> plane = s.plane<T>(false);
#pragma omp for schedule(static)
    for (long p = 0; p < s.planes(); ++p) {
      const long at = p * s.cells();
      const T time = in.time[p % s.channels];
      T* const to = out + at;
      plane.forward({time, background}, in.at(at), to);
      if (in.source)
        for (long o = 0; o < s.cells(); ++o) to[o] += time * in.source[at + o];
    }
  }
}

// grads: of the fields, in their order, that of time one a plane; the source's may be null.
template <class T>
void backward(const Shape& s, void* const* grads, const T* grad, const Batch<T>& in, T background) {
#pragma omp parallel num_threads(s.threads) if (s.threads > 1)
  {
    ImplicitPlane<T> plane = s.plane<T>(true);
#pragma omp for schedule(static)
    for (long p = 0; p < s.planes(); ++p) {
      const long at = p * s.cells();
      const T time = in.time[p % s.channels];
      const auto of = [&](int k) { return (T*)grads[k] + at; };
      double of_time = plane.backward({time, background}, in.at(at), grad + at, {of(0), of(2), of(3), of(4), of(5)});
      if (in.source) {
        T* const of_source = of(1);
        T part = 0;
#pragma omp simd reduction(+ : part)
        for (long o = 0; o < s.cells(); ++o) {
          of_source[o] = time * grad[at + o];
          part += grad[at + o] * in.source[at + o];
        }
        of_time += double(part);
      }
      ((T*)grads[6])[p] = T(of_time);
    }
  }
}

}  // namespace
}  // namespace pde

// type: 0 float, 1 double. sizes: images, channels, rows, columns.
extern "C" void pde_implicit(int type, void* out, const void* const* fields, double background, const long* sizes,
                             int threads) {
  const pde::Shape s{sizes[0], sizes[1], sizes[2], sizes[3], threads};
  if (type == 0) pde::forward<float>(s, (float*)out, pde::Batch<float>(fields), float(background));
  else pde::forward<double>(s, (double*)out, pde::Batch<double>(fields), background);
}

extern "C" void pde_implicit_backward(int type, void* const* grads, const void* grad, const void* const* fields,
                                      double background, const long* sizes, int threads) {
  const pde::Shape s{sizes[0], sizes[1], sizes[2], sizes[3], threads};
  if (type == 0) pde::backward<float>(s, grads, (const float*)grad, pde::Batch<float>(fields), float(background));
  else pde::backward<double>(s, grads, (const double*)grad, pde::Batch<double>(fields), background);
}
