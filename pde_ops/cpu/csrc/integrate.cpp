// pde_ops::integrate on the CPU: every plane stays in one core's cache for all steps, forward and backward.
//
// Planes whose rows fill whole registers are taken where they lie (flat.h); others are copied into padded planes,
// small ones a register full of them side by side (scheme.h).
#include "flat_adjoint.h"

namespace pde {

static thread_local Scratch scratch;

// Input tensors in the operator's order; null where absent.
enum Input { kH, kSource, kVx, kVy, kDx, kDy, kInitial, kInputs };

// ---- planes where they lie -------------------------------------------------------------------------

template <class T, int R, int H> constexpr PlaneKernels<T> kKernels = {flat_forward<T, R, H>, flat_backward<T, R, H>};
template <class T> const PlaneKernels<T>& plane_kernels(const Flat<T>& f) {
  switch (f.width / kLanes<T>) {
    case 1: return f.rows == 8 && f.sx == 1 ? kKernels<T, 1, 8> : kKernels<T, 1, 0>;
    case 2: return kKernels<T, 2, 0>;
    case 4: return kKernels<T, 4, 0>;
    default: return kKernels<T, 0, 0>;
  }
}
template const PlaneKernels<float>& plane_kernels(const Flat<float>&);
template const PlaneKernels<double>& plane_kernels(const Flat<double>&);

// The operator's inputs plane by plane as T: where they lie, converted, or filled with a number once.
template <class T, class S> class PlaneInputs {
 public:
  PlaneInputs(const S* const* in, const double* constants, const Flat<T>& f, T* memory)
      : in_(in), cells_(f.cells), apart_(f.apart), memory_(memory) {
    for (int k = kSource; k < kInitial; ++k)
      if (!in[k]) std::fill_n(plane(k), cells_, k == kSource ? T(0) : T(constants[k - kVx]));
  }
  Inputs<T> at(long start) const {
    const T* at[kInputs];
    for (int k = 0; k < kInputs; ++k) at[k] = in_[k] ? convert(in_[k] + start, plane(k)) : plane(k);
    const T* before = in_[kInitial] ? at[kInitial] : at[kH];
    return {at[kH], at[kSource], at[kVx], at[kVy], at[kDx], at[kDy], before};
  }
  const T* convert(const S* from, T* to) const {
    if constexpr (std::is_same<T, S>::value) return from;
    for (long o = 0; o < cells_; ++o) to[o] = widen(from[o]);
    return to;
  }

 private:
  T* plane(int k) const { return memory_ + k * apart_; }
  const S* const* in_;
  long cells_, apart_;
  T* memory_;
};

// To fetch the plane that starts `cells` scalars later.
template <class S> Ahead next_plane(const S* const* in, long start, long cells, bool more, int calls) {
  if (!more || calls < 1) return {};
  Ahead ahead(cells * long(sizeof(S)), calls);
  for (int k = 0; k < kInputs; ++k)
    if (in[k]) ahead.from[k] = reinterpret_cast<const char*>(in[k] + start + cells);
  return ahead;
}

template <class T, class S>
void forward_flat(S* out, const S* const* in, const double* constants, long planes, const Flat<T>& f, const Scheme& s,
                  int threads) {
  const auto kernel = plane_kernels(f).forward;
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
    T* memory = scratch.get<T>((kInputs + 1 + kFlatForwardPlanes) * f.apart);
    const PlaneInputs<T, S> inputs(in, constants, f, memory);
    T* const result = memory + kInputs * f.apart;
#pragma omp for schedule(static)
    for (long plane = 0; plane < planes; ++plane) {
      const long at = plane * f.cells;
      Ahead ahead = next_plane(in, at, f.cells, plane + 1 < planes, f.rows * (s.steps - 1));
      if constexpr (std::is_same<T, S>::value) {
        kernel(f, s, inputs.at(at), out + at, result, ahead);
      } else {
        kernel(f, s, inputs.at(at), result, result + f.apart, ahead);
        for (long o = 0; o < f.cells; ++o) narrow(result[o], out[at + o]);
      }
    }
  }
}

template <class T, class S>
void backward_flat(S* const* out, const S* grad, const S* const* in, const double* constants, long planes,
                   const Flat<T>& f, const Scheme& s, int threads) {
  const auto kernel = plane_kernels(f).backward;
  constexpr bool same = std::is_same<T, S>::value;
  const long own = 2 * kInputs + 2;  // inputs, their gradients, the result's gradient, one for what nobody wants
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
    const long scalars = own * f.apart + flat_backward_scalars(f, s.steps);
    T* memory = scratch.get<T>(scalars);
    const PlaneInputs<T, S> inputs(in, constants, f, memory);
    T* const gradients = memory + kInputs * f.apart;
    std::vector<const T*> pointers;
#pragma omp for schedule(static)
    for (long plane = 0; plane < planes; ++plane) {
      const long at = plane * f.cells;
      T* to[kInputs];
      for (int k = 0; k < kInputs; ++k) {
        to[k] = gradients + (out[k] ? k : kInputs) * f.apart;
        if constexpr (same)
          if (out[k]) to[k] = out[k] + at;
      }
      const Outputs<T> outputs{to[kH], to[kSource], to[kVx], to[kVy], to[kDx], to[kDy], to[kInitial]};
      Ahead ahead = next_plane(in, at, f.cells, plane + 1 < planes, f.rows * (2 * s.steps - 2));
      if (!same) ahead = {};
      const T* from = inputs.convert(grad + at, gradients + (kInputs + 1) * f.apart);
      kernel(f, s, inputs.at(at), from, outputs, memory + own * f.apart, pointers, in[kInitial] != nullptr, ahead);
      if constexpr (!same)
        for (int k = 0; k < kInputs; ++k)
          if (out[k])
            for (long o = 0; o < f.cells; ++o) narrow(to[k][o], out[k][at + o]);
    }
  }
}

// ---- padded planes ---------------------------------------------------------------------------------

// Asks for the next planes while this thread computes on these: with few steps memory is what it waits for.
template <class S> PDE_INLINE void fetch(const S* const* in, long at, long scalars) {
  for (int k = 0; k < kInputs; ++k) {
    if (!in[k]) continue;
    for (long o = 0; o < scalars; o += 64 / long(sizeof(S))) __builtin_prefetch(in[k] + at + o, 0, 2);
  }
}

template <class T, class S>
void forward(S* out, const S* const* in, const double* constants, long planes, int rows, int cols,
             const Scheme& s, int threads) {
  if (Flat<T>::fits(s, cols)) return forward_flat<T, S>(out, in, constants, planes, Flat<T>(s, rows, cols), s, threads);
  const int lanes = choose_lanes<T>(rows, cols, planes);
  const Grid g = make_grid<T>(rows, cols, s.dx, s.dy, s.periodic, 0, lanes);
  const long cells = long(rows) * cols, packs = (planes + lanes - 1) / lanes;
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
    Planes<T> memory(g, scratch.get<T>(15 * g.size));
    Stencil<T> c{};
    T *field[4], *source = memory.take(), *h = memory.take(), *p = memory.take(), *spare = memory.take();
    for (T** plane : {&c.xl, &c.xu, &c.yl, &c.yu, &c.c0, &c.src}) *plane = memory.take();
    for (int k = 0; k < 4; ++k) {
      field[k] = memory.take();
      if (in[kVx + k]) continue;
      fill_constant(g, field[k], T(constants[k]));
      if (k < 2) fill_halo(g, field[k], g.velocity);
    }
#pragma omp for schedule(static)
    for (long pack = 0; pack < packs; ++pack) {
      const long at = pack * lanes * cells;
      const int count = int(planes - pack * lanes < lanes ? planes - pack * lanes : lanes);
      for (int k = 0; k < 4; ++k) {
        if (!in[kVx + k]) continue;
        load_planes(g, field[k], in[kVx + k] + at, count, cells);
        if (k < 2) fill_halo(g, field[k], g.velocity);
      }
      if (in[kSource]) load_planes(g, source, in[kSource] + at, count, cells);
      if (in[kInitial]) load_planes(g, p, in[kInitial] + at, count, cells);
      load_planes(g, h, in[kH] + at, count, cells);
      if (at + 2 * lanes * cells <= planes * cells) fetch(in, at + lanes * cells, lanes * cells);
      fill_halo(g, h, g.state);
      const Inputs<T> planes_in{h, in[kSource] ? source : nullptr, field[0], field[1], field[2], field[3],
                                in[kInitial] ? p : h};
      const T* last = evolve(g, s, c, planes_in, h, spare);
      store_planes(g, last, out + at, count, cells);
    }
  }
}

template <class T, class S>
void backward(S* const* out, const S* grad, const S* const* in, const double* constants, long planes,
              int rows, int cols, const Scheme& s, int threads) {
  if (Flat<T>::fits(s, cols))
    return backward_flat<T, S>(out, grad, in, constants, planes, Flat<T>(s, rows, cols), s, threads);
  const int lanes = choose_lanes<T>(rows, cols, planes);
  const Grid g = make_grid<T>(rows, cols, s.dx, s.dy, s.periodic, 0, lanes);
  const long cells = long(rows) * cols, packs = (planes + lanes - 1) / lanes;
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
    Planes<T> memory(g, scratch.get<T>(adjoint_planes(s.steps) * g.size));
    Adjoint<T> a = take_adjoint(memory, s.steps);
    T* const field[4] = {a.u, a.v, a.dfx, a.dfy};
    const bool source = in[kSource] != nullptr, initial = in[kInitial] != nullptr;
#pragma omp for schedule(static)
    for (long pack = 0; pack < packs; ++pack) {
      const long at = pack * lanes * cells;
      const int count = int(planes - pack * lanes < lanes ? planes - pack * lanes : lanes);
      for (int k = 0; k < 4; ++k) {
        if (in[kVx + k]) load_planes(g, field[k], in[kVx + k] + at, count, cells);
        else fill_constant(g, field[k], T(constants[k]));
        if (k < 2) fill_halo(g, field[k], g.velocity);
      }
      if (source) load_planes(g, a.source, in[kSource] + at, count, cells);
      if (initial) load_planes(g, a.states[0], in[kInitial] + at, count, cells);
      load_planes(g, a.states[1], in[kH] + at, count, cells);
      fill_halo(g, a.states[1], g.state);
      load_planes(g, a.grad, grad + at, count, cells);
      if (at + 2 * lanes * cells <= planes * cells) fetch(in, at + lanes * cells, lanes * cells);
      adjoint(g, s, a, source, initial);
      if (!initial && out[kH])
        each<T>(g, [&](long o) { store(a.grad_h + o, Vec<T>(load(a.grad_h + o) + load(a.grad_initial + o))); });
      const T* const gradients[kInputs] = {a.grad_h, a.source, a.u, a.v, a.dfx, a.dfy, a.grad_initial};
      for (int k = 0; k < kInputs; ++k)
        if (out[k]) store_planes(g, gradients[k], out[k] + at, count, cells);
    }
  }
}

}  // namespace pde

// type: 0 float, 1 double, 2 bfloat16.
extern "C" void pde_integrate(int type, void* out, const void* const* in, const double* constants, long planes,
                             int rows, int cols, int steps, double dt, int dx, int dy, int periodic, int threads) {
  const pde::Scheme s{steps, dx, dy, periodic != 0, dt};
  if (type == 0)
    pde::forward<float>((float*)out, (const float* const*)in, constants, planes, rows, cols, s, threads);
  else if (type == 1)
    pde::forward<double>((double*)out, (const double* const*)in, constants, planes, rows, cols, s, threads);
  else
    pde::forward<float>((pde::bfloat16*)out, (const pde::bfloat16* const*)in, constants, planes, rows, cols, s,
                          threads);
}

extern "C" void pde_integrate_backward(int type, void* const* out, const void* grad, const void* const* in,
                                      const double* constants, long planes, int rows, int cols, int steps,
                                      double dt, int dx, int dy, int periodic, int threads) {
  const pde::Scheme s{steps, dx, dy, periodic != 0, dt};
  if (type == 0)
    pde::backward<float>((float* const*)out, (const float*)grad, (const float* const*)in, constants, planes,
                           rows, cols, s, threads);
  else if (type == 1)
    pde::backward<double>((double* const*)out, (const double*)grad, (const double* const*)in, constants, planes,
                            rows, cols, s, threads);
  else
    pde::backward<float>((pde::bfloat16* const*)out, (const pde::bfloat16*)grad,
                           (const pde::bfloat16* const*)in, constants, planes, rows, cols, s, threads);
}
