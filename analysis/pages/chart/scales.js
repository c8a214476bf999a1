// Numbers beside an axis, and the ends of a list.

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
