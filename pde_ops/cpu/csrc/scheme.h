// The scheme on one padded plane (or pack): coefficients, a step, the adjoint. `pde_ops/eager.py` and
// `pde_ops/adjoint.py` are the definition.
//
// With p the state one step before h, a step is written in differences,
//   new = p + xl (h[i-dx] - p) + xu (h[i+dx] - p) + yl (h[j-dy] - p) + yu (h[j+dy] - p) + c0 h + src,
// which is the definition's since the five weights of p and of h's neighbours sum to one.
#pragma once

#include "grid.h"

namespace pde {

struct Scheme {
  int steps, dx, dy;
  bool periodic;
  double dt;
};

template <class T> struct Inputs {
  const T *h, *source, *u, *v, *dfx, *dfy, *p;  // p: the state before h
};

template <class T> struct Stencil {
  T *xl, *xu, *yl, *yu, *c0, *src, *inverse;
};

// Coefficients from velocities (halo filled), diffusivities and source; source null: none.
// keep_inverse: 1 / L is kept for the adjoint.
template <class T>
void set_up(const Grid& g, const Scheme& s, const Stencil<T>& c, const T* u, const T* v, const T* dfx,
            const T* dfy, const T* source, bool keep_inverse) {
  const T ax_factor = T(s.dt / s.dx), ay_factor = T(s.dt / s.dy);
  const T bx_factor = T(2 * s.dt / (double(s.dx) * s.dx)), by_factor = T(2 * s.dt / (double(s.dy) * s.dy));
  const T ex = T(s.dt / s.dx), ey = T(s.dt / s.dy), two_dt = T(2 * s.dt);
  const long nx = g.shift_x, ny = g.shift_y;
  each<T>(g, [&](long o) __attribute__((always_inline)) {
    const Vec<T> ax = load(u + o) * ax_factor, ay = load(v + o) * ay_factor;
    const Vec<T> bx = load(dfx + o) * bx_factor, by = load(dfy + o) * by_factor;
    const Vec<T> inverse = T(1) / (T(1) + bx + by);
    const Vec<T> minus_2e = (load(u + o + nx) - load(u + o - nx)) * ex + (load(v + o + ny) - load(v + o - ny)) * ey;
    store(c.xl + o, Vec<T>((bx - ax) * inverse));
    store(c.xu + o, Vec<T>((bx + ax) * inverse));
    store(c.yl + o, Vec<T>((by - ay) * inverse));
    store(c.yu + o, Vec<T>((by + ay) * inverse));
    store(c.c0 + o, Vec<T>(minus_2e * inverse));
    if (source) store(c.src + o, Vec<T>(load(source + o) * inverse * two_dt));
    if (keep_inverse) store(c.inverse + o, inverse);
  });
}

template <class T, bool kSource>
void step_rows(const Grid& g, const Stencil<T>& c, T* out, const T* h, const T* p) {
  const long nx = g.shift_x, ny = g.shift_y;
  const T *xl = c.xl, *xu = c.xu, *yl = c.yl, *yu = c.yu, *c0 = c.c0, *src = c.src;
  each<T>(g, [=](long o) __attribute__((always_inline)) {
    const Vec<T> before = load(p + o);
    Vec<T> a = load(c0 + o) * load(h + o) + before;
    Vec<T> b = load(xl + o) * (load(h + o - nx) - before);
    if (kSource) b += load(src + o);
    a += load(xu + o) * (load(h + o + nx) - before);
    b += load(yl + o) * (load(h + o - ny) - before);
    a += load(yu + o) * (load(h + o + ny) - before);
    store(out + o, Vec<T>(a + b));
  });
}

// The stencil of one vector of cells before the division by L, and 1 / L.
template <class T> struct Cell {
  Vec<T> ax, ay, bx, by, centre, inverse;
};
template <class T> struct Factors {
  T ax, ay, bx, by, two_dt;
  explicit Factors(const Scheme& s)
      : ax(s.dt / s.dx), ay(s.dt / s.dy), bx(2 * s.dt / (double(s.dx) * s.dx)),
        by(2 * s.dt / (double(s.dy) * s.dy)), two_dt(2 * s.dt) {}
};
// centre: the weight of the cell's own state, from the velocities around it.
template <class T>
PDE_INLINE Cell<T> make_cell(const Factors<T>& k, Vec<T> u, Vec<T> v, Vec<T> dfx, Vec<T> dfy, Vec<T> centre) {
  const Vec<T> bx = dfx * k.bx, by = dfy * k.by;
  return {u * k.ax, v * k.ay, bx, by, centre, T(1) / (T(1) + bx + by)};
}
// The state after a step: src is the source's share; lower to more are the neighbours' states along rows, columns.
template <class T>
PDE_INLINE Vec<T> stepped(const Cell<T>& w, Vec<T> src, Vec<T> before, Vec<T> now, Vec<T> lower, Vec<T> upper,
                          Vec<T> less, Vec<T> more) {
  lower -= before, upper -= before, less -= before, more -= before;
  const Vec<T> a = w.bx * (lower + upper) + (w.ax * (upper - lower) + src);
  const Vec<T> b = w.by * (less + more) + (w.ay * (more - less) + w.centre * now);
  return before + w.inverse * (a + b);
}

struct Unchanged {
  template <class V> PDE_INLINE V operator()(V state, long) const { return state; }
};

// Coefficients and the only step at once: finish(state, offset) into out. Halos of u, v and h filled; source null:
// none.
template <class T, class Finish = Unchanged>
void only_step(const Grid& g, const Scheme& s, const Inputs<T>& in, T* out, Finish finish = {}) {
  const Factors<T> k(s);
  const long nx = g.shift_x, ny = g.shift_y;
  const T *u = in.u, *v = in.v, *dfx = in.dfx, *dfy = in.dfy, *source = in.source, *h = in.h, *p = in.p;
  each<T>(g, [=](long o) __attribute__((always_inline)) {
    const Vec<T> centre =
        (load(u + o + nx) - load(u + o - nx)) * k.ax + (load(v + o + ny) - load(v + o - ny)) * k.ay;
    const Cell<T> w = make_cell<T>(k, load(u + o), load(v + o), load(dfx + o), load(dfy + o), centre);
    const Vec<T> src = source ? Vec<T>(load(source + o) * k.two_dt) : Vec<T>{};
    const Vec<T> next = stepped<T>(w, src, load(p + o), load(h + o), load(h + o - nx), load(h + o + nx),
                                   load(h + o - ny), load(h + o + ny));
    store(out + o, finish(next, o));
  });
}

// One step into `out`, which may be p; h's halo must be filled. Fills out's halo unless told not to.
template <class T>
void step(const Grid& g, const Stencil<T>& c, T* out, const T* h, const T* p, bool source, bool halo = true) {
  if (source) step_rows<T, true>(g, c, out, h, p);
  else step_rows<T, false>(g, c, out, h, p);
  if (halo) fill_halo(g, out, g.state);
}

// All steps on the plane h (that of the inputs, which is spoilt) and spare; returns the last state. Halos of u, v and
// h filled; source null: none; c: room for coefficients.
template <class T>
T* evolve(const Grid& g, const Scheme& s, const Stencil<T>& c, const Inputs<T>& in, T* h, T* spare) {
  if (s.steps == 1) {
    only_step(g, s, in, spare);
    return spare;
  }
  const bool source = in.source != nullptr;
  set_up(g, s, c, in.u, in.v, in.dfx, in.dfy, in.source, false);
  step(g, c, spare, h, in.p, source);
  T *now = spare, *before = h;
  for (int k = 1; k < s.steps; ++k) {
    step(g, c, before, now, before, source, k + 1 < s.steps);
    std::swap(now, before);
  }
  return now;
}

// ---- adjoint ---------------------------------------------------------------------------------------

// to[i] += factor * (weight ? weight[i] : 1) * from[i] on the first (towards lower indices) or last cells
// along an axis: those whose neighbour lies outside.
template <class T>
void add_at_wall(const Grid& g, T* to, const T* weight, const T* from, bool along_rows, bool first, T factor) {
  const int i0 = along_rows && !first ? g.rows - g.sx : 0, i1 = along_rows && first ? g.sx : g.rows;
  const long x0 = !along_rows && !first ? g.width - g.shift_y : 0, x1 = !along_rows && first ? g.shift_y : g.width;
  for (int i = i0; i < i1; ++i) {
    const long row = g.origin + i * g.stride;
    for (long o = row + x0; o < row + x1; ++o) to[o] += factor * (weight ? weight[o] : T(1)) * from[o];
  }
}

// The gradient with respect to the state before, from those of the next (now) and the one after (later,
// null: none). Halos of `now` and of the four weights filled with g.adjoint.
template <class T>
void step_back(const Grid& g, const Stencil<T>& c, T* out, const T* now, const T* later) {
  const long nx = g.shift_x, ny = g.shift_y;
  const T *xl = c.xl, *xu = c.xu, *yl = c.yl, *yu = c.yu, *c0 = c.c0, *inverse = c.inverse;
  each<T>(g, [=](long o) __attribute__((always_inline)) {
    Vec<T> a = load(c0 + o) * load(now + o);
    Vec<T> b = load(xl + o + nx) * load(now + o + nx);
    a += load(xu + o - nx) * load(now + o - nx);
    b += load(yl + o + ny) * load(now + o + ny);
    a += load(yu + o - ny) * load(now + o - ny);
    if (later) b += (load(inverse + o) * T(2) - T(1)) * load(later + o);
    store(out + o, Vec<T>(a + b));
  });
  if (g.periodic) return;
  add_at_wall(g, out, c.xl, now, true, true, T(1));
  add_at_wall(g, out, c.xu, now, true, false, T(1));
  add_at_wall(g, out, c.yl, now, false, true, T(1));
  add_at_wall(g, out, c.yu, now, false, false, T(1));
}

// Everything the adjoint needs on one plane, and what it leaves there.
template <class T> struct Adjoint {
  Stencil<T> c;
  T *u, *v, *dfx, *dfy, *source;        // in: inputs (u, v with halo); out: their gradients
  T* grad;                              // in: gradient of the result; spoilt
  std::vector<T*> states, gradients;    // steps + 1 planes each; states[0] the one before h, states[1] = h
  T* e;                                 // one plane more
  T *grad_h, *grad_initial;             // out
};

constexpr int adjoint_planes(int steps) { return 7 + 5 + 2 * (steps + 1) + 1; }

template <class T> Adjoint<T> take_adjoint(Planes<T>& planes, int steps) {
  Adjoint<T> a;
  for (T** plane : {&a.c.xl, &a.c.xu, &a.c.yl, &a.c.yu, &a.c.c0, &a.c.src, &a.c.inverse, &a.u, &a.v, &a.dfx,
                    &a.dfy, &a.source, &a.e})
    *plane = planes.take();
  for (int k = 0; k <= steps; ++k) a.states.push_back(planes.take());
  for (int k = 0; k <= steps; ++k) a.gradients.push_back(planes.take());
  a.grad = a.gradients[steps];
  return a;
}

// states[0], states[1] (halo filled), inputs and grad given; has_initial: states[0] is not h.
template <class T> void adjoint(const Grid& g, const Scheme& s, Adjoint<T>& a, bool source, bool has_initial) {
  const Stencil<T>& c = a.c;
  set_up(g, s, c, a.u, a.v, a.dfx, a.dfy, source ? a.source : (T*)nullptr, true);
  const int K = s.steps;
  auto state = [&](int k) { return k == -1 && !has_initial ? a.states[1] : a.states[k + 1]; };
  for (int k = 0; k + 1 < K; ++k) step(g, c, state(k + 1), state(k), state(k - 1), source);
  for (T* weight : {c.xl, c.xu, c.yl, c.yu}) fill_halo(g, weight, g.adjoint);
  for (int k = K - 1; k >= 0; --k) {
    fill_halo(g, a.gradients[k + 1], g.adjoint);
    step_back(g, c, a.gradients[k], a.gradients[k + 1], k + 2 <= K ? a.gradients[k + 2] : (T*)nullptr);
  }
  a.grad_h = a.gradients[0];

  const long nx = g.shift_x, ny = g.shift_y;
  const T ax_factor = T(s.dt / s.dx), ay_factor = T(s.dt / s.dy), two_dt = T(2 * s.dt);
  const T bx_factor = T(2 * s.dt / (double(s.dx) * s.dx)), by_factor = T(2 * s.dt / (double(s.dy) * s.dy));
  T* const* const gradients = a.gradients.data();
  T* const* const states = a.states.data() + 1;
  const T* const first = state(-1);
  const Adjoint<T> w = a;
  each<T>(g, [&](long o) __attribute__((always_inline)) {
    Vec<T> dxl{}, dxu{}, dyl{}, dyu{}, dc0{}, dsrc{};
    Vec<T> before = load(first + o);
    for (int k = 0; k < K; ++k) {
      const T* h = states[k] + o;
      const Vec<T> grad = load(gradients[k + 1] + o);
      const Vec<T> now = load(h);
      dxl += grad * (load(h - nx) - before);
      dxu += grad * (load(h + nx) - before);
      dyl += grad * (load(h - ny) - before);
      dyu += grad * (load(h + ny) - before);
      dc0 += grad * now;
      dsrc += grad;
      before = now;
    }
    const Vec<T> inverse = load(c.inverse + o);
    Vec<T> sum = dxl * load(c.xl + o) + dxu * load(c.xu + o) + dyl * load(c.yl + o) + dyu * load(c.yu + o);
    sum += dc0 * load(c.c0 + o);
    if (source) sum += dsrc * load(c.src + o);
    const Vec<T> initial = (inverse * T(2) - T(1)) * load(gradients[1] + o);
    store(w.dfx + o, Vec<T>((dxl + dxu - sum) * inverse * bx_factor));
    store(w.dfy + o, Vec<T>((dyl + dyu - sum) * inverse * by_factor));
    store(w.source + o, Vec<T>(dsrc * inverse * two_dt));
    store(w.u + o, Vec<T>((dxu - dxl) * inverse * ax_factor));
    store(w.v + o, Vec<T>((dyu - dyl) * inverse * ay_factor));
    store(w.e + o, Vec<T>(dc0 * inverse));
    store(c.src + o, initial);  // the last reader of src is this very vector
  });
  a.grad_initial = c.src;
  fill_halo(g, a.e, g.adjoint);
  const T ex = T(s.dt / s.dx), ey = T(s.dt / s.dy);
  each<T>(g, [=](long o) __attribute__((always_inline)) {
    store(w.u + o, Vec<T>(load(w.u + o) + (load(w.e + o - nx) - load(w.e + o + nx)) * ex));
    store(w.v + o, Vec<T>(load(w.v + o) + (load(w.e + o - ny) - load(w.e + o + ny)) * ey));
  });
  if (g.periodic) return;
  add_at_wall(g, a.u, (T*)nullptr, a.e, true, true, ex);
  add_at_wall(g, a.u, (T*)nullptr, a.e, true, false, T(-ex));
  add_at_wall(g, a.v, (T*)nullptr, a.e, false, true, ey);
  add_at_wall(g, a.v, (T*)nullptr, a.e, false, false, T(-ey));
}

}  // namespace pde
