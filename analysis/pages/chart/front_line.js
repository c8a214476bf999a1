// Those of some candidates that no other one beats in accuracy without more cost, by rising cost; of equal ones all, in the
// order in which they are given. ``cost`` and ``accuracy`` are functions of a candidate. As analysis/front.py defines it.
export function frontOf(candidates, cost, accuracy) {
  const ordered = [...candidates].sort((a, b) => cost(a) - cost(b) || accuracy(b) - accuracy(a));
  const found = [];
  for (const candidate of ordered) {
    const last = found.at(-1);
    const equal = last !== undefined && accuracy(candidate) === accuracy(last) && cost(candidate) === cost(last);
    if (last === undefined || accuracy(candidate) > accuracy(last) || equal) found.push(candidate);
  }
  return found;
}
