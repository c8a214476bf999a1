// The scheme on planes as they lie in memory: no halo, no copy. For rows of whole registers and neighbours one
// column away (any distance along the rows); everything else goes through padded planes (scheme.h).
//
// Along the rows a neighbour is another row's pointer; along the columns it is an unaligned load, and at a row's
// ends a rotation within the register with one cell put in. Beyond a wall every field is continued by its own cell,
// the velocity normal to it by minus its own; with the weights of the adjoint set accordingly that holds for the
// states' gradients too, so that the same neighbours serve both directions.
#pragma once

#include "scheme.h"

namespace pde {

template <class T> struct Flat {
  int rows, sx;
  bool periodic;
  long width, cells;
  long before, after;  // column of the cell that stands before a row's first and after its last
  T ghost;             // factor on the normal velocity there
  long apart;          // from plane to plane of scratch: not a power of two, or they would share cache sets

  Flat(const Scheme& s, int rows, int cols)
      : rows(rows), sx(s.periodic ? s.dx % rows : (s.dx < rows ? s.dx : rows)), periodic(s.periodic), width(cols),
        cells(long(rows) * cols), before(s.periodic ? cols - 1 : 0), after(s.periodic ? 0 : cols - 1),
        ghost(s.periodic ? T(1) : T(-1)),
        apart(cells + 3 * 64 / long(sizeof(T))) {}
  static bool fits(const Scheme& s, int cols) {
    return cols % kLanes<T> == 0 && (s.periodic ? s.dy % cols : s.dy) == 1;
  }
  bool has_lower(int i) const { return periodic || i >= sx; }
  bool has_upper(int i) const { return periodic || i + sx < rows; }
  long lower(int i) const { return width * (i >= sx ? i - sx : periodic ? i - sx + rows : i); }
  long upper(int i) const { return width * (i + sx < rows ? i + sx : periodic ? i + sx - rows : i); }
};

// Asks for the next plane's memory a few lines at a time, while the steps of this one are computed. (The first
// step reads memory itself and in order, which the processor foresees.)
struct Ahead {
  const char* from[8] = {};
  int lines = 0;  // of each field at a call
  long at = 0, bytes = 0;

  Ahead() = default;
  Ahead(long bytes, int calls) : lines(int((bytes / 64 + calls - 1) / calls)), bytes(bytes) {}
  PDE_INLINE void next() {
    if (at >= bytes) return;
    for (int line = 0; line < lines; ++line, at += 64)
#pragma GCC unroll 1
      for (const char* p : from)
        if (p) __builtin_prefetch(p + at, 0, 2);
  }
};

template <class T, int... I> PDE_INLINE Vec<T> broadcast(T x, std::integer_sequence<int, I...>) {
  return Vec<T>{((void)I, x)...};
}
// Lanes picked from two vectors side by side.
template <class T, int... I> PDE_INLINE Vec<T> pick(Vec<T> a, Vec<T> b) {
#if defined(__clang__) || __GNUC__ >= 12
  return __builtin_shufflevector(a, b, I...);
#else
  return __builtin_shuffle(a, b, Mask<T>{I...});
#endif
}
// v moved up or down by one lane, x put into the lane that becomes free.
template <class T, int... I> PDE_INLINE Vec<T> move_up(Vec<T> v, T x, std::integer_sequence<int, I...> lanes) {
  const Mask<T> filled{(I == 0 ? -1 : 0)...};
  return filled ? broadcast(x, lanes) : pick<T, (I + kLanes<T> - 1) % kLanes<T>...>(v, v);
}
template <class T, int... I> PDE_INLINE Vec<T> move_down(Vec<T> v, T x, std::integer_sequence<int, I...> lanes) {
  const Mask<T> filled{(I == kLanes<T> - 1 ? -1 : 0)...};
  return filled ? broadcast(x, lanes) : pick<T, (I + 1) % kLanes<T>...>(v, v);
}
template <class T> using Lanes = std::make_integer_sequence<int, kLanes<T>>;

// The left and right neighbours of the vector at x of a row; edge: what stands before its first, after its last cell.
template <class T> PDE_INLINE Vec<T> left_of(const T* row, long x, T edge) {
  return x ? load(row + x - 1) : move_up(load(row), edge, Lanes<T>{});
}
template <class T> PDE_INLINE Vec<T> right_of(const T* row, long x, long width, T edge) {
  return x + kLanes<T> < width ? load(row + x + 1) : move_down(load(row + x), edge, Lanes<T>{});
}
template <class T> PDE_INLINE Vec<T> left(const Flat<T>& f, const T* row, long x, T ghost = T(1)) {
  return left_of(row, x, row[f.before] * ghost);
}
template <class T> PDE_INLINE Vec<T> right(const Flat<T>& f, const T* row, long x, long width, T ghost = T(1)) {
  return right_of(row, x, width, row[f.after] * ghost);
}

// f(x) for every vector of a row of R registers (0: as many as there are).
template <class T, int R, class F, int... I> PDE_INLINE void unrolled(F&& f, std::integer_sequence<int, I...>) {
  (f(long(I) * kLanes<T>), ...);
}
template <class T, int R, class F> PDE_INLINE void each_vector(long width, F&& f) {
  if constexpr (R > 0) unrolled<T, R>(f, std::make_integer_sequence<int, R>{});
  else
    for (long x = 0; x < width; x += kLanes<T>) f(x);
}
// body(i, at, lower, upper) for every row, offsets of the row and of its neighbours; for H rows at compile time.
template <class T, int R, class F, int... I>
PDE_INLINE void unrolled_rows(const Flat<T>& f, F&& body, std::integer_sequence<int, I...>) {
  constexpr long W = R * kLanes<T>;
  constexpr int H = sizeof...(I);
  (body(I, I * W, I ? (I - 1) * W : f.periodic ? (H - 1) * W : 0,
        I + 1 < H ? (I + 1) * W : f.periodic ? 0 : I * W), ...);
}
template <class T, int R, int H, class F> PDE_INLINE void each_row(const Flat<T>& f, long width, F&& body) {
  if constexpr (H > 0) unrolled_rows<T, R>(f, body, std::make_integer_sequence<int, H>{});
  else
    for (int i = 0; i < f.rows; ++i) body(i, i * width, f.lower(i), f.upper(i));
}
template <class T, int R> PDE_INLINE long row_width(const Flat<T>& f) { return R ? R * kLanes<T> : f.width; }

// Coefficients of a vector of cells lie side by side: one stream, one pointer. The adjoint keeps N = all of them.
enum Coefficient {
  kXl, kXu, kYl, kYu, kC0, kSrc,
  kForwardSlots, kInv = kForwardSlots, kFromLeft, kFromRight,
  kAllSlots
};
template <class T, int N> PDE_INLINE Vec<T> get(const T* c, long o, int which) {
  return load(c + o * N + which * kLanes<T>);
}
template <class T, int N> PDE_INLINE void set(T* c, long o, int which, Vec<T> v) {
  store(c + o * N + which * kLanes<T>, v);
}

template <class T>
PDE_INLINE Cell<T> cell(const Flat<T>& f, const Factors<T>& k, const Inputs<T>& in, long at, long lo, long up,
                        T lo_sign, T up_sign, long x, long width) {
  const Vec<T> across = load(in.u + up + x) * up_sign - load(in.u + lo + x) * lo_sign;
  const Vec<T> along = (right(f, in.v + at, x, width, f.ghost) - left(f, in.v + at, x, f.ghost)) * k.ay;
  const long o = at + x;
  return make_cell<T>(k, load(in.u + o), load(in.v + o), load(in.dfx + o), load(in.dfy + o), across + along);
}

// Coefficients and the first step at once. N: how many are stored for later steps (0: none). What is stored of the
// state is finish(state, offset).
template <class T, int R, int H, int N, class Finish = Unchanged>
void first_step(const Flat<T>& f, const Scheme& s, T* c, const Inputs<T>& in, T* out, Finish finish = {}) {
  const Factors<T> k(s);
  const long width = row_width<T, R>(f);
  each_row<T, R, H>(f, width, [&](int i, long at, long lo, long up) __attribute__((always_inline)) {
    const T lo_sign = f.has_lower(i) ? k.ax : -k.ax, up_sign = f.has_upper(i) ? k.ax : -k.ax;
    each_vector<T, R>(width, [&](long x) __attribute__((always_inline)) {
      const Cell<T> w = cell(f, k, in, at, lo, up, lo_sign, up_sign, x, width);
      const long o = at + x;
      const Vec<T> src = load(in.source + o) * k.two_dt;
      if constexpr (N > 0) {
        set<T, N>(c, o, kXl, Vec<T>((w.bx - w.ax) * w.inverse));
        set<T, N>(c, o, kXu, Vec<T>((w.bx + w.ax) * w.inverse));
        set<T, N>(c, o, kYl, Vec<T>((w.by - w.ay) * w.inverse));
        set<T, N>(c, o, kYu, Vec<T>((w.by + w.ay) * w.inverse));
        set<T, N>(c, o, kC0, Vec<T>(w.centre * w.inverse));
        set<T, N>(c, o, kSrc, Vec<T>(src * w.inverse));
        if constexpr (N == kAllSlots) set<T, N>(c, o, kInv, w.inverse);
      }
      const Vec<T> next = stepped<T>(w, src, load(in.p + o), load(in.h + o), load(in.h + lo + x),
                                     load(in.h + up + x), left(f, in.h + at, x), right(f, in.h + at, x, width));
      store(out + o, finish(next, o));
    });
  });
}

// One step from h and p into out, which may be p.
template <class T, int R, int H, int N>
void flat_step(const Flat<T>& f, const T* c, T* out, const T* h, const T* p, Ahead& ahead) {
  const long width = row_width<T, R>(f);
  each_row<T, R, H>(f, width, [&](int i, long at, long lo, long up) __attribute__((always_inline)) {
    each_vector<T, R>(width, [&](long x) __attribute__((always_inline)) {
      const long o = at + x;
      const Vec<T> before = load(p + o);
      Vec<T> a = get<T, N>(c, o, kC0) * load(h + o) + before;
      Vec<T> b = get<T, N>(c, o, kXl) * (load(h + lo + x) - before) + get<T, N>(c, o, kSrc);
      a += get<T, N>(c, o, kXu) * (load(h + up + x) - before);
      b += get<T, N>(c, o, kYl) * (left(f, h + at, x) - before);
      a += get<T, N>(c, o, kYu) * (right(f, h + at, x, width) - before);
      store(out + o, Vec<T>(a + b));
    });
    if constexpr (R > 1) ahead.next();
  });
}

constexpr int kFlatForwardPlanes = kForwardSlots + 2;

// All steps of one plane into out. memory: kFlatForwardPlanes planes, f.apart each.
template <class T, int R, int H>
void flat_forward(const Flat<T>& f, const Scheme& s, const Inputs<T>& in, T* out, T* memory, Ahead& ahead) {
  if (s.steps == 1) return first_step<T, R, H, 0>(f, s, (T*)nullptr, in, out);
  T* const c = memory;
  T* const states[2] = {c + kForwardSlots * f.apart, c + (kForwardSlots + 1) * f.apart};
  first_step<T, R, H, kForwardSlots>(f, s, c, in, states[0]);
  const T *now = states[0], *before = in.h;
  for (int k = 1; k < s.steps; ++k) {
    T* next = k + 1 == s.steps ? out : states[k % 2];
    flat_step<T, R, H, kForwardSlots>(f, c, next, now, before, ahead);
    before = now;
    now = next;
  }
}

}  // namespace pde
