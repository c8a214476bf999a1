// The adjoint of the scheme on planes as they lie in memory; see flat.h, and adjoint() of scheme.h.
#pragma once

#include "flat.h"

namespace pde {

// The weights of the left and right neighbours' gradients: those of the right and left states moved by one column;
// at a wall a cell is its own neighbour. memory: two rows and four vectors.
template <class T, int R, int H> void turn_columns(const Flat<T>& f, T* c, T* memory) {
  const long width = row_width<T, R>(f);
  constexpr int V = kLanes<T>;
  T *yl = memory + V, *yu = yl + width + 2 * V;
  each_row<T, R, H>(f, width, [&](int, long at, long, long) __attribute__((always_inline)) {
    each_vector<T, R>(width, [&](long x) __attribute__((always_inline)) {
      store(yl + x, get<T, kAllSlots>(c, at + x, kYl));
      store(yu + x, get<T, kAllSlots>(c, at + x, kYu));
    });
    const T first = yl[0], last = yu[width - 1];
    yu[-1] = f.periodic ? last : first;
    yl[width] = f.periodic ? first : last;
    each_vector<T, R>(width, [&](long x) __attribute__((always_inline)) {
      set<T, kAllSlots>(c, at + x, kFromLeft, load(yu + x - 1));
      set<T, kAllSlots>(c, at + x, kFromRight, load(yl + x + 1));
    });
  });
}

// The gradient of the state before from those of the next (now) and of the one after (later; null: none). also:
// null, or the gradient whose share of the state one step earlier is added.
template <class T, int R, int H, bool kLater, bool kAlso>
void flat_step_back(const Flat<T>& f, const T* c, T* out, const T* now, const T* later, const T* also, Ahead& ahead) {
  const long width = row_width<T, R>(f);
  each_row<T, R, H>(f, width, [&](int i, long at, long lo, long up) __attribute__((always_inline)) {
    const T* from_lower = c + (f.has_lower(i) ? lo * kAllSlots + kXu * kLanes<T> : at * kAllSlots + kXl * kLanes<T>);
    const T* from_upper = c + (f.has_upper(i) ? up * kAllSlots + kXl * kLanes<T> : at * kAllSlots + kXu * kLanes<T>);
    each_vector<T, R>(width, [&](long x) __attribute__((always_inline)) {
      const long o = at + x;
      Vec<T> a = get<T, kAllSlots>(c, o, kC0) * load(now + o);
      Vec<T> b = load(from_lower + x * kAllSlots) * load(now + lo + x);
      a += load(from_upper + x * kAllSlots) * load(now + up + x);
      b += get<T, kAllSlots>(c, o, kFromLeft) * left(f, now + at, x);
      a += get<T, kAllSlots>(c, o, kFromRight) * right(f, now + at, x, width);
      if (kLater || kAlso) {
        const Vec<T> share = get<T, kAllSlots>(c, o, kInv) * T(2) - T(1);
        if (kLater) b += share * load(later + o);
        if (kAlso) b += share * load(also + o);
      }
      store(out + o, Vec<T>(a + b));
    });
    if constexpr (R > 1) ahead.next();
  });
}

template <class T> struct Outputs {
  T *h, *source, *u, *v, *dfx, *dfy, *p;
};

// What the states and gradients say of the inputs. states[k]: the state before step k, states[-1] the one before
// that; gradients[k]: of the state after step k. e: a plane of scratch.
template <class T, int R, int H>
void gather(const Flat<T>& f, const Scheme& s, const T* c, const T* const* states, const T* const* gradients,
            const Outputs<T>& out, T* e, bool initial) {
  const Factors<T> k(s);
  const int steps = s.steps;
  const long width = row_width<T, R>(f);
  each_row<T, R, H>(f, width, [&](int, long at, long lo, long up) __attribute__((always_inline)) {
    each_vector<T, R>(width, [&](long x) __attribute__((always_inline)) {
      const long o = at + x;
      Vec<T> dxl{}, dxu{}, dyl{}, dyu{}, dc0{}, dsrc{};
      Vec<T> before = load(states[-1] + o);
      for (int step = 0; step < steps; ++step) {
        const T* h = states[step];
        const Vec<T> grad = load(gradients[step] + o);
        const Vec<T> now = load(h + o);
        dxl += grad * (load(h + lo + x) - before);
        dxu += grad * (load(h + up + x) - before);
        dyl += grad * (left(f, h + at, x) - before);
        dyu += grad * (right(f, h + at, x, width) - before);
        dc0 += grad * now;
        dsrc += grad;
        before = now;
      }
      const Vec<T> inverse = get<T, kAllSlots>(c, o, kInv);
      Vec<T> sum = dxl * get<T, kAllSlots>(c, o, kXl) + dxu * get<T, kAllSlots>(c, o, kXu);
      sum += dyl * get<T, kAllSlots>(c, o, kYl) + dyu * get<T, kAllSlots>(c, o, kYu);
      sum += dc0 * get<T, kAllSlots>(c, o, kC0) + dsrc * get<T, kAllSlots>(c, o, kSrc);
      store(out.dfx + o, Vec<T>((dxl + dxu - sum) * inverse * k.bx));
      store(out.dfy + o, Vec<T>((dyl + dyu - sum) * inverse * k.by));
      store(out.source + o, Vec<T>(dsrc * inverse * k.two_dt));
      store(out.u + o, Vec<T>((dxu - dxl) * inverse * k.ax));
      store(out.v + o, Vec<T>((dyu - dyl) * inverse * k.ay));
      store(e + o, Vec<T>(dc0 * inverse));
      if (initial) store(out.p + o, Vec<T>((inverse * T(2) - T(1)) * load(gradients[0] + o)));
    });
  });
  each_row<T, R, H>(f, width, [&](int, long at, long lo, long up) __attribute__((always_inline)) {
    each_vector<T, R>(width, [&](long x) __attribute__((always_inline)) {
      const long o = at + x;
      store(out.u + o, Vec<T>(load(out.u + o) + (load(e + lo + x) - load(e + up + x)) * k.ax));
      store(out.v + o, Vec<T>(load(out.v + o) + (left(f, e + at, x) - right(f, e + at, x, width)) * k.ay));
    });
  });
}

// The gradients of one step: nothing is kept but each cell's shares of its neighbours' gradients. memory: 5 planes.
template <class T, int R, int H>
void flat_backward_once(const Flat<T>& f, const Scheme& s, const Inputs<T>& in, const T* grad, const Outputs<T>& out,
                        T* memory, bool initial) {
  const Factors<T> k(s);
  const long width = row_width<T, R>(f);
  T *const xl = memory, *const xu = xl + f.apart, *const yl = xu + f.apart, *const yu = yl + f.apart;
  T* const e = yu + f.apart;
  each_row<T, R, H>(f, width, [&](int i, long at, long lo, long up) __attribute__((always_inline)) {
    const T lo_sign = f.has_lower(i) ? k.ax : -k.ax, up_sign = f.has_upper(i) ? k.ax : -k.ax;
    each_vector<T, R>(width, [&](long x) __attribute__((always_inline)) {
      const Cell<T> w = cell(f, k, in, at, lo, up, lo_sign, up_sign, x, width);
      const long o = at + x;
      const Vec<T> g = load(grad + o), share = g * w.inverse;
      const Vec<T> before = load(in.p + o), now = load(in.h + o);
      const Vec<T> below = load(in.h + lo + x) - before, above = load(in.h + up + x) - before;
      const Vec<T> less = left(f, in.h + at, x) - before, more = right(f, in.h + at, x, width) - before;
      const Vec<T> along_x = below + above, along_y = less + more, across_x = above - below, across_y = more - less;
      Vec<T> change = w.bx * along_x + w.ax * across_x + w.by * along_y + w.ay * across_y;
      change = (change + w.centre * now + load(in.source + o) * k.two_dt) * w.inverse;
      store(xl + o, Vec<T>((w.bx - w.ax) * share));
      store(xu + o, Vec<T>((w.bx + w.ax) * share));
      store(yl + o, Vec<T>((w.by - w.ay) * share));
      store(yu + o, Vec<T>((w.by + w.ay) * share));
      store(e + o, Vec<T>(now * share));
      store(out.dfx + o, Vec<T>((along_x - change) * share * k.bx));
      store(out.dfy + o, Vec<T>((along_y - change) * share * k.by));
      store(out.source + o, Vec<T>(share * k.two_dt));
      store(out.u + o, Vec<T>(across_x * share * k.ax));
      store(out.v + o, Vec<T>(across_y * share * k.ay));
      const Vec<T> earlier = share * T(2) - g;
      store(out.h + o, Vec<T>(initial ? w.centre * share : w.centre * share + earlier));
      if (initial) store(out.p + o, earlier);
    });
  });
  each_row<T, R, H>(f, width, [&](int i, long at, long lo, long up) __attribute__((always_inline)) {
    const T *from_lower = f.has_lower(i) ? xu + lo : xl + at, *from_upper = f.has_upper(i) ? xl + up : xu + at;
    const T before = f.periodic ? yu[at + width - 1] : yl[at], after = f.periodic ? yl[at] : yu[at + width - 1];
    each_vector<T, R>(width, [&](long x) __attribute__((always_inline)) {
      const long o = at + x;
      const Vec<T> a = load(from_lower + x) + load(from_upper + x);
      const Vec<T> b = left_of(yu + at, x, before) + right_of(yl + at, x, width, after);
      store(out.h + o, Vec<T>(load(out.h + o) + a + b));
      store(out.u + o, Vec<T>(load(out.u + o) + (load(e + lo + x) - load(e + up + x)) * k.ax));
      store(out.v + o, Vec<T>(load(out.v + o) + (left(f, e + at, x) - right(f, e + at, x, width)) * k.ay));
    });
  });
}

template <class T> long flat_backward_scalars(const Flat<T>& f, int steps) {
  return (kAllSlots + 2L * (steps - 1) + 1) * f.apart + 2 * (f.width + 2 * kLanes<T>);
}

// Gradients of one plane. memory: flat_backward_scalars().
template <class T, int R, int H>
void flat_backward(const Flat<T>& f, const Scheme& s, const Inputs<T>& in, const T* grad, const Outputs<T>& out,
                   T* memory, std::vector<const T*>& pointers, bool initial, Ahead& ahead) {
  const int steps = s.steps;
  if (steps == 1) return flat_backward_once<T, R, H>(f, s, in, grad, out, memory, initial);
  T* const c = memory;
  T *const e = c + kAllSlots * f.apart, *states = e + f.apart, *gradients = states + (steps - 1) * f.apart;
  T* const rows = gradients + (steps - 1) * f.apart;
  pointers.resize(2 * steps + 2);
  const T **const state = pointers.data() + 1, **const gradient = state + steps + 1;  // gradient[k]: after step k
  state[-1] = in.p;
  state[0] = in.h;
  for (int k = 1; k < steps; ++k) {
    state[k] = states + (k - 1) * f.apart;
    gradient[k - 1] = gradients + (k - 1) * f.apart;
  }
  gradient[steps - 1] = grad;

  first_step<T, R, H, kAllSlots>(f, s, c, in, states);
  for (int k = 1; k + 1 < steps; ++k)
    flat_step<T, R, H, kAllSlots>(f, c, states + k * f.apart, state[k], state[k - 1], ahead);
  turn_columns<T, R, H>(f, c, rows);
  for (int k = steps - 1; k >= 0; --k) {
    T* to = k ? gradients + (k - 1) * f.apart : out.h;
    const T* now = gradient[k];
    const T* later = k + 1 < steps ? gradient[k + 1] : nullptr;
    const T* also = k || initial ? nullptr : now;
    if (also) flat_step_back<T, R, H, true, true>(f, c, to, now, later, also, ahead);
    else if (later) flat_step_back<T, R, H, true, false>(f, c, to, now, later, also, ahead);
    else flat_step_back<T, R, H, false, false>(f, c, to, now, later, also, ahead);
  }
  gather<T, R, H>(f, s, c, state, gradient, out, e, initial);
}

template <class T> struct PlaneKernels {
  void (*forward)(const Flat<T>&, const Scheme&, const Inputs<T>&, T*, T*, Ahead&);
  void (*backward)(const Flat<T>&, const Scheme&, const Inputs<T>&, const T*, const Outputs<T>&, T*,
                   std::vector<const T*>&, bool, Ahead&);
};
// Those for rows of this width; made in integrate.cpp.
template <class T> const PlaneKernels<T>& plane_kernels(const Flat<T>& f);

}  // namespace pde
