// pde_ops::integrate on the CPU: every plane stays in one core's cache for all steps, forward and backward.
#include "scheme.h"

namespace pde {

static thread_local Scratch scratch;

// Input tensors in the operator's order; null where absent.
enum Input { kH, kSource, kVx, kVy, kDx, kDy, kInitial, kInputs };

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
      set_up(g, s, c, field[0], field[1], field[2], field[3], in[kSource] ? source : (T*)nullptr, false);
      const T* last = advance(g, s, c, h, in[kInitial] ? p : (T*)nullptr, spare, in[kSource] != nullptr);
      store_planes(g, last, out + at, count, cells);
    }
  }
}

template <class T, class S>
void backward(S* const* out, const S* grad, const S* const* in, const double* constants, long planes,
              int rows, int cols, const Scheme& s, int threads) {
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
      const T* const found[kInputs] = {a.grad_h, a.source, a.u, a.v, a.dfx, a.dfy, a.grad_initial};
      for (int k = 0; k < kInputs; ++k)
        if (out[k]) store_planes(g, found[k], out[k] + at, count, cells);
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
