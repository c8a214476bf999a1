// Axes: where a value stands, which values are written beside it, and how.

const UNITS = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

// A count in three digits with its unit, as records.text writes it.
export function countText(value) {
  for (const [size, unit] of UNITS) {
    if (Math.abs(value) >= size * 0.9995) {
      const scaled = value / size;
      const digits = Math.abs(scaled) < 9.995 ? 2 : Math.abs(scaled) < 99.95 ? 1 : 0;
      return scaled.toFixed(digits) + unit;
    }
  }
  return value.toFixed(0);
}

// A value beside an axis, without the zeros at its end.
export function tickText(value) {
  if (Math.abs(value) >= 1000) return countText(value).replace(/(\.\d*?)0+(?=[kMGT])/, "$1").replace(/\.(?=[kMGT])/, "");
  return Number(value.toPrecision(3)).toString();
}

// The ends of a list, however long (a spread of many arguments overflows); [Infinity, -Infinity] of none.
export function ends(values, from = [Infinity, -Infinity]) {
  return values.reduce(([low, high], value) => value === null ? [low, high] : [Math.min(low, value), Math.max(high, value)], from);
}

// An axis from ``low`` to ``high``, logarithms where it is logarithmic, between two places in pixels: ``at`` is the place of a
// value, ``back`` what stands at a place (a logarithm of a logarithmic axis), ``ticks`` round values, ``whole`` ones alone of counts.
export function makeScale(low, high, { log, whole = false }, from, to) {
  const scaled = log ? Math.log10 : value => value;
  return {
    low, high, log, from, to,
    at: value => from + (to - from) * (scaled(value) - low) / (high - low),
    back: place => low + (high - low) * (place - from) / (to - from),
    ticks: axisTicks(low, high, log, whole),
  };
}

export function axisTicks(low, high, log, whole = false) {
  const found = [];
  if (log && high - low > 1) {
    const factors = high - low > 3 ? [1] : [1, 2, 5];
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) found.push(...factors.map(factor => factor * 10 ** power));
    return found.filter(value => Math.log10(value) >= low && Math.log10(value) <= high);
  }
  const [from, to] = log ? [10 ** low, 10 ** high] : [low, high];
  const rough = (to - from) / 5, unit = 10 ** Math.floor(Math.log10(rough));
  const round = unit * [1, 2, 5, 10].find(factor => factor * unit >= rough * 0.999), step = whole ? Math.max(round, 1) : round;
  for (let place = Math.ceil(from / step - 1e-9); place * step <= to + 1e-9 * step; place++) found.push(place * step);
  return found;
}
