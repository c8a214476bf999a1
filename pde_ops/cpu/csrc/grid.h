// A plane (or a pack of planes) in a core's cache, with room for its neighbours around it.
//
// Two layouts share all code. lanes == 1: one plane, vectors run along its rows. lanes == V: V planes at
// once, element (i, j) of all of them side by side, so that a small plane fills whole registers and every
// neighbour is a whole vector away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace pde {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <class T> struct Simd;
template <> struct Simd<float> {
  typedef float vec __attribute__((vector_size(kVectorBytes)));
  typedef int32_t mask __attribute__((vector_size(kVectorBytes)));
};
template <> struct Simd<double> {
  typedef double vec __attribute__((vector_size(kVectorBytes)));
  typedef int64_t mask __attribute__((vector_size(kVectorBytes)));
};
typedef uint16_t Half __attribute__((vector_size(kVectorBytes / 2)));  // as many as a vector has floats
template <class T> using Vec = typename Simd<T>::vec;
template <class T> using Mask = typename Simd<T>::mask;
template <class T> constexpr int kLanes = kVectorBytes / int(sizeof(T));

#define PDE_INLINE inline __attribute__((always_inline))

template <class T> PDE_INLINE Vec<T> load(const T* p) {
  Vec<T> v;
  std::memcpy(&v, p, kVectorBytes);
  return v;
}
template <class T> PDE_INLINE void store(T* p, Vec<T> v) { std::memcpy(p, &v, kVectorBytes); }
template <class T> PDE_INLINE Vec<T> splat(T x) { return Vec<T>{} + x; }
template <class T> PDE_INLINE Vec<T> keep(Vec<T> v, Mask<T> m) { return (Vec<T>)((Mask<T>)v & m); }

// bfloat16 in memory, float in registers; rounding to nearest even, NaN stays NaN.
struct bfloat16 {
  uint16_t bits;
};
PDE_INLINE float widen(bfloat16 x) {
  uint32_t bits = uint32_t(x.bits) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
PDE_INLINE float widen(float x) { return x; }
PDE_INLINE double widen(double x) { return x; }
PDE_INLINE void narrow(float x, float& out) { out = x; }
PDE_INLINE void narrow(double x, double& out) { out = x; }
PDE_INLINE void narrow(float x, bfloat16& out) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  out.bits = uint16_t(x != x ? 0x7FC0u : rounded);
}

enum class Halo { wrap, copy, negate, zero };

struct Grid {
  int rows, cols, lanes;
  int sx, sy;  // distance to the neighbour, in cells, after wrapping or clamping
  bool periodic;
  long stride, origin, size;  // in scalars
  long width;                 // scalars in a row
  long shift_x, shift_y;      // distance to the neighbour in scalars
  Halo state, velocity, adjoint;
};

inline long round_up(long x, long unit) { return (x + unit - 1) / unit * unit; }

template <class T>
Grid make_grid(int rows, int cols, int dx, int dy, bool periodic, int reach, int lanes) {
  constexpr int V = kLanes<T>;
  Grid g;
  g.rows = rows;
  g.cols = cols;
  g.lanes = lanes;
  g.periodic = periodic;
  g.sx = periodic ? dx % rows : (dx < rows ? dx : rows);
  g.sy = periodic ? dy % cols : (dy < cols ? dy : cols);
  const int pad_rows = g.sx > reach ? g.sx : reach, pad_cols = g.sy > reach ? g.sy : reach;
  g.width = long(cols) * lanes;
  g.stride = round_up(g.width + 2L * pad_cols * lanes, V);
  g.origin = pad_rows * g.stride + round_up(long(pad_cols) * lanes, V);
  g.size = round_up(g.origin + (rows + pad_rows) * g.stride + V, V);
  if (g.size * sizeof(T) % 4096 < 256) g.size += 384 / sizeof(T);  // planes must not share cache sets
  g.shift_x = g.sx * g.stride;
  g.shift_y = long(g.sy) * lanes;
  g.state = periodic ? Halo::wrap : Halo::copy;
  g.velocity = periodic ? Halo::wrap : Halo::negate;
  g.adjoint = periodic ? Halo::wrap : Halo::zero;
  return g;
}

// f(offset of a vector) for every vector of the plane; past a row's end it computes what nobody reads.
template <class T, class F> PDE_INLINE void each(const Grid& g, F&& f) {
  for (int i = 0; i < g.rows; ++i) {
    const long row = g.origin + i * g.stride;
    for (long x = 0; x < g.width; x += kLanes<T>) f(row + x);
  }
}

// The lanes of a row's vectors that hold data: all but, for lanes == 1, those past the row's end, or, for
// lanes == V, those of planes that do not exist.
template <class T> struct Valid {
  Mask<T> body{}, last{};
  Valid(const Grid& g, int planes) {
    const int used = int((g.width - 1) % kLanes<T>) + 1;
    for (int lane = 0; lane < kLanes<T>; ++lane) {
      body[lane] = g.lanes == 1 || lane < planes ? -1 : 0;
      last[lane] = (g.lanes == 1 ? lane < used : lane < planes) ? -1 : 0;
    }
  }
};
template <class T, class F> PDE_INLINE void each_valid(const Grid& g, const Valid<T>& valid, F&& f) {
  for (int i = 0; i < g.rows; ++i) {
    const long row = g.origin + i * g.stride;
    long x = 0;
    for (; x + kLanes<T> < g.width; x += kLanes<T>) f(row + x, valid.body);
    f(row + x, valid.last);
  }
}

// Both sides of a row: what lies before its first and after its last `n` scalars.
template <class T> PDE_INLINE void fill_row_ends(T* row, long width, long n, Halo halo) {
  T *before = row - n, *after = row + width, *first = row, *last = row + width - n;
  if (halo == Halo::wrap) std::swap(first, last);
  if (n == 1) {
    const T sign = halo == Halo::zero ? T(0) : halo == Halo::negate ? T(-1) : T(1);
    const T a = sign * *first, b = sign * *last;
    *before = a;
    *after = b;
  } else if (halo == Halo::zero) {
    for (long t = 0; t < n; ++t) before[t] = after[t] = 0;
  } else if (halo == Halo::negate) {
    for (long t = 0; t < n; ++t) before[t] = -first[t], after[t] = -last[t];
  } else {
    std::memcpy(before, first, n * sizeof(T));
    std::memcpy(after, last, n * sizeof(T));
  }
}

template <class T, Halo kHalo> void fill_halo_as(const Grid& g, T* p) {
  for (int k = 0; k < g.sx; ++k) {
    T* before = p + g.origin + (k - g.sx) * g.stride;
    T* after = p + g.origin + (g.rows + k) * g.stride;
    const T* first = p + g.origin + k * g.stride;
    const T* last = p + g.origin + (g.rows - g.sx + k) * g.stride;
    if (kHalo == Halo::wrap) std::swap(first, last);
    // Whole vectors, so it may spoil the next row's halo; that is why rows come first.
    for (long t = 0; t < g.width; t += kLanes<T>) {
      const Vec<T> a = load(first + t), b = load(last + t);
      store(before + t, kHalo == Halo::zero ? Vec<T>{} : kHalo == Halo::negate ? Vec<T>(-a) : a);
      store(after + t, kHalo == Halo::zero ? Vec<T>{} : kHalo == Halo::negate ? Vec<T>(-b) : b);
    }
  }
  const long ny = g.shift_y;
  if (ny == 1) {
    for (int i = 0; i < g.rows; ++i) fill_row_ends(p + g.origin + i * g.stride, g.width, 1, kHalo);
  } else if (ny == kLanes<T>) {
    for (int i = 0; i < g.rows; ++i) fill_row_ends(p + g.origin + i * g.stride, g.width, kLanes<T>, kHalo);
  } else if (ny) {
    for (int i = 0; i < g.rows; ++i) fill_row_ends(p + g.origin + i * g.stride, g.width, ny, kHalo);
  }
}

template <class T> void fill_halo(const Grid& g, T* p, Halo halo) {
  if (halo == Halo::wrap) fill_halo_as<T, Halo::wrap>(g, p);
  else if (halo == Halo::copy) fill_halo_as<T, Halo::copy>(g, p);
  else if (halo == Halo::negate) fill_halo_as<T, Halo::negate>(g, p);
  else fill_halo_as<T, Halo::zero>(g, p);
}

template <class T> void fill_constant(const Grid& g, T* p, T value) {
  for (int i = 0; i < g.rows; ++i)
    for (long x = 0; x < g.width; ++x) p[g.origin + i * g.stride + x] = value;
}

// ---- between memory and the padded plane -----------------------------------------------------------

// In-register transpose of V vectors of V lanes, exchanging blocks of half the size each time.
template <class T, int D, int... I>
PDE_INLINE void exchange(Vec<T>& a, Vec<T>& b, std::integer_sequence<int, I...>) {
  constexpr int V = kLanes<T>;
#if defined(__clang__) || __GNUC__ >= 12
  const Vec<T> lo = __builtin_shufflevector(a, b, ((I & D) ? V + I - D : I)...);
  const Vec<T> hi = __builtin_shufflevector(a, b, ((I & D) ? V + I : I + D)...);
#else
  const Vec<T> lo = __builtin_shuffle(a, b, Mask<T>{((I & D) ? V + I - D : I)...});
  const Vec<T> hi = __builtin_shuffle(a, b, Mask<T>{((I & D) ? V + I : I + D)...});
#endif
  a = lo;
  b = hi;
}
template <class T, int D> PDE_INLINE void transpose_stage(Vec<T>* r) {
  for (int i = 0; i < kLanes<T>; ++i)
    if (!(i & D)) exchange<T, D>(r[i], r[i + D], std::make_integer_sequence<int, kLanes<T>>{});
  if constexpr (D > 1) transpose_stage<T, D / 2>(r);
}
template <class T> PDE_INLINE void transpose(Vec<T>* r) { transpose_stage<T, kLanes<T> / 2>(r); }

template <class T, class S> PDE_INLINE Vec<T> read_vector(const S* from) {
  if constexpr (std::is_same<T, S>::value) return load(from);
  else {
    Half bits;
    std::memcpy(&bits, from, sizeof bits);
    return (Vec<float>)(__builtin_convertvector(bits, Mask<float>) << 16);
  }
}
template <class T, class S> PDE_INLINE void write_vector(S* to, Vec<T> v) {
  if constexpr (std::is_same<T, S>::value) {
    store(to, v);
  } else {
    const Mask<T> bits = (Mask<T>)v, rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    const Half half = __builtin_convertvector(v != v ? Mask<T>{} + 0x7FC0 : rounded, Half);
    std::memcpy(to, &half, sizeof half);
  }
}
template <class T, class S> PDE_INLINE void read_row(T* to, const S* from, int count) {
  int j = 0;
  for (; j + kLanes<T> <= count; j += kLanes<T>) store(to + j, read_vector<T>(from + j));
  for (; j < count; ++j) to[j] = widen(from[j]);
}
template <class T, class S> PDE_INLINE void write_row(const T* from, S* to, int count) {
  int j = 0;
  for (; j + kLanes<T> <= count; j += kLanes<T>) write_vector<T>(to + j, load(from + j));
  for (; j < count; ++j) narrow(from[j], to[j]);
}

// `planes` planes (1, or up to V), `apart` scalars from each other in memory, rows contiguous.
template <class T, class S>
void load_planes(const Grid& g, T* p, const S* from, int planes, long apart) {
  constexpr int V = kLanes<T>;
  if (g.lanes == 1) {
    // The next image's, which a processor does not foresee: it looks ahead within a page of memory, often a plane.
    for (long o = 0; o < long(g.rows) * g.cols; o += 64 / sizeof(S)) __builtin_prefetch(from + apart + o);
    for (int i = 0; i < g.rows; ++i) read_row(p + g.origin + i * g.stride, from + long(i) * g.cols, g.cols);
    return;
  }
  const int cells = g.rows * g.cols;
  int i = 0, j = 0;
  for (int start = 0; start < cells; start += V) {
    const int count = cells - start < V ? cells - start : V;
    Vec<T> block[V];
    for (int lane = 0; lane < V; ++lane) {
      block[lane] = Vec<T>{};
      if (lane >= planes) continue;
      const S* source = from + lane * apart + start;
      if (count == V) {
        block[lane] = read_vector<T>(source);
      } else {
        for (int k = 0; k < count; ++k) block[lane][k] = widen(source[k]);
      }
    }
    transpose<T>(block);
    for (int k = 0; k < count; ++k) {
      store(p + g.origin + i * g.stride + long(j) * V, block[k]);
      if (++j == g.cols) j = 0, ++i;
    }
  }
}

template <class T, class S>
void store_planes(const Grid& g, const T* p, S* to, int planes, long apart) {
  constexpr int V = kLanes<T>;
  if (g.lanes == 1) {
    for (int i = 0; i < g.rows; ++i) write_row(p + g.origin + i * g.stride, to + long(i) * g.cols, g.cols);
    return;
  }
  const int cells = g.rows * g.cols;
  int i = 0, j = 0;
  for (int start = 0; start < cells; start += V) {
    const int count = cells - start < V ? cells - start : V;
    Vec<T> block[V];
    for (int k = 0; k < V; ++k) {
      block[k] = Vec<T>{};
      if (k >= count) continue;
      block[k] = load(p + g.origin + i * g.stride + long(j) * V);
      if (++j == g.cols) j = 0, ++i;
    }
    transpose<T>(block);
    for (int lane = 0; lane < planes; ++lane) {
      S* target = to + lane * apart + start;
      if (count == V) {
        write_vector<T>(target, block[lane]);
      } else {
        for (int k = 0; k < count; ++k) narrow(T(block[lane][k]), target[k]);
      }
    }
  }
}

// How many planes go side by side: a register full of them while all their fields stay in the cache.
constexpr long kLargestPacked = 400;  // cells
template <class T> int choose_lanes(int rows, int cols, long planes) {
  constexpr int V = kLanes<T>;
  return planes < V / 2 || long(rows) * cols > kLargestPacked ? 1 : V;
}

// One thread's memory, kept between calls.
class Scratch {
 public:
  ~Scratch() { std::free(memory_); }
  template <class T> T* get(size_t count) {
    const size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
    if (bytes > bytes_) {
      std::free(memory_);
      bytes_ = 0;
      memory_ = std::aligned_alloc(64, bytes);
      if (!memory_) throw std::bad_alloc();
      bytes_ = bytes;
      std::memset(memory_, 0, bytes);
    }
    return static_cast<T*>(memory_);
  }

 private:
  void* memory_ = nullptr;
  size_t bytes_ = 0;
};

template <class T> class Planes {
 public:
  Planes(const Grid& g, T* memory) : size_(g.size), next_(memory) {}
  T* take() {
    T* plane = next_;
    next_ += size_;
    return plane;
  }

 private:
  long size_;
  T* next_;
};

}  // namespace pde
